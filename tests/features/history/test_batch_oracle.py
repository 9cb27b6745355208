"""The batch runner compared with DuckDB: every measure in plain SQL."""

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings

from fraudsieve.features.history.declaration import EVERY_EVENT, LATEST_MEASURES, History, HistoryColumn, window_seconds
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.history.kernels.bound import DIGEST
from fraudsieve.features.live_state import HistoryState
from tests.profiles import examples

from .event_tables import (
    EVENTS,
    HISTORY,
    SUBJECTS,
    ZERO,
    Rows,
    as_events,
    as_subjects,
)

# Every measure in plain SQL over seen (place, as_of, and the columns of the events in the window), by place.
SPREAD = """-sum(n / total * ln(n / total)) FROM (SELECT place, n, sum(n) OVER (PARTITION BY place) AS total
    FROM (SELECT place, count(*)::DOUBLE AS n FROM {seen} WHERE {0} IS NOT NULL GROUP BY place, {0}))"""
GAP = """FROM (SELECT place, epoch(occurred_at - lag(occurred_at) OVER (PARTITION BY place ORDER BY occurred_at)) AS gap
    FROM {seen})"""
SQL = {
    "count": "count(*) FROM {seen}",
    "sum": "sum(amount) FROM {seen}",
    "mean": "avg(amount) FROM {seen}",
    "std": "stddev_pop(amount) FROM {seen}",
    "max": "max(amount) FROM {seen}",
    "min": "min(amount) FROM {seen}",
    "distinct": "count(DISTINCT {0}) FROM {seen}",
    "entropy": SPREAD,
    "hour_entropy": SPREAD.replace("{0}", "hour(occurred_at)"),
    "repeats": """count(*) - count(DISTINCT (counterparty_id, amount)) FROM {seen}
        WHERE counterparty_id IS NOT NULL AND amount IS NOT NULL""",
    "new": """count(DISTINCT {0}) FROM {seen} WHERE NOT EXISTS (FROM {remembered} r WHERE r.place = {seen}.place
        AND r.{0} = {seen}.{0} AND r.occurred_at < {seen}.as_of - {1})""",
    "night": "avg((hour(occurred_at) >= 22 OR hour(occurred_at) < 6)::INT) FROM {seen}",
    "weekend": "avg((isodow(occurred_at) >= 6)::INT) FROM {seen}",
    "gap_mean": "avg(gap) " + GAP,
    "gap_std": "stddev_pop(gap) " + GAP,
    "span": "epoch(any_value(as_of) - min(occurred_at)) FROM {seen}",
    "pace": """(list(epoch(occurred_at) ORDER BY occurred_at)[-1] - list(epoch(occurred_at) ORDER BY occurred_at)[-2])
        * (count(*) - 1) / nullif(epoch(max(occurred_at) - min(occurred_at)), 0) FROM {seen}""",
    "burst": "max(in_hour) FROM {seen}",
    "since_last": "epoch(any_value(as_of) - max(occurred_at)) FROM {seen}",
    "since_first": "epoch(any_value(as_of) - min(occurred_at)) FROM {seen}",
    "since_max": """epoch(any_value(as_of) - arg_max(occurred_at, (amount, occurred_at))) FROM {seen}
        WHERE amount IS NOT NULL""",
    "drained_share": """CASE WHEN sum(amount) FILTER (amount > 0) > 0 THEN least(1, coalesce(-sum(amount)
        FILTER (amount < 0), 0) / sum(amount) FILTER (amount > 0)) END FROM {seen}""",
    "held": "count(DISTINCT {0}) + count(*) FILTER ({0} IS NULL) FROM {seen}",
    "last": "arg_max(amount, (occurred_at, amount)) FROM {seen}",
}
LATEST = """{value} FROM (SELECT *, row_number() OVER (PARTITION BY place
    ORDER BY occurred_at DESC, amount DESC NULLS LAST) AS number FROM {{seen}}) WHERE number = {number}"""
