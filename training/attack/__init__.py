"""Attacks: fraudulent messages, obfuscated in twelve ways at three strengths."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .obfuscations import OBFUSCATIONS, STRENGTHS, Obfuscation, obfuscate
    from .recall import attack_metrics

__all__ = [
    "OBFUSCATIONS",
    "STRENGTHS",
    "Obfuscation",
    "attack_metrics",
    "obfuscate",
]

# Imported at first use, as in the package above.
_HOMES = {
    "OBFUSCATIONS": "obfuscations",
    "Obfuscation": "obfuscations",
    "STRENGTHS": "obfuscations",
    "attack_metrics": "recall",
    "obfuscate": "obfuscations",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
