"""A batch of evidence: collected while scores are computed, and appended to the log when locks are released."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fraudsieve.models.scoring.observers import ScoredChunk
from fraudsieve.models.scoring.scores import Score

from .canonical import encode_canonical, join_object
from .records import describe_history, is_flagged, to_record

if TYPE_CHECKING:
    from .log import EvidenceLog


class EvidenceBatch:
    """Evidence of scores that are not yet in a log."""

    def __init__(self, log: "EvidenceLog") -> None:
        self._log = log
        self._chunks: list[tuple[ScoredChunk, list[int], Any]] = []
        self._places: list[int] = []
        self._n_answers = 0

    def add(self, chunk: ScoredChunk) -> list[Score]:
        """Collect the evidence of the scores that the log selects, and return the answers. Nothing is written."""
        self._log.check(chunk.model)
        everything = self._log.which == "all"
        pairs = zip(chunk.scores, chunk.answers, strict=True)
        chosen = [n for n, pair in enumerate(pairs) if everything or any(map(is_flagged, pair))]
        if chosen:  # a live state changes as soon as its lock is released: it is described here
            self._chunks.append((chunk, chosen, describe_history(chunk.history, self._log.content)))
        self._places += [self._n_answers + n for n in chosen]
        self._n_answers += len(chunk.answers)
        return chunk.answers

    def commit(self, answers: Sequence[Score], history: dict[str, Any] | None = None) -> list[Score]:
        """Append the collected evidence to the log, and return the answers; recorded ones have ``evidence``.

        The answers of recorded scores are copies.
        """
        answers = list(answers)
        if self._places:
            first = self._log.append(self._bodies(history))
            for index, place in enumerate(self._places, first):
                answers[place] = {**answers[place], "evidence": {"log": self._log.id, "record": index}}
        self._chunks, self._places, self._n_answers = [], [], 0
        return answers

    def _bodies(self, history: dict[str, Any] | None) -> list[bytes]:
        bodies: list[bytes] = []
        for chunk, chosen, described in self._chunks:
            setting, writer = self._log.setting(chunk.model, chunk.policy)
            source = encode_canonical(described if history is None else history)
            for n in chosen:
                record = to_record(chunk, n, self._log.content)
                parts = {name: encode_canonical(value) for name, value in record.items()}
                features = writer.write(chunk.features.X[n])
                bodies.append(join_object({**setting, **parts, "features": features, "history": source}))
        return bodies
