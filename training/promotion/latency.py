"""How long one record takes, measured with `Scorer`, warm and in turn."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.models.batch.score import looks_back
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.inputs import state_of
from fraudsieve.training.data.labelled import LabelledData

__all__ = ["latencies", "live", "records_to_time"]

Record = Mapping[str, Any]

RECORDS = 200
WARM = 30
ROUNDS = 5
EVENTS = 20_000
"""Events, and messages sent before, that a live state is told of."""


def records_to_time(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return records as a service gets them.

    Parameters
    ----------
    rows : DataFrame
        Labelled records.

    Returns
    -------
    list of dict
        Of more than 200 as many, evenly spaced, without their labels; None for what is missing.

    Examples
    --------
    >>> records_to_time(pd.DataFrame({"text": ["hi"], "label": ["spam"], "as_of": [pd.NaT]}))
    [{'text': 'hi', 'as_of': None}]
    """
    some = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, RECORDS).astype(np.intp))]
    return _records(some.drop(columns=["label", "labelled_at"], errors="ignore"))


def live(scorer: Scorer, data: LabelledData, until: pd.Timestamp | None = None) -> Callable[[Record], object]:
    """Return what a service calls for one record: the scorer, with a live state where the model looks back.

    Parameters
    ----------
    scorer : Scorer
        The model.
    data : LabelledData
        Events and messages that the state is told of, the latest 20,000 of each.
    until : Timestamp, default=None
        Only those before this moment; None for all.

    Returns
    -------
    callable
    """
    matrix = scorer.model.matrix
    if not isinstance(matrix, AccountMatrix) and not looks_back(matrix):
        return scorer.score
    told: dict[str, list[dict[str, Any]]] = {}
    if data.events is not None:
        told["events"] = _records(_latest(data.events, "occurred_at", until))
    if not isinstance(matrix, AccountMatrix) and matrix.campaigns is not None and data.messages is not None:
        messages = data.messages.drop(columns=["label", "labelled_at"], errors="ignore")
        told["messages"] = _records(_latest(messages[messages["sent_at"].notna()], "sent_at", until))
    state = state_of(matrix, told)
    return lambda record: scorer.score(record, history=state)


def latencies(calls: Sequence[Callable[[Record], object]], records: Sequence[Record]) -> list[dict[str, float]]:
    """Time calls, one record at a time, in turn.

    Parameters
    ----------
    calls : sequence of callable
        Each takes a record.
    records : sequence of mapping
        At least one.

    Returns
    -------
    list of dict
        For each call ``p50_ms`` and ``p99_ms`` over the records, of each the shortest of five times: what else the
        machine did meanwhile is no fault of the model.

    Examples
    --------
    >>> found = latencies([len, lambda record: time.sleep(0.002)], [{}] * 5)
    >>> found[0]["p99_ms"] < 2 <= found[1]["p50_ms"]
    True
    """
    for record in records[:WARM]:
        for call in calls:
            call(record)
    taken = np.array([[[_seconds(call, record) for call in calls] for record in records] for _ in range(ROUNDS)])
    found: npt.NDArray[np.float64] = 1000 * taken.min(axis=0)
    return [dict(zip(("p50_ms", "p99_ms"), np.percentile(one, [50, 99]).tolist(), strict=True)) for one in found.T]


def _seconds(call: Callable[[Record], object], record: Record) -> float:
    start = time.perf_counter()
    call(record)
    return time.perf_counter() - start


def _latest(table: pd.DataFrame, moment: str, until: pd.Timestamp | None) -> pd.DataFrame:
    if moment not in table:
        return table.tail(EVENTS)
    before = table if until is None else table[table[moment] < until]
    return before.sort_values(moment, kind="stable").tail(EVENTS)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(map(str, plain.columns), row, strict=True)) for row in plain.itertuples(index=False, name=None)]
