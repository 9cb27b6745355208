"""The keyword arguments of `Scorer.score`, for its signatures."""

from typing import TypedDict

from .given_history import Events
from .observers import ScoreObserver


class ScoreOptions(TypedDict, total=False):
    """The keyword arguments of `Scorer.score`."""

    history: Events | None
    reasons: bool | int
    reasons_of: str | None
    language: str
    evidence: ScoreObserver | None
