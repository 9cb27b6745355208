"""Records that were read from columns and checked for a state, in arrays."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.pool.timelines import TimelinePool


class PreparedRows(NamedTuple):
    """Rows to add to timelines."""

    pool: TimelinePool
    # Shape (n_rows, 2). The entity of each row.
    digests: Array
    # Shape (n_rows, width). The rows, as for `TimelinePool.add`.
    rows: Array
    # Shape (n_rows,). The record that each row belongs to.
    records: Array


class PreparedLinks(NamedTuple):
    """Links of accounts and values of a column, for the network; `records` as in `PreparedRows`."""

    name: str
    accounts: Array
    values: Array
    records: Array


@dataclass(frozen=True, eq=False)
class PreparedColumns:
    """Valid records, for `HistoryState.apply` of the state that prepared them."""

    # Shape (n_records,). Microseconds since 1970.
    times: Array
    # Shape (n_records,). As `delivery_id` returns them; 0 for none.
    identifiers: Array
    # Shape (n_records,). Which records are labels, which do not move the clock of events.
    are_labels: Array
    rows: list[PreparedRows] = field(default_factory=list)
    links: list[PreparedLinks] = field(default_factory=list)
    # Shape (n_records,). Labels of accounts; empty for other records.
    accounts: Array = field(default_factory=lambda: np.empty(0, np.uint64))
    frauds: Array = field(default_factory=lambda: np.empty(0, np.bool_))

    def __len__(self) -> int:
        return len(self.times)

    def add_rows(self, is_new: Array) -> int:
        """Add the rows of new records to their timelines, and return the number of rows."""
        n_rows = 0
        for pool, digests, rows, records in self.rows:
            counts = is_new[records]
            n_rows += pool.add_many(digests[counts], rows[counts])
        return n_rows
