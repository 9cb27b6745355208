"""Groups of rows that belong together: no group is on both sides of a split, and promises and intervals count groups.

The units are campaigns of messages, sites of URLs, or accounts. A column can join them to larger groups: a video, a
branch, a reporting user.

Units and values of a column cross: a notice goes to many users, a kit stands on many hosts. Chains of both (connected
components) would link nearly all rows: in ``python -m benchmarks.evaluation groups``, 17 groups are left of 150 videos,
and one of 150 merchants. With campaigns alone, a promised rate is exceeded in 28 % of the worlds of videos instead of
at most 5 %, and 50 % of the intervals hold instead of 95 %. So every row gets one group, without chains:

- A campaign goes as a whole to the value that most of its rows have: its rows elsewhere have the same text, which says
  nothing about their own value. There are never more groups than campaigns, so a promise counts no campaign twice.
- Rows of an account stay with their own values, if these are fewer than the accounts. A bank knows an account from its
  payments at other merchants, and errors are alike within a merchant. A finer column, such as a card, divides none.

A row without a value belongs to its campaign or account alone.

Records later than those that models were trained on: models are compared only on these.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.features.cues.suffixes import registered_domain
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.tables.cells import STRING, nested_values

from .labelled import LabelledData, is_rare

Positions: TypeAlias = npt.NDArray[np.int64]

GROUP: Final = "group"
"""The kind of the groups of a column, or of sites."""
MANY: Final = 0.9
"""Share of the rows that are groups of their own above which a column says hardly anything."""
MOST: Final = 0.5
"""Share of the texts that are not URLs, from which on they are grouped as messages."""
URL: Final = re.compile(
    r"(?:([a-z][a-z0-9+.-]*)://(?:[^\s/?#@]*@)?)?([^\s/?#:@]{1,253})(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE
)
MAX_NAMED: Final = 20


def groups_of(data: LabelledData) -> tuple[Positions, str]:
    """Return the groups of labelled rows, and the word for one of them."""
    return row_groups(data.rows, data.subject, data.group)


def row_groups(rows: pd.DataFrame, subject: Subject, column: str | None = None) -> tuple[Positions, str]:
    """Group rows that are alike because they have the same origin, with a column if the rows have it."""
    units, unit = units_of(rows, subject)
    return (_joined(units, rows[column], subject), GROUP) if column in rows else (units, unit)


def units_of(rows: pd.DataFrame, subject: Subject) -> tuple[Positions, str]:
    """Return the campaigns of messages, or the accounts of other rows, and the word for one of them.

    Most characters of ``https://www.a.com/`` and ``https://www.b.com/`` are equal, but their owners are not. So URLs
    are grouped by site, if they are most of the texts.
    """
    if not subject.has_text:
        return pd.factorize(rows["account_id"])[0].astype(np.int64), subject.unit
    sites = _sites(rows["text"])
    is_other = sites.isna().to_numpy()
    if is_other.sum() >= MOST * len(rows):
        return near_duplicate_groups(rows["text"].tolist()), subject.unit
    units = pd.factorize(sites)[0].astype(np.int64)
    units[is_other] = units.max() + 1 + near_duplicate_groups(rows["text"][is_other].tolist())
    return units, GROUP


def _joined(units: Positions, values: "pd.Series[str]", subject: Subject) -> Positions:
    """Join campaigns, or accounts, to the values of a column, as above; missing values join nothing."""
    codes = pd.factorize(values.astype(STRING), sort=True)[0]
    if subject.has_text or len(np.unique(codes)) > len(np.unique(units)):
        pairs = pd.DataFrame({"unit": units, "code": codes})[codes >= 0]
        by_size = pairs.value_counts().reset_index().sort_values(["count", "code"], ascending=[False, True])
        home = by_size.drop_duplicates("unit").set_index("unit")["code"]
        codes = pd.Series(units).map(home).fillna(-1).to_numpy(np.int64)
    return pd.factorize(np.where(codes < 0, -1 - units, codes))[0].astype(np.int64)


def _sites(texts: "pd.Series[str]") -> "pd.Series[str]":
    """Return the site of each text that is a URL, such as ``shop.co.uk``; missing for other texts."""
    registered = cache(registered_domain)

    def site(text: str) -> str | None:
        plain = text.strip().replace("[.]", ".")
        found = None if " " in plain else URL.fullmatch(plain)
        if found is None:
            return None
        scheme, host = found[1], found[2].lower()
        # Without a scheme, "see.you" is a URL only if its end is a public suffix; an address has none.
        return registered(host) or (host if scheme or (host.replace(".", "").isdigit() and "." in host) else None)

    return texts.map(site)


def with_group(
    data: LabelledData, column: str | None, names: Mapping[str, str], *, required: bool = True
) -> LabelledData:
    """Return data in the groups of a column, by the user's name for it; if it is not required, it may be missing."""
    if column is None:
        return data
    origin, unit = f"{data.subject}s", data.subject.unit
    try:
        values = column_named(data.rows, column, origin, names, "group")
    except SchemaError:
        if required:
            raise
        note = f"there is no column {column!r}, by which the model was trained in groups: intervals are over {unit}s"
        return replace(data, notes=(*data.notes, note))
    if required and values.nunique() < 2:
        problem = f"expected at least 2 values to group by in column {column!r}, got {values.nunique()}"
        raise SchemaError(origin, problem, "Choose another column.")
    return replace(data, group=str(values.name))


