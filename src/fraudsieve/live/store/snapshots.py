"""Snapshots in a store: bytes in chunks, complete once their facts are there, checked by digest.

Each chunk is a separate transaction, so that others can append in between. If a process is killed, it leaves an
incomplete snapshot, which the next complete snapshot of a later row deletes.
"""

import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fraudsieve.exceptions import StateError

from .chain import RESTORE, Position
from .event_store import EventStore, StoreTransaction
from .facts import read_sealed, sealed

CHUNK = 4 << 20
OTHERS_KEPT = 7 * 86_400
"""Seconds for which the snapshots of models with another declaration are kept."""


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
        _drop_unfinished(store, name)
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


def _drop_unfinished(store: EventStore, name: str) -> None:
    try:
        with store.writing() as transaction:
            _drop(transaction, name)
    except StateError:
        pass  # the next complete snapshot does


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
