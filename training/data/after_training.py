"""Records that are later than all that models were trained on: the only ones on which models are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model

from .labelled import LabelledData

__all__ = ["RowsAfterTraining", "count_rows_in_training", "rows_after_training", "rows_since", "trained_until"]


@dataclass(frozen=True, eq=False)
class RowsAfterTraining:
    """Which of some records are later than training.

    Parameters
    ----------
    rows : ndarray of bool, shape (n_rows,)
        Which.
    left_out : dict of str to int
        How many of the others, by reason.
    warnings : tuple of str
        What nobody can tell.
    """

    rows: npt.NDArray[np.bool_]
    left_out: dict[str, int]
    warnings: tuple[str, ...] = ()


def trained_until(model: Model) -> pd.Timestamp | None:
    """Return the moment of the last record that a model was trained or calibrated on.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    Timestamp or None
        None where those records had no times.
    """
    windows = [model.training.get(name) for name in ("window", "calibration_window")]
    ends = [pd.Timestamp(window[1]) for window in windows if window]
    return max(ends) if ends else None


def rows_after_training(data: LabelledData, models: Sequence[Model]) -> RowsAfterTraining:
    """Choose the records that are later than what models were trained and calibrated on.

    Parameters
    ----------
    data : LabelledData
        Records with their moments (``as_of``).
    models : sequence of Model
        At least one.

    Returns
    -------
    RowsAfterTraining
        All records, with a warning, where the records or what a model was trained on have no times.

    Raises
    ------
    SchemaError
        When no record is later, or a model was trained on this very table and nobody can tell what is later.
    """
    moments, ends = data.rows["as_of"], [trained_until(model) for model in models]
    known = [end for end in ends if end is not None]
    timed = bool(moments.notna().any())
    if not timed or len(known) < len(ends):
        _refuse_same_table(data, models)
    warnings = _untold(data.subject, timed, len(ends) - len(known))
    if not timed or not known:
        return RowsAfterTraining(np.ones(len(moments), bool), {}, warnings)
    rows = (moments > max(known)).to_numpy()
    if not rows.any():
        problem = f"none of {len(moments)} labelled {data.subject}s is later than {max(known).isoformat()}, until when"
        raise SchemaError(f"{data.subject}s", f"{problem} the models were trained", "Give later ones, with labels.")
    untimed = int(moments.isna().sum())
    left_out = {"not later than training": int((~rows).sum()) - untimed, "without a time": untimed}
    return RowsAfterTraining(rows, left_out, warnings)


def count_rows_in_training(data: LabelledData, model: Model) -> int | None:
    """Count the records that are not later than what a model was trained and calibrated on: figures on them flatter.

    Parameters
    ----------
    data : LabelledData
        Records with their moments.
    model : Model
        The model.

    Returns
    -------
    int or None
        None where nobody can tell: the records, or those that the model was trained on, have no times.
    """
    until, moments = trained_until(model), data.rows["as_of"]
    known = 0 if until is None else int((moments <= until).sum())
    return known if known or (until is not None and moments.notna().all()) else None


def rows_since(data: LabelledData, since: datetime) -> LabelledData:
    """Keep the records from a moment on; what was before them stays their history.

    Parameters
    ----------
    data : LabelledData
        Records with their moments.
    since : datetime
        A naive one is UTC.

    Returns
    -------
    LabelledData

    Raises
    ------
    SchemaError
        When no record is that late.
    """
    moment = since if since.tzinfo is not None else since.replace(tzinfo=UTC)
    rows = data.rows[data.rows["as_of"] >= moment].reset_index(drop=True)
    if rows.empty:
        problem = f"none of {len(data.rows)} labelled {data.subject}s is from {moment.isoformat()} on"
        raise SchemaError(f"{data.subject}s", problem, "Give later ones, or an earlier --since.")
    return replace(data, rows=rows)


def _untold(subject: str, timed: bool, unknown: int) -> tuple[str, ...]:
    if not timed:
        return (f"the {subject}s have no times: nobody can tell whether a model was trained on some of them",)
    if unknown:
        return (f"{unknown} of the models was trained on {subject}s without times: it may know some of these",)
    return ()


def _refuse_same_table(data: LabelledData, models: Sequence[Model]) -> None:
    table = next((name for name in (f"{data.subject}s", "labels") if name in data.digests), None)
    trained_on: list[dict[str, Any]] = [model.training.get("digests") or {} for model in models]
    if table is not None and any(digests.get(table) == data.digests[table] for digests in trained_on):
        problem = "a model was trained on this very table, and without times nobody can tell what it has not seen"
        raise SchemaError(table, problem, "Give records that no model was trained on.")
