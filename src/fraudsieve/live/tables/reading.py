"""Tables of past records to load into a live state."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve.live.labels.rules import LabelRules
from fraudsieve.live.tables.loading import LoadedPart
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import columns_used, options_of_model
from fraudsieve.tables.label_times import resolve_label_times
from fraudsieve.tables.limits import Cause, count_causes
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.schema import LABELS
from fraudsieve.tables.source import Source, as_input
from fraudsieve.tables.values.reading import is_missing

TIMES: dict[str, str] = {"events": "occurred_at", "messages": "sent_at", "labels": "labelled_at"}
Timed: TypeAlias = list[tuple[int, dict[str, Any]]]
"""Records with their times."""


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
