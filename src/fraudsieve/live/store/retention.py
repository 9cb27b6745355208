"""Deletion of the oldest rows in small transactions, so that others can append in between."""

from dataclasses import replace

from .chain import Position
from .event_store import EventStore

__all__ = ["drop_old_rows"]

BATCH = 10_000


def drop_old_rows(store: EventStore, before: int, covered: int, generation: int) -> int:
    """Delete the oldest rows that are before a time and in every snapshot.

    Returns the number of deleted rows.

    Raises
    ------
    StateError
        If they cannot be deleted.
    """
    n_dropped = 0
    while n := _drop_batch(store, before, covered, generation):
        n_dropped += n
    return n_dropped


def _drop_batch(store: EventStore, before: int, covered: int, generation: int) -> int:
    with store.writing() as transaction:
        if transaction.facts.generation != generation:
            return 0
        rows = transaction.sql.execute(
            'SELECT "offset", time, digest FROM events WHERE "offset" <= ? ORDER BY "offset" LIMIT ?', (covered, BATCH)
        )
        n = next((index for index, (_, time, _) in enumerate(rows) if time >= before), len(rows))
        if n:
            offset, _, digest = rows[n - 1]
            transaction.sql.execute('DELETE FROM events WHERE "offset" <= ?', (offset,))
            facts = transaction.facts
            dropped_before = max(before, before if facts.dropped_before is None else facts.dropped_before)
            transaction.change_facts(replace(facts, start=Position(offset, digest), dropped_before=dropped_before))
        return n