for k in range(1, 6):
    SQL[f"last_{k}"] = LATEST.format(value="any_value(amount)", number=k)
    SQL[f"ago_{k}"] = LATEST.format(value="epoch(any_value(as_of) - any_value(occurred_at))", number=k)
ENDLESS = "5000w"
"""The window of what has no window."""
RANKED = """CREATE TEMP TABLE IF NOT EXISTS ranked AS SELECT place, number_of_row,
    row_number() OVER (PARTITION BY place ORDER BY occurred_at DESC, digest DESC, number_of_row) AS rank
    FROM subjects s JOIN events e ON s.account_id = e.account_id AND occurred_at < as_of"""
IN_HOUR = """count(*) OVER (PARTITION BY s.place ORDER BY occurred_at
    RANGE BETWEEN to_microseconds(3599999999) PRECEDING AND CURRENT ROW) AS in_hour"""


def oracle(events: pa.Table, subjects: pa.Table, history: History) -> npt.NDArray[np.float64]:
    """Compute the columns of a history of accounts in plain SQL."""
    with duckdb.connect(config={"threads": 1}) as base:
        base.register("events", with_digests(events, history))
        base.register("subjects", subjects.append_column("place", pa.array(range(len(subjects)), pa.int64())))
        return np.column_stack([_column(base, history, column, len(subjects)) for column in history.positions])


def with_digests(events: pa.Table, history: History) -> pa.Table:
    """Return events with their numbers and, for those of an account, the digests of a live state."""
    state = HistoryState(history)
    prepared, _ = state.prepare_columns(events, stored=True)
    rows, digests = prepared.rows[0].rows, np.zeros(len(events), np.int64)
    state.views[0].events.bound.fill_digests(rows)
    digests[np.flatnonzero(events["account_id"].is_valid())] = rows[:, DIGEST]
    numbered = events.append_column("number_of_row", pa.array(range(len(events)), pa.int64()))
    return numbered.append_column("digest", pa.array(digests))


def _column(base: Any, history: History, column: HistoryColumn, n: int) -> npt.NDArray[np.float64]:
    def found(measure: str, window: str = column.window) -> npt.NDArray[np.float64]:
        return _query(base, history, column._replace(measure=measure, window=window), n)

    with np.errstate(divide="ignore", invalid="ignore"):
        if column.measure == "trend":
            lengths = window_seconds(column.window) / window_seconds(history.shortest)
            derived = found("count", history.shortest) / found("count") * lengths
        elif column.measure == "z":
            derived = (found("last", "") - found("mean")) / found("std")
        elif column.measure == "peak":
            derived = found("max") / found("mean", history.longest)
        elif column.measure == "is_new":
            named = base.execute("SELECT account_id IS NOT NULL FROM subjects ORDER BY place").fetchall()
            derived = np.where(np.array(named)[:, 0], np.isnan(found("since_first")), np.nan)
        elif column.measure in ("to_mean", "to_max"):
            derived = found("last", "") / found(column.measure[3:])
        else:
            return found(column.measure)
    return np.where(np.isinf(derived), np.nan, derived)


def _query(base: Any, history: History, column: HistoryColumn, n: int) -> npt.NDArray[np.float64]:
    within_longest = column.kind or column.measure in LATEST_MEASURES
    window = column.window or (history.longest if within_longest else ENDLESS)
    max_events = EVERY_EVENT if window == ENDLESS and column.measure != "last" else history.max_events
    query = SQL[column.measure].format(
        column.identifier or history.counterparty,
        f"to_seconds({window_seconds(window)})",
        seen=_seen(base, window, column.kind, max_events),
        remembered=_seen(base, history.longest, column.kind, history.max_events),
    )
    rows = base.execute(f"SELECT place, {query} GROUP BY place").fetchall()
    values = np.full(n, 0.0 if column.measure in ZERO else np.nan)
    for place, value in rows:
        values[place] = values[place] if value is None else value
    return values


