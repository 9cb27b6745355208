"""Observers of scores, which receive every chunk that a scorer has scored, for evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fraudsieve._typing import JsonObject
from fraudsieve.models.artifact.folder import Model

from .score_fields import Score
from .scores import Scores


@dataclass(frozen=True, eq=False)
class ScoredChunk:
    """Records and their scores, with everything from which the scores were computed."""

    scores: Scores
    records: Sequence[Mapping[str, Any]]
    # As `Scorer.score` returns them: with the decisions of rules.
    answers: list[Score]
    # The history as it was passed; None without one.
    history: Any
    # How reasons were requested: number and class; empty if they were not.
    reasons: Mapping[str, Any]


class ScoreObserver(Protocol):
    """Receives scores, such as an `EvidenceLog`."""

    def add(self, chunk: ScoredChunk) -> list[Score]:
        """Receive a scored chunk, and return its answers; those that are recorded already have ``evidence``."""


class ScoreBatch(ScoreObserver, Protocol):
    """Collects scores while a lock is held, and records them afterwards."""

    def commit(self, answers: Sequence[Score], history: JsonObject | None = None) -> list[Score]:
        """Record the collected scores, and return all answers; those that are recorded have ``evidence``.

        The source of the history is None for the history passed to the scorer.
        """


class ScoreRecorder(ScoreObserver, Protocol):
    """Records scores, at once or in batches, in a file or folder."""

    @property
    def path(self) -> Path:
        """Where they are recorded."""

    @property
    def which(self) -> str:
        """Which scores it records: ``all`` or ``flagged``."""

    def check(self, model: Model) -> None:
        """Raise an error if the scores of a model cannot be recorded."""

    def batch(self) -> ScoreBatch:
        """Return an empty batch."""
