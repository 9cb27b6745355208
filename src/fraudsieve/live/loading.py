"""Tables of past records, loaded into a live state in batches."""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from operator import itemgetter
from typing import IO, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._typing import Record
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import columns_used, options_of_model
from fraudsieve.tables.label_values import resolve_label_times
from fraudsieve.tables.limits import Cause, count_causes
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import LABELS
from fraudsieve.tables.source import Source, as_input
from fraudsieve.tables.values.reading import is_missing

from .calls import Accepted
from .labels import LabelRules
from .state import LiveState

TIMES: dict[str, str] = {"events": "occurred_at", "messages": "sent_at", "labels": "labelled_at"}
Timed: TypeAlias = list[tuple[int, dict[str, Any]]]
"""Records with their times."""


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


class TableRecords(NamedTuple):
    """The records of a table by their type, why others were rejected, and the columns that the model misses in it."""

    records: dict[LoadedPart, Timed]
    rejected: Counter[Cause]
    missing: list[str]


def records_of_table(source: Source, part: LoadedPart, model: Model) -> TableRecords:
    """Read a table as records for a live state, in order of time.

    The column ``label`` of the records that the model scores is read as labels, as in training. Rows whose label is a
    word for a missing one are without a label.
    """
    table = as_input(source, options_of_model(model))
    checked = read_table(table, part, require=(TIMES[part],))
    # Row numbers are not ids: messages of another file would count as repeated.
    frame = checked.good.drop(columns="message_id") if checked.numbered else checked.good
    rules, rejected = LabelRules(model), count_causes(checked.rejected)
    if part == "labels":
        return TableRecords({part: _timed(_labels(frame, rules), part)}, rejected, [])
    identifier = f"{part[:-1]}_id"
    is_subject = part == f"{model.subject}s" and {identifier, "label", "labelled_at"} <= set(frame.columns)
    records: dict[LoadedPart, Timed] = {
        part: _timed(frame.drop(columns=["label", "labelled_at"], errors="ignore"), part)
    }
    if is_subject:
        own = frame[frame[["label", "labelled_at", identifier]].notna().all(axis=1)]
        records["labels"] = _timed(_labels(own.rename(columns={identifier: "subject_id"}), rules), "labels")
    used = columns_used(model).get(part, []) if part == "events" else []
    return TableRecords(records, rejected, [column for column in used if column not in frame])


def _labels(frame: pd.DataFrame, rules: LabelRules) -> pd.DataFrame:
    """Return the labels of a table with the times from which they count, without words for a missing label."""
    kept = frame[[column.name for column in LABELS.columns if column.name in frame]]
    classes = {name: rules.class_of(name) for name in kept["label"].dropna().unique()}
    labels = kept[kept["label"].map(classes).notna()]
    return labels.assign(labelled_at=resolve_label_times(labels["labelled_at"])[0])


def _timed(frame: pd.DataFrame, part: LoadedPart) -> Timed:
    """Return the rows of a table as records with their times, in order of time; missing values are left out."""
    ordered = frame.sort_values(TIMES[part], kind="stable", na_position="first")
    times = ordered[TIMES[part]].dt.tz_convert(None).to_numpy("datetime64[us]").astype(np.int64)
    rows = ordered.to_dict("records")
    records = [{str(name): value for name, value in row.items() if not is_missing(value)} for row in rows]
    return list(zip(times.tolist(), records, strict=True))


def merge_tables(tables: Iterable[Mapping[LoadedPart, Timed]]) -> dict[LoadedPart, Timed]:
    """Return the records of several tables together, in order of time."""
    together: defaultdict[LoadedPart, Timed] = defaultdict(list)
    for table in tables:
        for part, records in table.items():
            together[part] += records
    return {part: sorted(records, key=itemgetter(0)) for part, records in together.items()}