def _seen(base: Any, window: str, kind: str, max_events: int) -> str:
    name = f"seen_{window}_{kind}_{max_events}"
    of_kind = f"kind = '{kind}'" if kind else "true"
    base.execute(RANKED)
    base.execute(f"""CREATE TEMP TABLE IF NOT EXISTS {name} AS SELECT s.place, as_of, e.*, {IN_HOUR} FROM subjects s
        JOIN events e ON s.account_id = e.account_id AND {of_kind} AND occurred_at < as_of
        JOIN ranked r ON r.place = s.place AND r.number_of_row = e.number_of_row
        AND occurred_at >= as_of - to_seconds({window_seconds(window)}) AND rank <= {max_events}""")
    return name


def check(events: pa.Table, subjects: pa.Table, *bounds: int) -> None:
    for max_events in bounds:
        history = replace(HISTORY, max_events=max_events)
        ours = history_features(events, subjects, history)
        assert ours.shape == (len(subjects), len(history.columns))
        if len(subjects):
            np.testing.assert_allclose(ours, oracle(events, subjects, history), rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@settings(examples(15), phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(EVENTS, SUBJECTS)
def test_batch_equals_duckdb(events: Rows, subjects: Rows) -> None:
    check(as_events(events), as_subjects(subjects), 2, 4096)


@pytest.mark.slow
def test_batch_equals_duckdb_on_a_larger_log() -> None:
    rng = np.random.default_rng(0)
    rows = [
        (f"account-{account}", int(minutes), None if quarters % 9 == 0 else quarters / 4, f"c{other}", kind)
        for account, minutes, quarters, other, kind in zip(
            (rng.pareto(1, 3000)).astype(int) % 40,
            rng.integers(0, 5000, 3000),
            rng.integers(0, 10**6, 3000),
            rng.integers(0, 30, 3000),
            rng.choice(["pay", "other"], 3000),
            strict=True,
        )
    ]
    check(as_events(rows), as_subjects([row[:2] for row in rows[::3]]), 2, 20, 4096)


def views_of_everything() -> list[History]:
    measures = ("count", "sum", "to_max", "new", "distinct", "max", "since_last")
    return [
        History(("1h", "2d"), measures=measures),
        History(("1h", "2d"), entity="counterparty_id", counterparty="account_id", measures=measures, name="their"),
        History(("1h",), entity="counterparty_id", subject="account_id", measures=("count",), name="received"),
        History(("2d",), entity=("account_id", "counterparty_id"), measures=("count", "since_last"), name="pair"),
        History(("2d",), entity=("account_id", "kind", "device_id"), measures=("count",), name="triple"),
    ]


@examples(25)
@given(EVENTS)
def test_views_of_any_entity_equal_duckdb(events: Rows) -> None:
    table = as_events(events)
    subjects = table.rename_columns([name.replace("occurred_at", "as_of") for name in table.column_names])
    views = views_of_everything()
    ours = history_features(table, subjects, views)
    np.testing.assert_array_equal(history_features(table, None, views), ours)
    if not events:
        return
    with duckdb.connect(config={"threads": 1}) as base:
        base.register("events", table)
        base.register("subjects", subjects.append_column("place", pa.array(range(len(subjects)))))
        start = 0
        for view in views:
            same = " AND ".join(f"e.{a} = s.{b}" for a, b in zip(view.entities, view.subjects, strict=True))
            found = base.execute(f"""SELECT count(e.account_id) FROM subjects s LEFT JOIN events e ON {same}
                AND occurred_at < as_of AND occurred_at >= as_of - to_seconds({window_seconds(view.windows[0])})
                GROUP BY place ORDER BY place""").fetchall()
            assert [(count,) for count in ours[:, start].tolist()] == found, view.name
            start += len(view.columns)
