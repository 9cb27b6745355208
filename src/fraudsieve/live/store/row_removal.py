"""Removal of rows: arbitrary ones, with the others rewritten, or the oldest ones, in small transactions.

After the removal of arbitrary rows, the others have new offsets and a new chain. It is one transaction: a crash leaves
either the old rows or the new ones. Offsets keep increasing, so that a process that waits for an old one does not wait
forever. The new chain starts with random bytes, so that no digest is left from which a removed row could be guessed.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from .chain import Head, Position, Row, extend_chain
from .event_store import EventStore, StoreTransaction
from .facts import read_sealed, sealed
from .snapshots import drop_snapshots

BATCH = 10_000
"""Old rows that are deleted in one transaction, so that others can append in between."""

IsKept: TypeAlias = Callable[[Row], bool]


def remove_rows(
    store: EventStore,
    choose: Callable[[StoreTransaction], tuple[IsKept, int]],
    record: dict[str, Any],
) -> int:
    """Remove rows and all snapshots, record the removal, and remove the bytes from the files.

    `choose` returns which rows are kept, and how many rows of other tables it has deleted.

    Returns the number of removed rows, of all tables.
    """
    with store.writing() as transaction:
        is_kept, n_others = choose(transaction)
        n_removed, last = _rewrite(transaction, is_kept)
        n_all = n_removed + n_others
        ((count,),) = transaction.sql.execute("SELECT count(*) FROM erasures")
        facts = record | {"at": datetime.now(UTC).isoformat(timespec="seconds"), "rows": n_all}
        transaction.sql.execute("INSERT INTO erasures (number, facts) VALUES (?, ?)", (count + 1, sealed(facts)))
        if n_removed:
            drop_snapshots(transaction)
            transaction.sql.set_head(Head(transaction.facts.generation, *last))
        elif n_others:
            transaction.change_facts(replace(transaction.facts, needs_shrinking=True))
    if n_all:
        store.finish_erasure()
    return n_all


def list_removals(store: EventStore) -> list[dict[str, Any]]:
    """Return the removals with their times, the oldest first."""
    with store.reading() as transaction:
        rows = transaction.sql.execute("SELECT facts FROM erasures ORDER BY number")
    return [read_sealed(facts, store.origin) for (facts,) in rows]


def _rewrite(transaction: StoreTransaction, is_kept: IsKept) -> tuple[int, Position]:
    """Write the kept rows after the last one, delete the old ones; return their number and the new last position."""
    old_last, n_old, n_kept = transaction.last, 0, 0
    start = last = Position(old_last.offset, secrets.token_bytes(16))
    for rows in transaction.batches():
        kept, last = extend_chain(last, [(time, entry) for _, time, entry, _ in filter(is_kept, rows)])
        transaction.insert(kept)
        n_old, n_kept = n_old + len(rows), n_kept + len(kept)
    if n_old == n_kept:
        transaction.sql.execute('DELETE FROM events WHERE "offset" > ?', (old_last.offset,))
        return 0, old_last
    transaction.sql.execute('DELETE FROM events WHERE "offset" <= ?', (old_last.offset,))
    facts = transaction.facts
    # The snapshots are deleted, so the remaining rows are the history, also for a model that reads further back.
    changes: dict[str, Any] = {"start": start, "dropped_before": None, "needs_shrinking": True}
    transaction.change_facts(replace(facts, generation=facts.generation + 1, **changes))
    return n_old - n_kept, last


def drop_old_rows(store: EventStore, before: int, covered: int, generation: int, label_span: int = 0) -> int:
    """Delete the oldest rows that are before a time and in every snapshot, and note how long events waited for labels.

    Returns the number of deleted rows.
    """
    n_dropped = 0
    while n := _drop_batch(store, before, covered, generation, label_span):
        n_dropped += n
    return n_dropped


def _drop_batch(store: EventStore, before: int, covered: int, generation: int, label_span: int) -> int:
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
            facts = replace(facts, dropped_before=dropped_before, label_span=max(label_span, facts.label_span))
            transaction.change_facts(replace(facts, start=Position(offset, digest)))
        return n