def group_notes(data: LabelledData, groups: Positions, kind: str) -> tuple[str, ...]:
    """Return a note on what belongs together beside campaigns or accounts; none if nothing does."""
    if kind != GROUP:
        return ()
    n, n_rows, rows = len(np.unique(groups)), len(groups), f"{data.subject}s"
    what = "one site, because most texts are URLs," if data.group is None else f"one {data.group!r}"
    hardly = f"; hardly any has more than one {data.subject.unit}" if n > MANY * n_rows else ""
    return (f"{rows} of {what} belong together: {n:,} groups of {n_rows:,} {rows}{hardly}",)


def column_named(
    rows: pd.DataFrame, name: str, origin: str, names: Mapping[str, str], purpose: str
) -> "pd.Series[str]":
    """Return the column of words or numbers with a name, which may have got another name when it was read."""
    given = {ours.rpartition(".")[2]: theirs for ours, theirs in names.items()}
    renamed = {theirs: rows[ours] for ours, theirs in given.items() if ours in rows}
    column = rows[name] if name in rows else renamed.get(name)
    if column is None:
        known = [given.get(str(other), str(other)) for other in rows if not without_values(rows[other])][:MAX_NAMED]
        problem = f"expected a column {name!r} to {purpose} by, got none of this name"
        raise SchemaError(origin, problem, f"Choose one that exists, such as: {', '.join(known)}.")
    if held := without_values(column):
        problem = f"expected numbers or words in column {name!r} to {purpose} by, got {held}"
        raise SchemaError(origin, problem, "Choose another column.")
    return column


def without_values(column: "pd.Series[str]") -> str:
    """Return what a column holds in place of numbers or words; an empty string if it holds these."""
    if column.name == "text":
        return "texts"
    return "times" if pd.api.types.is_datetime64_any_dtype(column) else nested_values(column)


def group_of_model(model: Model) -> str | None:
    """Return the column that a model was trained in groups by; None for campaigns or accounts alone."""
    name = ((model.training.get("recipe") or {}).get("split") or {}).get("group")
    ours = {theirs: ours.rpartition(".")[2] for ours, theirs in options_of_model(model).columns.items()}
    return None if name is None else ours.get(name, name)


@dataclass(frozen=True, eq=False)
class RowsAfterTraining:
    """The records that are later than training."""

    # Shape (n_rows,). Whether each record is later.
    rows: npt.NDArray[np.bool_]
    # Numbers of the other records, by reason.
    left_out: dict[str, int]
    # Why some of the records may still be training records.
    warnings: tuple[str, ...] = ()


def trained_until(model: Model) -> pd.Timestamp | None:
    """Return the time of the last record that a model was trained, calibrated or recalibrated on.

    Returns None if those records had no times.
    """
    window = (model.training.get("recalibration") or {}).get("window")
    ends = [learned_until(model), *([pd.Timestamp(window[1])] if window else [])]
    return max((end for end in ends if end is not None), default=None)


def learned_until(model: Model) -> pd.Timestamp | None:
    """Return the time of the last record of the run that trained a model, whether it was recalibrated later or not.

    Returns None if those records had no times.
    """
    windows = [model.training.get(name) for name in ("window", "calibration_window")]
    return max((pd.Timestamp(window[1]) for window in windows if window), default=None)


def _is_partly_untimed(model: Model) -> bool:
    """Return whether later records cannot be identified, because some of those of a model had no times."""
    recalibration = model.training.get("recalibration")
    return trained_until(model) is None or (recalibration is not None and not recalibration.get("window"))


def rows_after_training(data: LabelledData, models: Sequence[Model]) -> RowsAfterTraining:
    """Choose the records that are later than what models were trained and calibrated on.

    Returns all records, with a warning, if the records or those that a model was trained on have no times.
    """
    cutoff_times, ends = data.rows["as_of"], [trained_until(model) for model in models]
    known_ends = [end for end in ends if end is not None]
    timed, n_untimed = bool(cutoff_times.notna().any()), sum(map(_is_partly_untimed, models))
    if (not timed or n_untimed) and any(is_training_table(data, model) for model in models):
        problem = "a model was trained on this table, and without times later records cannot be identified"
        raise SchemaError(str(_labelled_table(data)), problem, "Give records that no model was trained on.")
    warnings = _overlap_warnings(data.subject, timed, n_untimed)
    if not timed or not known_ends:
        return RowsAfterTraining(np.ones(len(cutoff_times), bool), {}, warnings)
    trained_to = max(known_ends)
    rows = (cutoff_times > trained_to).to_numpy()
    if not rows.any():
        problem = f"none of {len(cutoff_times)} labelled {data.subject}s is later than {trained_to.isoformat()}"
        problem = f"{problem}, the end of the training or recalibration data"
        raise SchemaError(f"{data.subject}s", problem, f"Give later {data.subject}s with labels.")
    untimed = int(cutoff_times.isna().sum())
    left_out = {"not later than training": int((~rows).sum()) - untimed, "without a time": untimed}
    return RowsAfterTraining(rows, left_out, warnings)


