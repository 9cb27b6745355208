"""Rows of the score log in a store: appended beside events, deleted by age, and read in the order of their times."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import StateError

from .event_store import EventStore, StoreTransaction
from .facts import RESTORE, SCORE_TABLES, START, key_of_record, row_digest

BATCH = 10_000
"""Rows that are read or deleted in one transaction, so that others can append in between."""
FIRST_TIME, LAST_TIME = -(2**62), 2**62
INSERT = "INSERT INTO scores (number, time, entry, digest, recorded) VALUES (?, ?, ?, ?, ?)"
INSERT_RECORD = "INSERT INTO scored_records (number, time, entry, digest) VALUES (?, ?, ?, ?)"
RECORDED = "SELECT number, time, entry, digest, NULL, NULL FROM scores WHERE recorded IN ({keys}) ORDER BY number"
FORGET = "UPDATE scores SET recorded = NULL WHERE recorded IN (SELECT subject FROM events WHERE time > ?)"
ROWS = (
    "SELECT s.number, s.time, s.entry, s.digest, r.entry, r.digest FROM scores s "
    "LEFT JOIN scored_records r ON r.number = s.number "
    "WHERE (s.time, s.number) > (?, ?) AND s.time < ? ORDER BY s.time, s.number LIMIT ?"
)


class Recorded(NamedTuple):
    """A record that its request adds to the history: ``event`` or ``message``, its id, and a digest of all of it."""

    kind: str
    identifier: str
    digest: str

    @property
    def name(self) -> tuple[str, str]:
        """Its type and id."""
        return self.kind, self.identifier

    @property
    def key(self) -> int:
        """The key by which its score is found."""
        return key_of_record(self.kind, self.identifier)


class ScoreRow(NamedTuple):
    """A row to append: the time of the answer in microseconds since 1970, the score as JSON, and maybe the record.

    A record that was added to the history by its request has `recorded`, by which its score is found.
    """

    time: int
    entry: bytes
    record: bytes | None = None
    recorded: Recorded | None = None


class StoredScore(NamedTuple):
    """A row of the log, with its number."""

    number: int
    time: int
    entry: bytes
    record: bytes | None


class LogSize(NamedTuple):
    """The number of logged scores and records, and the bytes of both."""

    scores: int
    records: int
    nbytes: int


def append_scores(transaction: StoreTransaction, rows: Sequence[ScoreRow]) -> None:
    """Append rows to the log; they are durable once the transaction is committed."""
    if not rows:
        return
    ((last,),) = transaction.sql.execute("SELECT coalesce(max(number), 0) FROM scores")
    numbered = list(enumerate(rows, last + 1))
    keys = [None if row.recorded is None else row.recorded.key for row in rows]
    scores = [(*_sealed(number, row.time, row.entry), key) for (number, row), key in zip(numbered, keys, strict=True)]
    records = [_sealed(number, row.time, row.record) for number, row in numbered if row.record is not None]
    transaction.sql.execute_many(INSERT, scores)
    if records:
        transaction.sql.execute_many(INSERT_RECORD, records)


def find_recorded(transaction: StoreTransaction, keys: Iterable[int]) -> Iterator[StoredScore]:
    """Iterate over the scores, without their records, of records with any of some keys; raises as `read_scores`."""
    for row in transaction.look_up(RECORDED, keys):
        yield _checked(transaction.origin, row)


def forget_recorded(transaction: StoreTransaction, after: int) -> None:
    """Let the scores of records in the history after a time no longer be found: these records can be sent again."""
    transaction.sql.execute(FORGET, (after,))


def read_scores(
    transaction: StoreTransaction, after: tuple[int, int] = (FIRST_TIME, 0), until: int = LAST_TIME
) -> list[StoredScore]:
    """Read and check the rows after a time and a number, and before another time; there are none at the end."""
    rows = transaction.sql.execute(ROWS, (*after, until, BATCH))
    return [_checked(transaction.origin, row) for row in rows]


def iterate_scores(store: EventStore, since: int = FIRST_TIME, until: int = LAST_TIME) -> Iterator[list[StoredScore]]:
    """Iterate over the rows of a span of time in batches, each read in a separate transaction."""
    after = since, -1
    while True:
        with store.reading() as transaction:
            rows = read_scores(transaction, after, until)
        if not rows:
            return
        yield rows
        after = rows[-1].time, rows[-1].number


def chosen_scores(store: EventStore, numbers: Array, since: int, until: int) -> Iterator[list[StoredScore]]:
    """Yield the rows with some numbers in a span of time, in batches."""
    for rows in iterate_scores(store, since, until):
        is_chosen = np.isin(np.array([row.number for row in rows]), numbers).tolist()
        yield [row for row, is_one in zip(rows, is_chosen, strict=True) if is_one]


def delete_scores(transaction: StoreTransaction, numbers: Sequence[int]) -> None:
    """Delete rows, with their records."""
    for table in SCORE_TABLES if numbers else ():
        transaction.sql.execute_many(f"DELETE FROM {table} WHERE number = ?", [(number,) for number in numbers])


def drop_old_scores(store: EventStore, before: int, records_before: int) -> int:
    """Delete scores that were answered before a time, and records that were scored before another one.

    No record is kept longer than its score. Returns the number of deleted scores.
    """
    scores, records = SCORE_TABLES
    _drop(store, records, max(before, records_before))
    return _drop(store, scores, before)


def newest_score(transaction: StoreTransaction) -> int | None:
    """Return when the newest score was answered; None without one."""
    ((newest,),) = transaction.sql.execute("SELECT max(time) FROM scores")
    return None if newest is None else int(newest)


def log_size(transaction: StoreTransaction) -> LogSize:
    """Return the size of the log."""
    sizes = "SELECT count(*), CAST(coalesce(sum(length(entry)), 0) AS BIGINT) FROM {}"
    (scores, nbytes), (records, more) = (transaction.sql.execute(sizes.format(table))[0] for table in SCORE_TABLES)
    return LogSize(scores, records, nbytes + more)


def _drop(store: EventStore, table: str, before: int) -> int:
    n_dropped, n = 0, BATCH
    while n == BATCH:
        with store.writing() as transaction:
            oldest = f"SELECT time, number FROM {table} WHERE time < ? ORDER BY time, number LIMIT ?"
            rows = transaction.sql.execute(oldest, (before, BATCH))
            if rows:
                transaction.sql.execute(f"DELETE FROM {table} WHERE (time, number) <= (?, ?)", rows[-1])
        n = len(rows)
        n_dropped += n
    return n_dropped


def _sealed(number: int, time: int, entry: bytes) -> tuple[int, int, bytes, bytes]:
    return number, time, entry, row_digest(START.digest, number, time, entry)


def _checked(origin: str, row: tuple[Any, ...]) -> StoredScore:
    number, time, entry, digest, record, record_digest = row
    is_readable = isinstance(time, int) and isinstance(entry, bytes) and isinstance(record, bytes | None)
    sealed = is_readable and row_digest(START.digest, number, time, entry) == digest
    if sealed and record is not None:
        sealed = row_digest(START.digest, number, time, record) == record_digest
    if not sealed:
        raise StateError(origin, f"row {number} of the score log differs from its digest", RESTORE)
    return StoredScore(number, time, entry, record)
