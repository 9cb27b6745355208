"""The columns of the Fraud Detection Handbook: what an account and its counterparty did in 1, 7 and 30 days.

Le Borgne, Siblini, Lebichot and Bontempi, Reproducible Machine Learning for Credit Card Fraud Detection, section 3.3:
number and mean amount of an account's payments, number and share of fraud of a terminal's payments after the delay of
the labels, whether the time is at night or on a weekend, and the record's custom columns. DuckDB computes them, so that
nothing is shared with ours.
"""

from typing import Final

import duckdb
import numpy as np
import pandas as pd

from benchmarks.columns.plain import custom_columns, zoneless_times
from benchmarks.data.kinds import Matrices, Task

__all__ = ["handbook_columns"]

WINDOWS: Final = (1, 7, 30)
"""Days."""
NIGHT_ENDS: Final = 6
"""The hour until which it is night in the Handbook."""


def handbook_columns(task: Task) -> Matrices:
    """Compute the columns of the training rows and of the test rows, in their order; without events, of the records.

    The share of fraud needs ``labelled_at``: it counts only labels that are known strictly before the row.
    """
    used = np.concatenate([task.train, task.test])
    rows = task.rows.iloc[used].reset_index(drop=True)
    events = task.history
    time = "occurred_at" if task.subject == "event" else "as_of"
    parts = [custom_columns(rows)]
    if time in rows and events is not None:
        hours, days = rows[time].dt.hour, rows[time].dt.day_of_week
        parts.append(pd.DataFrame({"night": hours <= NIGHT_ENDS, "weekend": days >= 5}).astype(float))
        for entity in ("account_id", "counterparty_id"):
            if entity in events:
                of = entity if task.subject == "event" else "account_id"
                looks = pd.DataFrame({"entity": rows[of], "t": zoneless_times(rows[time])})
                parts.append(_side(events, looks, entity).add_prefix(f"{entity}_"))
    whole = pd.concat(parts, axis=1).astype("f8")
    return whole.iloc[: len(task.train)], whole.iloc[len(task.train) :]


def _side(events: pd.DataFrame, looks: pd.DataFrame, entity: str) -> pd.DataFrame:
    """Number and mean amount by window; of counterparties with dated labels, the share of fraud too."""
    past = pd.DataFrame({"entity": events[entity], "t": zoneless_times(events["occurred_at"])})
    past["x"] = events["amount"].astype("f8") if "amount" in events else np.nan
    columns = _windows(past.dropna(subset="entity"), looks, {"n": "count(was)", "mean": "avg(x)"})
    if entity == "counterparty_id" and "labelled_at" in events:
        known = pd.DataFrame({"entity": events[entity], "t": zoneless_times(events["labelled_at"])})
        known["x"] = events["label"].astype("f8")
        risk = _windows(known.dropna(), looks, {"known": "count(was)", "risk": "avg(x)"})
        columns = pd.concat([columns, risk.fillna(0.0)], axis=1)
    return columns


def _windows(past: pd.DataFrame, looks: pd.DataFrame, measures: dict[str, str]) -> pd.DataFrame:
    """Aggregate the past of each look strictly before it, by window."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("past", past)
    connection.register("looks", looks.reset_index(drop=True).reset_index(names="row"))
    named, windows = [], []
    for days in WINDOWS:
        frame = f"RANGE BETWEEN INTERVAL {days} DAY PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING"
        windows.append(f"w{days} AS (PARTITION BY entity ORDER BY t {frame})")
        named += [f"{measure} OVER w{days} AS {name}_{days}d" for name, measure in measures.items()]
    both = (
        "SELECT NULL AS row, entity, t, x, 1 AS was FROM past UNION ALL "
        "SELECT row, entity, t, NULL, NULL FROM looks WHERE entity IS NOT NULL"
    )
    query = f"SELECT row, {', '.join(named)} FROM ({both}) WINDOW {', '.join(windows)}"
    found = connection.execute(f"SELECT * FROM ({query}) WHERE row IS NOT NULL").df().set_index("row")
    return found.reindex(range(len(looks))).astype("f8")
