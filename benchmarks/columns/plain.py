"""Plain columns, those of a peer of the defaults: what an afternoon of SQL makes of a table of events.

Counts, sums, means, gaps and distinct counterparties, of all events and of the last 7 and 30 days, for both sides of an
event; and the last five events of each side, flattened. DuckDB computes them, so nothing is shared with ours.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd

from benchmarks.data.kinds import Matrices, Task

__all__ = ["custom_columns", "plain_columns", "plain_features", "zoneless_times"]

PLAIN_WINDOWS = {"all": "UNBOUNDED", "7d": "INTERVAL 7 DAY", "30d": "INTERVAL 30 DAY"}
LAST_EVENTS = 5
NOT_COLUMNS = ("account_id", "counterparty_id", "event_id", "occurred_at", "as_of", "label", "labelled_at")
_SIDES = {"sent": ("account_id", "counterparty_id"), "received": ("counterparty_id", "account_id")}


def plain_columns(task: Task) -> Matrices:
    """Compute the columns of the training rows and of the test rows, in their order."""
    rows = task.rows.iloc[np.concatenate([task.train, task.test])].reset_index(drop=True)
    columns = [custom_columns(rows)]
    if (events := task.history) is not None:
        numbers = [str(name) for name in events.columns if name not in NOT_COLUMNS and events[name].dtype.kind in "if"]
        subjects = rows.assign(as_of=rows["occurred_at"]) if task.subject == "event" else rows
        columns.append(plain_features(events, subjects, numbers=numbers, of_events=task.subject == "event"))
    whole = pd.concat(columns, axis=1)
    return whole.iloc[: len(task.train)], whole.iloc[len(task.train) :]


def custom_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of the records themselves; words as codes."""
    names: Sequence[str] = [str(name) for name in rows.columns if name not in NOT_COLUMNS]
    own = {name: rows[name] if rows[name].dtype.kind in "ifub" else pd.factorize(rows[name])[0] for name in names}
    return pd.DataFrame(own, index=rows.index).astype("f8")


def plain_features(
    events: pd.DataFrame, subjects: pd.DataFrame, *, numbers: Sequence[str], of_events: bool
) -> pd.DataFrame:
    """Compute the plain columns of accounts, or of events, strictly before their cutoff times (``as_of``).

    `numbers` are the numeric columns of events. Of an event, the history of each of its ends is computed; of an
    account, both of its sides.
    """
    sides = _SIDES if "counterparty_id" in events else {"sent": ("account_id", "account_id")}
    blocks = []
    for side, (entity, other) in sides.items():
        past = pd.DataFrame(
            {"entity": events[entity], "t": zoneless_times(events["occurred_at"]), "other": events[other]}
        )
        past = past.assign(**{f"x{i}": events[name].astype("f8") for i, name in enumerate(numbers)}).dropna(
            subset="entity"
        )
        looks = pd.DataFrame(
            {"entity": subjects[entity if of_events else "account_id"], "t": zoneless_times(subjects["as_of"])}
        )
        block = _one_side(past, looks, len(numbers))
        blocks.append(block.add_prefix(f"{side}_"))
    return pd.concat(blocks, axis=1)


def zoneless_times(column: pd.Series) -> pd.Series:
    """Return times without their zone, in microseconds, as DuckDB compares them."""
    zoneless = column.dt.tz_convert(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column
    return zoneless.astype("M8[us]")


def _one_side(past: pd.DataFrame, looks: pd.DataFrame, n_numbers: int) -> pd.DataFrame:
    """Compute the columns of one side: an entity's events before a time."""
    looks = looks.reset_index(drop=True).reset_index(names="row")
    numbers = [f"x{i}" for i in range(n_numbers)]
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.register("past_frame", past)
    connection.register("look_frame", looks)
    rows = ", ".join(["entity", "t", "other", *numbers])
    nulls = ", ".join(["NULL AS other", *(f"NULL AS {name}" for name in numbers)])
    connection.execute(
        f"CREATE TABLE past AS SELECT {rows}, row_number() OVER (PARTITION BY entity ORDER BY t) AS place "
        "FROM past_frame"
    )
    aggregates, windows = [], []
    for name, width in PLAIN_WINDOWS.items():
        frame = f"{width} PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING"
        windows.append(f"w{name} AS (PARTITION BY entity ORDER BY t RANGE BETWEEN {frame})")
        aggregates.append(f"count(is_past) OVER w{name} AS count_{name}")
        aggregates.append(f"count(DISTINCT other) OVER w{name} AS distinct_{name}")
        aggregates.append(f"min(past_t) OVER w{name} AS first_{name}")
        aggregates += [f"{how}({x}) OVER w{name} AS {how}_{x}_{name}" for x in numbers for how in ("sum", "avg")]
    aggregates.append("max(past_t) OVER wall AS last_t")
    query = (
        f"WITH both_tables AS (SELECT NULL AS row, {rows}, 1 AS is_past, t AS past_t FROM past UNION ALL "
        f"SELECT row, entity, t, {nulls}, NULL, NULL FROM look_frame WHERE entity IS NOT NULL) "
        f"SELECT * FROM (SELECT row, entity, t, {', '.join(aggregates)} FROM both_tables WINDOW {', '.join(windows)}) "
        "WHERE row IS NOT NULL"
    )
    connection.execute(f"CREATE TABLE found AS {query}")
    found = connection.execute("SELECT * FROM found").df().set_index("row").reindex(looks["row"])
    columns = {name: found[name] for name in found.columns if name.startswith(("count", "distinct", "sum", "avg"))}
    for name in PLAIN_WINDOWS:
        span = (found["last_t"] - found[f"first_{name}"]).dt.total_seconds()
        columns[f"gap_{name}"] = (span / (found[f"count_{name}"] - 1)).replace([np.inf, -np.inf], np.nan)
    columns["since_last"] = (found["t"] - found["last_t"]).dt.total_seconds()
    return pd.DataFrame(columns).join(_last_events(connection, numbers)).astype("f8").reset_index(drop=True)


def _last_events(connection: duckdb.DuckDBPyConnection, numbers: Sequence[str]) -> pd.DataFrame:
    """Return the numbers of the last five events, and how long before the cutoff time each was."""
    parts = []
    for k in range(LAST_EVENTS):
        values = ", ".join(
            [f"date_diff('second', p.t, f.t) AS ago_{k + 1}", *(f"p.{x} AS {x}_{k + 1}" for x in numbers)]
        )
        query = (
            f"SELECT f.row, {values} FROM found f JOIN past p ON p.entity = f.entity AND p.place = f.count_all - {k}"
        )
        parts.append(connection.execute(query).df().set_index("row"))
    return pd.concat(parts, axis=1)
