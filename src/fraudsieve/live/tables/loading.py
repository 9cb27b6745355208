"""Loading of records into a live state, in batches."""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import IO, Any, Literal, TypeAlias

from fraudsieve._typing import Record
from fraudsieve.live.calls import Accepted
from fraudsieve.live.state import LiveState

LoadedPart: TypeAlias = Literal["events", "messages", "labels"]

BATCH = 1000
READ = 1 << 20
MALFORMED = "expected a JSON object per line, got something else"


class Loaded:
    """What was loaded: the numbers of records, by their type."""

    def __init__(self) -> None:
        self.accepted, self.rejected, self.unknown = Counter[str](), defaultdict[str, Counter[str]](Counter), 0

    def add(self, live: LiveState, part: LoadedPart, records: Sequence[Any]) -> None:
        """Add records to a live state, and count them."""
        mappings = [record for record in records if isinstance(record, Mapping)]
        outcome = _add(live, part, mappings)
        reasons = [reason for _, reason in outcome.rejected] + [MALFORMED] * (len(records) - len(mappings))
        self.rejected[part].update(reasons)
        self.accepted[part] += len(records) - len(reasons)
        self.unknown += len(outcome.unknown or ())


def load_records(
    live: LiveState,
    part: LoadedPart,
    batches: Iterable[list[Any]],
    progress: Callable[[int], None] = lambda _: None,
    loaded: Loaded | None = None,
) -> Loaded:
    """Add batches of records to a live state; each is durable before the next one is read."""
    loaded, n_read = loaded or Loaded(), 0
    for batch in batches:
        loaded.add(live, part, batch)
        n_read += len(batch)
        progress(n_read)
    return loaded


def load_in_order(
    live: LiveState,
    timed: Mapping[LoadedPart, Sequence[tuple[int, Record]]],
    progress: Callable[[int], None] = lambda _: None,
) -> Loaded:
    """Add records of several types, each with its time, in order of time: no record comes too late for another."""
    loaded, n_read = Loaded(), 0
    streams = [zip(repeat(part), records) for part, records in timed.items()]
    for batch in batches_of(heapq.merge(*streams, key=lambda one: one[1][0])):
        for part in timed:
            records = [record for of, (_, record) in batch if of == part]
            if records:
                loaded.add(live, part, records)
        n_read += len(batch)
        progress(n_read)
    return loaded


def batches_of(records: Iterable[Any]) -> Iterator[list[Any]]:
    """Iterate over records in batches."""
    iterator = iter(records)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def json_lines(stream: IO[bytes]) -> Iterator[list[Any]]:
    """Iterate over JSON Lines in batches of the lines that have arrived, so that a slow stream is not held up.

    For example, ``kcat -C ... | fraudsieve state load`` loads a Kafka topic. There is no Kafka client, because kcat and
    Kafka Connect already handle offsets, groups, security and schemas.
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


def _add(live: LiveState, part: LoadedPart, records: Sequence[Record]) -> Accepted:
    if part == "messages":
        return live.observe(list(records))
    return live.update(list(records)) if part == "events" else live.update(labels=list(records))
