"""Snapshots in a store: bytes in chunks, complete once their facts are there, checked by digest.

Each chunk is a separate transaction, so that others can append in between. If a process is killed, it leaves an
incomplete snapshot, which the next complete snapshot of a later row deletes.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import StateError

from .event_store import EventStore, StoreTransaction
from .facts import RESTORE, Head, Position, Row, extend_chain, read_sealed, sealed, subject_key

CHUNK = 4 << 20
OTHERS_KEPT = 7 * 86_400
"""Seconds for which the snapshots of models with another declaration are kept."""


BATCH = 10_000
"""Old rows that are deleted in one transaction, so that others can append in between."""

IsKept: TypeAlias = Callable[[Row], bool]


def remove_rows(
    store: EventStore,
    choose: Callable[[StoreTransaction], tuple[IsKept, int]],
    record: JsonObject,
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


def list_removals(store: EventStore) -> list[JsonObject]:
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
        transaction.insert(kept, [subject_key(json.loads(row[2])) for row in kept])
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


@dataclass(frozen=True)
class SnapshotFacts:
    """The facts of a complete snapshot."""

    id: str
    position: Position
    generation: int
    # Digest of its declaration. A state with another digest cannot continue it unchanged.
    declaration: str
    n_chunks: int
    sha256: str

    def to_text(self) -> str:
        """Return the facts as sealed text."""
        offset, digest = self.position
        return sealed(self.__dict__ | {"position": [offset, digest.hex()]})

    @classmethod
    def from_text(cls, text: Any, origin: str) -> "SnapshotFacts":
        """Read facts from sealed text."""
        facts = read_sealed(text, origin)
        offset, digest = facts.pop("position")
        return cls(position=Position(offset, bytes.fromhex(digest)), **facts)


def write_snapshot(
    store: EventStore, position: Position, generation: int, declaration: str, parts: Iterable[bytes]
) -> bool:
    """Write a snapshot, and delete those that it replaces.

    Returns whether it is valid; it is not if the rows were rewritten in the meantime.
    """
    name, sha256, number = secrets.token_hex(8), hashlib.sha256(), 0
    with store.writing() as transaction:
        row = (name, position.offset, time.time(), "")
        transaction.sql.execute('INSERT INTO snapshots (id, "offset", started, facts) VALUES (?, ?, ?, ?)', row)
    try:
        for chunk in _chunks(parts):
            sha256.update(chunk)
            with store.writing() as transaction:
                if transaction.facts.generation != generation:  # rows that it covers may have been erased
                    _drop(transaction, name)
                    return False
                transaction.sql.execute("INSERT INTO chunks VALUES (?, ?, ?)", (name, number, chunk))
            number += 1
        facts = SnapshotFacts(name, position, generation, declaration, number, sha256.hexdigest())
        with store.writing() as transaction:
            if transaction.facts.generation == generation:
                transaction.sql.execute("UPDATE snapshots SET facts = ? WHERE id = ?", (facts.to_text(), name))
                _drop_replaced(transaction, facts)
                return True
            _drop(transaction, name)
            return False
    except BaseException:
        with suppress(StateError), store.writing() as transaction:  # or else the next complete snapshot does
            _drop(transaction, name)
        raise


def list_snapshots(transaction: StoreTransaction) -> list[SnapshotFacts]:
    """Return the complete snapshots of the current rows, the newest first."""
    rows = transaction.sql.execute("SELECT facts FROM snapshots WHERE facts <> '' ORDER BY \"offset\" DESC, id")
    found = [SnapshotFacts.from_text(facts, transaction.origin) for (facts,) in rows]
    return [facts for facts in found if facts.generation == transaction.facts.generation]


def read_snapshot(transaction: StoreTransaction, facts: SnapshotFacts) -> bytes:
    """Return the content of a snapshot."""
    rows = transaction.sql.execute("SELECT content FROM chunks WHERE snapshot = ? ORDER BY number", (facts.id,))
    content = b"".join(chunk for (chunk,) in rows if isinstance(chunk, bytes))
    if hashlib.sha256(content).hexdigest() != facts.sha256:
        raise StateError(transaction.origin, "a snapshot differs from its SHA-256", RESTORE)
    return content


def drop_snapshots(transaction: StoreTransaction) -> None:
    """Delete all snapshots, because the rows that they cover are rewritten."""
    transaction.sql.execute("DELETE FROM snapshots")
    transaction.sql.execute("DELETE FROM chunks")


def _drop_replaced(transaction: StoreTransaction, new: SnapshotFacts) -> None:
    """Delete older snapshots of the same declaration, incomplete ones, and those of models that are no longer used."""
    rows = transaction.sql.execute(
        'SELECT id, started, facts FROM snapshots WHERE "offset" <= ? AND id <> ?', (new.position.offset, new.id)
    )
    for name, started, text in rows:
        is_other = bool(text) and SnapshotFacts.from_text(text, transaction.origin).declaration != new.declaration
        if not is_other or started < time.time() - OTHERS_KEPT:
            _drop(transaction, name)


def _drop(transaction: StoreTransaction, name: str) -> None:
    transaction.sql.execute("DELETE FROM chunks WHERE snapshot = ?", (name,))
    transaction.sql.execute("DELETE FROM snapshots WHERE id = ?", (name,))


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Join and split parts into chunks of one size; the last one is smaller."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        while len(waiting) >= CHUNK:
            yield bytes(waiting[:CHUNK])
            del waiting[:CHUNK]
    if waiting:
        yield bytes(waiting)
