"""Labels: how long they take to mature, and how far they can be trusted."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .maturity import DelayCurve, delay_curve, maturity_gap, maturity_gaps
    from .trust import Trust, label_as_of, reversals

__all__ = [
    "DelayCurve",
    "Trust",
    "delay_curve",
    "label_as_of",
    "maturity_gap",
    "maturity_gaps",
    "reversals",
]

# Imported at first use, as in the package above.
_HOMES = {
    "DelayCurve": "maturity",
    "Trust": "trust",
    "delay_curve": "maturity",
    "label_as_of": "trust",
    "maturity_gap": "maturity",
    "maturity_gaps": "maturity",
    "reversals": "trust",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
