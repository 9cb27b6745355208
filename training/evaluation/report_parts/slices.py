"""Slices of the rows: the values of a few columns, and the metrics of each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.tables.cells import nested_values
from fraudsieve.training.evaluation.fraud_rows import FraudRows, SliceMetrics

__all__ = ["Slice", "slice_metrics", "slices_of_rows"]

MIN_ROWS, MIN_FRAUDS, MAX_VALUES = 50, 10, 8
"""Slices with fewer rows or frauds are left out; of a column with many values, the most frequent ones are shown."""
COLUMNS: Final = ("channel", "country", "kind", "language")
"""Columns whose values are slices, if a table has them."""
LENGTHS: Final = ((0, "up to 20 characters"), (21, "21 to 70"), (71, "71 to 160"), (161, "more than 160"))
AGES: Final = ((0, "less than 1 day"), (1, "1 to 7 days"), (7, "7 to 30 days"), (30, "more than 30 days"))
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Slice(SliceMetrics):
    """Metrics of the rows with one value, such as ``email`` by ``channel``; recall is at the threshold of all rows."""

    by: str
    value: str


def slices_of_rows(rows: pd.DataFrame, first_seen: pd.Series | None = None) -> dict[str, Array]:
    """Return the value of every row, by the name of the slicing.

    Parameters
    ----------
    rows : DataFrame
        Labelled records.
    first_seen : Series of datetime64, default=None
        When the account of each row was created or first seen; None if that is not known.

    Returns
    -------
    dict of str to ndarray of str objects, shape (n_rows,)
        Without columns that the rows do not have, or whose values are all equal.

    Examples
    --------
    >>> slices_of_rows(pd.DataFrame({"text": ["hi", "你好"], "channel": ["sms", "sms"]}))
    {'language': array(['Latin script', 'Chinese'], dtype=object)}
    """
    slices = {name: _by_frequency(rows[name]) for name in COLUMNS if name in rows and not nested_values(rows[name])}
    if "text" in rows:
        slices.setdefault("language", _language(rows["text"]))
        slices["length"] = _steps(rows["text"].str.len().to_numpy(np.float64), LENGTHS)
    if first_seen is not None and "as_of" in rows:
        age = (rows["as_of"] - first_seen).to_numpy()
        slices["age of the account"] = _steps(age / np.timedelta64(1, "D"), AGES)
    return {name: values for name, values in slices.items() if len({*values} - {None}) > 1}


def _by_frequency(column: pd.Series) -> Array:
    """Return the most frequent values, and `OTHER` for the rest; None for a missing value."""
    words = column.astype("str")
    frequent = words.value_counts().index[:MAX_VALUES]
    values = words.where(words.isin(frequent), OTHER)
    return values.astype(object).where(column.notna(), None).to_numpy(object)


def _language(texts: pd.Series) -> Array:
    """Distinguish languages by their script: characters, not words, so no text is ever too short for it."""
    is_chinese, is_latin = texts.str.contains(r"[㐀-鿿]"), texts.str.contains(r"[A-Za-z]")
    return np.select([is_chinese, is_latin], ["Chinese", "Latin script"], OTHER).astype(object)


def _steps(numbers: Array, steps: tuple[tuple[int, str], ...]) -> Array:
    """Return the name of the step that each number is in; None for a missing or negative one."""
    place = np.searchsorted([low for low, _ in steps], numbers, side="right") - 1
    known = np.isfinite(numbers) & (place >= 0)
    return np.array([steps[i][1] if ok else None for i, ok in zip(place, known, strict=True)], object)


def slice_metrics(rows: FraudRows, threshold: float, slices: Mapping[str, Array]) -> tuple[Slice, ...]:
    """Compute the metrics of every slice that has enough rows and frauds, the largest first.

    Parameters
    ----------
    rows : FraudRows
        Scores, truth and groups.
    threshold : float
        The threshold of all rows.
    slices : mapping of str to ndarray of str objects, shape (n_rows,)
        As from `slices_of_rows`.

    Returns
    -------
    tuple of Slice

    Examples
    --------
    >>> rows = FraudRows(np.tile([0.9, 0.2], 50), np.tile([True, False], 50))
    >>> [(part.by, part.value, part.recall) for part in slice_metrics(rows, 0.5, {"channel": np.full(100, "sms")})]
    [('channel', 'sms', 1.0)]
    """
    parts = []
    for by, values in slices.items():
        counts = pd.Series(values, dtype=object).value_counts()
        for value in counts.index[counts >= MIN_ROWS]:
            mask = np.asarray(values == value, bool)
            if rows.is_fraud[mask].sum() >= MIN_FRAUDS:
                parts.append(Slice(by=by, value=str(value), **asdict(rows.part(mask).slice_metrics(threshold))))
    return tuple(parts)
