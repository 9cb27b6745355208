"""Attacks: fraudulent messages, obfuscated in twelve ways at three strengths."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .obfuscations import OBFUSCATIONS as OBFUSCATIONS
    from .obfuscations import STRENGTHS as STRENGTHS
    from .obfuscations import Obfuscation as Obfuscation
    from .obfuscations import obfuscate as obfuscate
    from .recall import attack_metrics as attack_metrics

__getattr__, __dir__, __all__ = attach(__name__, __file__)
