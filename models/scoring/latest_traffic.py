"""The shares of the latest records of a process that are unlike training or flagged, beside those expected."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.unlike_training.expected_shares import MIN_RECORDS, ShareCount, UnusualShare

from .score_fields import Score
from .traffic import add_counts, check_counts, count_shares

MAX_BLOCKS: Final = 10
"""The latest blocks, of at least 200 records each, are compared: 2,000 records, or more if requests are large."""

COLUMNS: Final = ("unlike_training", "probability", "threshold_of")


class LatestTraffic:
    """Counts of the latest records that a process scored with a model, compared after every 200. Threads share it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.counts: dict[str, ShareCount] = {}
        self.unusual: tuple[UnusualShare, ...] = ()
        self._blocks: deque[dict[str, ShareCount]] = deque(maxlen=MAX_BLOCKS)
        self._block: list[tuple[Any, ...]] = []
        self._lock = threading.Lock()

    def add(self, scores: Sequence[Score]) -> bool:
        """Count scores; return whether a block became complete, so that `counts` and `unusual` are new."""
        if not self.model.expected_shares:
            return False
        with self._lock:
            self._block += [tuple(map(score.get, COLUMNS)) for score in scores]
            return len(self._block) >= MIN_RECORDS and self._complete_block()

    def _complete_block(self) -> bool:
        self._blocks.append(count_shares(self.model, dict(zip(COLUMNS, zip(*self._block, strict=True), strict=True))))
        self._block = []
        self.counts = add_counts(self._blocks)
        self.unusual = check_counts(self.model, self.counts)
        return True
