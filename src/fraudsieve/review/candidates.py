"""The records that a draw is made from: scores with the records that were scored, without those drawn before."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array
from fraudsieve.cases.actions import IDS, LABELS, flagged_mask, ids_of, read_scored_table, values_of
from fraudsieve.exceptions import SchemaError
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import InputTable, Source, as_input, origin_of
from fraudsieve.tables.values.reading import Kind

Sources = Source | None
TIMES: Final = ("sent_at", "occurred_at", "as_of", "created_at")
"""Columns that say when a record happened, the best first."""
KINDS: Final[dict[str, Kind]] = {"unlike_training": "number", "answered_at": "time"}
"""Columns of scores that are read, if they are there."""


class Candidates(NamedTuple):
    """Scored records in the order of their ids, so that no result depends on the order of the input."""

    subject: Subject
    # Shape (n_records, n_columns). Columns of the scores, with `subject_id` and `is_flagged`.
    scored: pd.DataFrame
    # Shape (n_records, n_columns). The columns of the records, without labels.
    records: pd.DataFrame
    # Shape (n_records,). When each record happened; missing where it is unknown.
    time: pd.Series
    # Records that are left out, by the reason.
    counts: dict[str, int]
    # Shape (n_rows, any). All records of the table.
    history: pd.DataFrame

    def taken(self, rows: Array) -> "Candidates":
        """Return some of them, in the given order."""
        scored, records = (part.iloc[rows].reset_index(drop=True) for part in (self.scored, self.records))
        times = self.time.iloc[rows].reset_index(drop=True)
        return self._replace(scored=scored, records=records, time=times)


def sources_of(source: Sources) -> list[InputTable]:
    """Return the tables of a source; none for None."""
    return [] if source is None else list(as_input(source).parts)


def read_candidates(
    scores: Source,
    tables: Mapping[str, Sources],
    *,
    threshold: float | None = None,
    day: date | None = None,
    previous: Sources = None,
    options: ReadOptions | None = None,
) -> Candidates:
    """Read the scored records of a day that no earlier draw has selected."""
    scored, name, origin = _read_scores(scores)
    source = tables.get(IDS[name])
    if source is None:
        problem = f"expected the {IDS[name]} that were scored, got none"
        raise SchemaError(f"--{IDS[name]}", problem, "People need to see the records: add the table.")
    scored = scored.assign(is_flagged=flagged_mask(scored, threshold, origin).to_numpy(np.bool_))
    is_usable = scored["subject_id"].notna() & scored["probability"].notna()
    counts = {"without an id or a score": int((~is_usable).sum())}
    scored = scored[is_usable].sort_values("subject_id", ignore_index=True)
    records = read_table(as_input(source, options), IDS[name], require=[name]).good
    subject, joined = Subject(name.removesuffix("_id")), _joined(scored, records, name, origin)
    times = times_of(joined, subject)
    times = pd.Series(pd.NaT, joined.index, "datetime64[us, UTC]") if times is None else times
    found = Candidates(subject, scored, joined, times, counts, records)
    found = _of_day(found, day, origin)
    return _not_drawn_before(found, previous, origin)


def _read_scores(scores: Source) -> tuple[pd.DataFrame, str, str]:
    """Return the scores of all tables, the column of the ids, and their origin."""
    parts = [read_scored_table(part) for part in sources_of(scores)]
    names = {name for _, name, _ in parts}
    origin = origin_of(scores)
    if len(names) != 1:
        problem = f"expected scores of one type of records, got those of {' and '.join(IDS[name] for name in names)}"
        raise SchemaError(origin, problem, "Draw from each type separately, with a capacity of its own.")
    (name,) = names
    scored = pd.concat([part for part, _, _ in parts], ignore_index=True)
    if "probability" not in scored:
        raise SchemaError(origin, "column 'probability' is missing", "Pass the scores of predict.")
    columns: dict[str, Any] = {"subject_id": ids_of(scored[name])}
    for column, kind in KINDS.items():
        if column in scored:
            columns[column] = values_of(scored[column], kind, origin)
    repeated = int(columns["subject_id"].dropna().duplicated().sum())
    if repeated:
        raise SchemaError(origin, f"{repeated} ids occur more than once", "Keep one score per record.")
    return scored.assign(**columns), name, origin


def times_of(records: pd.DataFrame, subject: Subject) -> pd.Series | None:
    """Return when records of a type happened; None if no column says it. Another column may have any of these names."""
    names = (name for name in (*subject.times, *TIMES) if name in records and records[name].dtype.kind == "M")
    return next((records[name] for name in names), None)


def _joined(scored: pd.DataFrame, records: pd.DataFrame, name: str, origin: str) -> pd.DataFrame:
    """Return the record of each score."""
    records = records[records[name].notna()].drop(columns=LABELS, errors="ignore")
    positions = pd.Index(records[name].to_numpy(object)).get_indexer(pd.Index(scored["subject_id"].to_numpy(object)))
    if (positions < 0).any():
        problem = f"{int((positions < 0).sum())} scored records are not in the table of {IDS[name]}"
        raise SchemaError(origin, problem, "Pass the table that was scored.")
    joined: pd.DataFrame = records.iloc[positions].reset_index(drop=True)
    return joined


def _of_day(found: Candidates, day: date | None, origin: str) -> Candidates:
    """Return the records of a day in UTC: those that were answered in it if the scores say when, else by their time."""
    if day is None:
        return found
    times = found.scored.get("answered_at", found.time)
    if not times.notna().any():
        fix = "Leave out the day, and give the records of a day alone."
        raise SchemaError(origin, "expected records with a time, to choose those of a day, got none", fix)
    is_of_day = (times.dt.tz_convert("UTC").dt.date == day).to_numpy(np.bool_)
    return _kept(found, is_of_day, "of other days or without a time")


def _not_drawn_before(found: Candidates, previous: Sources, origin: str) -> Candidates:
    drawn = [drawn_ids(part, found.subject) for part in sources_of(previous)]
    if drawn:
        is_new = ~found.scored["subject_id"].isin(pd.concat(drawn).dropna()).to_numpy(np.bool_)
        found = _kept(found, is_new, "drawn before")
    if found.scored.empty:
        left_out = ", ".join(f"{count} {reason}" for reason, count in found.counts.items() if count)
        problem = f"expected records to draw from, got none ({left_out or 'the table is empty'})"
        raise SchemaError(origin, problem, "Give the scores and the records of the day.")
    return found


def drawn_ids(table: InputTable, subject: str | None = None) -> pd.Series:
    """Return the ids that a draw has selected, of one type of records or of all; those of others are missing."""
    loaded, origin = table.loaded, origin_of(table)
    if "subject_id" not in loaded.frame:
        raise SchemaError(origin, "column 'subject_id' is missing", "Pass a table that 'review draw' wrote.")
    frame = loaded.frame.reset_index(drop=True)
    ids = convert(frame["subject_id"], "id", table.options.reading(loaded)).column
    return ids if subject is None or "subject" not in frame else ids.where(frame["subject"] == subject)


def _kept(found: Candidates, is_kept: Array, others: str) -> Candidates:
    counts = found.counts | {others: int((~is_kept).sum())}
    return found.taken(np.flatnonzero(is_kept))._replace(counts=counts)
