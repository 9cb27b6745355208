"""Loading of records into a live state, in batches."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from fraudsieve._typing import Record
from fraudsieve.features.history.reader import RecordType

from .records import LoggedPart
from .state import LiveState

__all__ = ["json_lines", "load_records"]


BATCH = 1000
READ = 1 << 20
MALFORMED = "expected a JSON object per line, got something else"


def load_records(
    live: LiveState,
    part: LoggedPart,
    batches: Iterable[list[Any]],
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[int, Counter[str]]:
    """Add batches of records to a live state; each is durable before the next one is read.

    Parameters
    ----------
    live : LiveState
        The state, on a store.
    part : {"events", "labels", "account_labels", "messages"}
        What they are.
    batches : iterable of list
        Records; anything that is not a dict is rejected.
    progress : callable, default does nothing
        Called with the number of records so far.

    Returns
    -------
    n_accepted : int
        Number of accepted records, including repeated deliveries.
    rejected : Counter of str
        Number of rejected records by reason.

    Examples
    --------
    ::

        with LiveState(scorer, "live.db") as live:
            load_records(live, "events", json_lines(sys.stdin.buffer))
    """
    rejected, n_accepted, n_read = Counter[str](), 0, 0
    for batch in batches:
        records = [record for record in batch if isinstance(record, Mapping)]
        reasons = [reason for _, reason in _add(live, part, records)]
        reasons += [MALFORMED] * (len(batch) - len(records))
        rejected.update(reasons)
        n_read += len(batch)
        n_accepted += len(batch) - len(reasons)
        progress(n_read)
    return n_accepted, rejected


def batches_of(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Iterate over records in batches."""
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def json_lines(stream: IO[bytes]) -> Iterator[list[Any]]:
    """Iterate over JSON Lines in batches of the lines that have arrived, so that a slow stream is not held up.

    For example, ``kcat -C ... | fraudsieve state load`` loads a Kafka topic. There is no Kafka client, because kcat and
    Kafka Connect already handle offsets, groups, security and schemas.

    Parameters
    ----------
    stream : binary file
        The lines. One that is not JSON is yielded as None.

    Yields
    ------
    list
        Values of lines.

    Examples
    --------
    >>> import io
    >>> list(json_lines(io.BufferedReader(io.BytesIO(b'{"a": 1}\\n\\n{"a": 2}\\nx'))))
    [[{'a': 1}, {'a': 2}], [None]]
    """
    rest = b""
    while content := stream.read1(READ):  # type: ignore[attr-defined]
        *lines, rest = (rest + content).split(b"\n")
        yield from batches_of([_value_of(line) for line in lines if line.strip()])
    if rest.strip():
        yield [_value_of(rest)]


def _value_of(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _add(live: LiveState, part: LoggedPart, records: list[Record]) -> tuple[tuple[int, str], ...]:
    if part == "messages":
        return live.observe(records).rejected
    arguments: dict[RecordType, list[Record]] = {part: records}
    return live.update(**arguments).rejected  # type: ignore[arg-type]
