"""Records later than those that models were trained on: models are compared only on these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model

from .labelled import LabelledData, is_rare


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
    if not timed or n_untimed:
        _reject_same_table(data, models)
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
        return f"{count:,} of {len(data.rows):,} records are not later than training and calibration"
    if is_training_table(data, model) and isinstance(rows, Mapping):
        used = f"{rows.get('train', 0):,} rows trained and {rows.get('calibration', 0):,} calibrated the model"
        return f"this is the table of training, of which {used}"
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


def _overlap_warnings(subject: str, timed: bool, unknown: int) -> tuple[str, ...]:
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


def _reject_same_table(data: LabelledData, models: Sequence[Model]) -> None:
    if any(is_training_table(data, model) for model in models):
        problem = "a model was trained on this table, and without times later records cannot be identified"
        raise SchemaError(str(_labelled_table(data)), problem, "Give records that no model was trained on.")
