"""Attacks: fraudulent messages, obfuscated in twelve ways at three strengths."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .disguises import DISGUISES, STRENGTHS, Disguise, disguise
    from .recall import attack_metrics

__all__ = [
    "DISGUISES",
    "STRENGTHS",
    "Disguise",
    "attack_metrics",
    "disguise",
]

# Imported at first use, as in the package above.
_HOMES = {
    "DISGUISES": "disguises",
    "Disguise": "disguises",
    "STRENGTHS": "disguises",
    "attack_metrics": "recall",
    "disguise": "disguises",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
