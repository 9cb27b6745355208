"""Latency of one record, measured with warm scorers that are called in turn."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve._typing import Record
from fraudsieve.features.feature_matrix import FeatureMatrix
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.fields import model_fields
from fraudsieve.models.scoring.given_history import resolve_history
from fraudsieve.training.data.labelled import LabelledData

MAX_RECORDS = 200
WARM_UP = 30
ROUNDS = 5
MAX_EVENTS = 20_000
"""Largest number of events, and of earlier messages, in the live state of a model."""


@dataclass(frozen=True)
class Latency:
    """Time to score one record."""

    # The median and the 99th percentile over records, in milliseconds.
    p50_ms: float
    p99_ms: float


def records_to_time(rows: pd.DataFrame, matrix: FeatureMatrix) -> list[dict[str, Any]]:
    """Return up to 200 evenly spaced records as a service receives them for a model.

    They have no labels, no columns that are not fields of the model's records, and None for missing values.
    """
    sample = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, MAX_RECORDS).astype(np.intp))]
    # With the policy unknown = "error", a model would reject the other columns, such as the weights of labels.
    fields = model_fields(matrix).allowed - {"label", "labelled_at"}
    return _records(sample[[name for name in sample.columns if name in fields]])


def live_scoring(scorer: Scorer, data: LabelledData, until: pd.Timestamp | None = None) -> Callable[[Record], object]:
    """Return a function that scores one record as a service does, with a live state if the model uses history.

    The state holds the latest events and messages before `until`; None for no limit.
    """
    matrix = scorer.model.matrix
    if matrix.subject == "message" and not matrix.history_parts:
        return scorer.score
    history: dict[str, list[dict[str, Any]]] = {}
    if data.events is not None:
        history["events"] = _records(_latest(data.events, "occurred_at", until))
    if matrix.campaigns is not None and data.messages is not None:
        history["messages"] = _records(_latest(data.messages[data.messages["sent_at"].notna()], "sent_at", until))
    state = resolve_history(matrix, history)
    return lambda record: scorer.score(record, history=state)


def latencies(calls: Sequence[Callable[[Record], object]], records: Sequence[Sequence[Record]]) -> list[Latency]:
    """Time functions in turn, one record at a time; each function has its own sequence of records.

    Each record counts with the shortest of five times, to reduce the influence of other processes.
    """
    turns = [list(zip(calls, of_calls, strict=True)) for of_calls in zip(*records, strict=True)]
    for turn in turns[:WARM_UP]:
        for call, record in turn:
            call(record)
    seconds = np.array([[[_seconds(*timed) for timed in turn] for turn in turns] for _ in range(ROUNDS)])
    shortest: npt.NDArray[np.float64] = 1000 * seconds.min(axis=0)
    return [Latency(*np.percentile(times, [50, 99]).tolist()) for times in shortest.T]


def _seconds(call: Callable[[Record], object], record: Record) -> float:
    start = time.perf_counter()
    call(record)
    return time.perf_counter() - start


def _latest(table: pd.DataFrame, column: str, until: pd.Timestamp | None) -> pd.DataFrame:
    if column not in table:
        return table.tail(MAX_EVENTS)
    before = table if until is None else table[table[column] < until]
    return before.sort_values(column, kind="stable").tail(MAX_EVENTS)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(map(str, plain.columns), row, strict=True)) for row in plain.itertuples(index=False, name=None)]
