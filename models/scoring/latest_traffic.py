"""The shares of the latest records of a process that are unlike training or flagged, beside those expected."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.unlike_training.expected_shares import MIN_RECORDS, ShareCount, UnusualShare

from .traffic import add_counts, check_counts, share_limits

MAX_BLOCKS: Final = 10
"""The latest blocks, of at least 200 records each, are compared: 2,000 records, or more if requests are large."""


class LatestTraffic:
    """Counts of the latest records that a process scored with a model, compared after every 200. Threads share it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.counts: dict[str, ShareCount] = {}
        self.unusual: tuple[UnusualShare, ...] = ()
        expected = {share.name for share in model.expected_shares}
        self._limits = [limit for limit in share_limits(model) if limit.name in expected]
        self._blocks: deque[dict[str, ShareCount]] = deque(maxlen=MAX_BLOCKS)
        self._block = {limit.name: [0, 0] for limit in self._limits}
        self._n_records = 0
        self._lock = threading.Lock()

    def add(self, scores: Sequence[dict[str, Any]]) -> bool:
        """Count scores; return whether a block became complete, so that `counts` and `unusual` are new."""
        if not self._limits:
            return False
        with self._lock:
            for name, column, limit in self._limits:
                block = self._block[name]
                for score in scores:
                    value = score[column]
                    if value is not None:
                        block[0] += value >= limit
                        block[1] += 1
            self._n_records += len(scores)
            return self._n_records >= MIN_RECORDS and self._complete_block()

    def _complete_block(self) -> bool:
        self._blocks.append({name: ShareCount(*counts) for name, counts in self._block.items()})
        self._block, self._n_records = {name: [0, 0] for name in self._block}, 0
        self.counts = add_counts(self._blocks)
        self.unusual = check_counts(self.model, self.counts)
        return True
