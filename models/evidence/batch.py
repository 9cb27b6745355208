"""A batch of evidence: collected while scores are computed, and appended to the log when locks are released."""

from typing import TYPE_CHECKING, Any

from fraudsieve.models.scoring.observers import ScoredChunk
from fraudsieve.models.scoring.scores import Score

from .canonical import encode_canonical, join_object
from .records import describe_history, is_flagged, to_record

if TYPE_CHECKING:
    from .log import EvidenceLog

__all__ = ["EvidenceBatch"]


class EvidenceBatch:
    """Evidence of scores that are not yet in a log.

    Parameters
    ----------
    log : EvidenceLog
        The log that it is for.
    """

    def __init__(self, log: "EvidenceLog") -> None:
        self._log = log
        self._chunks: list[tuple[ScoredChunk, list[int], Any]] = []

    def add(self, chunk: ScoredChunk) -> None:
        """Collect the evidence of the scores that the log selects. Nothing is written."""
        self._log.check(chunk.model)
        everything = self._log.which == "all"
        chosen = [n for n, score in enumerate(chunk.scores) if everything or is_flagged(score)]
        if chosen:  # a live state changes as soon as its lock is released: it is described here
            self._chunks.append((chunk, chosen, describe_history(chunk.history, self._log.content)))

    def commit(self, history: dict[str, Any] | None = None) -> None:
        """Append the collected evidence to the log, and add ``evidence`` to the scores.

        Parameters
        ----------
        history : dict, default=None
            The source of the history, in the types of canonical JSON; None for the history passed to the scorer.

        Raises
        ------
        EvidenceError
            If it cannot be written. Then nothing was written.
        """
        bodies: list[bytes] = []
        scores: list[Score] = []
        for chunk, chosen, described in self._chunks:
            setting, writer = self._log.setting(chunk.model, chunk.policy)
            source = encode_canonical(described if history is None else history)
            for n in chosen:
                record = to_record(chunk, n, self._log.content)
                parts = {name: encode_canonical(value) for name, value in record.items()}
                features = writer.write(chunk.features.X[n])
                bodies.append(join_object({**setting, **parts, "features": features, "history": source}))
                scores.append(chunk.scores[n])
        self._chunks = []
        if bodies:
            first = self._log.append(bodies)
            for index, score in enumerate(scores, first):
                score["evidence"] = {"log": self._log.id, "record": index}