def count_rows_in_training(data: LabelledData, model: Model) -> int | None:
    """Count the records that are not later than training and calibration: metrics on them are optimistic.

    Returns None if unknown: the records, or some of those that the model was trained on, have no times.
    """
    until, cutoff_times = trained_until(model), data.rows["as_of"]
    count = 0 if until is None else int((cutoff_times <= until).sum())
    return count if count or (not _is_partly_untimed(model) and cutoff_times.notna().all()) else None


def describe_overlap(data: LabelledData, model: Model) -> str:
    """Return how many of the records were in training, in words."""
    count, rows = count_rows_in_training(data, model), model.training.get("rows")
    if count is not None:
        return tr("{n:,} of {rows:,} records are not later than training and calibration", n=count, rows=len(data.rows))
    if is_training_table(data, model) and isinstance(rows, Mapping):
        n, m = rows.get("train", 0), rows.get("calibration", 0)
        return tr("this is the table of training, of which {n:,} rows trained and {m:,} calibrated the model", n=n, m=m)
    return "unknown: these records, or those of training, have no times"


def rows_since(data: LabelledData, since: datetime) -> LabelledData:
    """Keep the records from a time on; earlier records stay their history."""
    start = since if since.tzinfo is not None else since.replace(tzinfo=UTC)
    rows = data.rows[data.rows["as_of"] >= start].reset_index(drop=True)
    if rows.empty:
        problem = f"none of {len(data.rows)} labelled {data.subject}s is at or after {start.isoformat()}"
        raise SchemaError(f"{data.subject}s", problem, "Give later ones, or an earlier --since.")
    return replace(data, rows=rows)


def known_before(data: LabelledData, start: pd.Timestamp, *, min_label_rows: int) -> LabelledData:
    """Return the labelled records as they were known at a time: later ones, and later labels, are not among them.

    Records of labels that have too few rows by then are left out too, as in training. The history ends there.
    """
    times = data.rows["as_of"]
    late = (times < start) & (data.rows["labelled_at"] >= start)
    known = data.rows[(times < start) & ~late]
    is_young = (known["as_of"] > start - (data.assumed_after or timedelta(0))).to_numpy()
    rows = known[~is_young]
    rows = rows[~is_rare(rows["label"], min_label_rows, data.legitimate)]
    waiting = pd.concat([data.waiting[data.waiting < start], times[late]], ignore_index=True)
    return replace(
        data,
        rows=rows.reset_index(drop=True),
        waiting=waiting,
        young=known.loc[is_young, ["as_of", "labelled_at", "label"]],
        n_unlabelled=len(waiting),
        events=_until(data.events, "occurred_at", start),
        messages=_until(data.messages, "as_of", start),
        all_labels=_until(data.all_labels, "labelled_at", start),
        known_labels=_until(data.known_labels, "labelled_at", start),
    )


def _until(table: pd.DataFrame | None, column: str, start: pd.Timestamp) -> pd.DataFrame | None:
    """Return the rows before a time, and those without a time."""
    if table is None or column not in table:
        return table
    later = (table[column] >= start).to_numpy()
    return table[~later].reset_index(drop=True) if later.any() else table


def _overlap_warnings(subject: Subject, timed: bool, unknown: int) -> tuple[str, ...]:
    if not timed:
        return (f"the {subject}s have no times: whether a model was trained on some of them is unknown",)
    if unknown:
        return (f"{unknown} of the models was trained on {subject}s without times, perhaps on some of these",)
    return ()


def is_training_table(data: LabelledData, model: Model) -> bool:
    """Return whether the records are, byte by byte, the table that a model was trained or recalibrated on."""
    table = _labelled_table(data)
    if table is None:
        return False
    trained_on: dict[str, Any] = model.training.get("digests") or {}
    recalibrated_on = model.training.get("recalibration", {}).get("digests", {})
    used = (trained_on.get(table), recalibrated_on.get("labels" if table == "labels" else "traffic"))
    return data.digests[table] in used


def _labelled_table(data: LabelledData) -> str | None:
    return next((name for name in (f"{data.subject}s", "labels") if name in data.digests), None)
