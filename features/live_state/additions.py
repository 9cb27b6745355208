"""Prepared records added to the timelines and the network of a live state."""

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.history.columns.prepared import PreparedColumns
from fraudsieve.features.history.timeline import PreparedRecord
from fraudsieve.features.network.live import NetworkState

from .arrivals import Prepared

__all__ = ["add_prepared", "ids_and_times"]


def ids_and_times(prepared: Prepared) -> tuple[Array, Array]:
    """Return the identifier and the time of every record."""
    if isinstance(prepared, PreparedColumns):
        return prepared.identifiers, prepared.times
    identifiers = np.array([record.identifier for record in prepared], np.uint64)
    return identifiers, np.array([record.time for record in prepared], np.int64)


def add_prepared(prepared: Prepared, is_new: Array, network: NetworkState | None) -> tuple[int, int]:
    """Add the records that are new; return the number of rows added, and the largest number of rows of a view."""
    if isinstance(prepared, PreparedColumns):
        if network is not None:
            _add_to_network(prepared, is_new, network)
        return prepared.add_rows(is_new), max((len(part.rows) for part in prepared.rows), default=0)
    new = [record for record, counts in zip(prepared, is_new.tolist(), strict=True) if counts]
    for record in new:
        _add_record(record, network)
    return sum(len(record.rows) for record in new), sum(record.n_events for record in prepared)


def _add_record(record: PreparedRecord, network: NetworkState | None) -> None:
    for pool, key, row in record.rows:
        pool.add(key, row)
    if network is not None:
        for link in record.links:
            network.link(*link, record.time)
        if record.account_label is not None:
            account, is_fraud = record.account_label
            network.label(account, record.time, is_fraud)


def _add_to_network(prepared: PreparedColumns, is_new: Array, network: NetworkState) -> None:
    for name, accounts, values, records in prepared.links:
        counts = is_new[records]
        network.link_many(name, accounts[counts], values[counts], prepared.times[records[counts]])
    if prepared.accounts.size:
        network.label_many(prepared.accounts, prepared.times, prepared.frauds)
