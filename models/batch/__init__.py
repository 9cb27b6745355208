"""Scoring of files and data frames."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .score import ScoringResult, score_file, score_frame

__all__ = [
    "ScoringResult",
    "score_file",
    "score_frame",
]

# Imported at first use, as in the package above.
_HOMES = {
    "ScoringResult": "score",
    "score_file": "score",
    "score_frame": "score",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
