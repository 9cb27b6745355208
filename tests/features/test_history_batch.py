"""The history of accounts in batches: against DuckDB, against the future, and by hand."""

import math
import statistics
import time
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudsieve.features.history import History, window_seconds
from fraudsieve.features.history_batch import history_features

HISTORY = History(windows=("1m", "1h", "2d"), kinds=("pay", "never"), night=(22, 6))
START = pd.Timestamp("2024-05-03 20:00")  # a Friday
MINUTES = st.integers(0, 90) | st.integers(0, 3 * 24 * 60)
ACCOUNTS = st.sampled_from(["ann", "bob", "an account with a long name", "中文"])
EVENTS = st.lists(
    st.tuples(
        ACCOUNTS,
        MINUTES,
        st.none() | st.integers(-400, 4_000_000).map(lambda quarters: quarters / 4),  # sums of quarters are exact
        st.none() | st.sampled_from(["x", "y", "z", "ann"]),
        st.none() | st.sampled_from(["pay", "other"]),
    ),
    max_size=40,
)
SUBJECTS = st.lists(st.tuples(ACCOUNTS | st.just("empty"), MINUTES), max_size=12)
Rows = list[tuple[Any, ...]]


def as_events(rows: Rows) -> pa.Table:
    accounts, minutes, amounts, counterparties, kinds = zip(*rows, strict=True) if rows else ((),) * 5
    times = (START + pd.to_timedelta(list(minutes), unit="min")).astype("datetime64[us]")
    return pa.table(
        {
            "account_id": pa.array(accounts, pa.string()),
            "occurred_at": pa.array(times, pa.timestamp("us")),
            "amount": pa.array(amounts, pa.float64()),
            "counterparty_id": pa.array(counterparties, pa.string()),
            "kind": pa.array(kinds, pa.string()),
        }
    )


def as_subjects(rows: Rows) -> pa.Table:
    table = as_events([(account, minutes, None, None, None) for account, minutes in rows])
    return table.select([0, 1]).rename_columns(["account_id", "as_of"])


MEASURED = """
    count(e.account_id) AS n,
    coalesce(sum(amount), 0),
    avg(amount),
    stddev_pop(amount),
    max(amount),
    min(amount),
    count(DISTINCT counterparty_id),
    count(DISTINCT CASE WHEN first_met >= as_of - width THEN counterparty_id END),
    avg((hour(occurred_at) >= 22 OR hour(occurred_at) < 6)::INT),
    avg((isodow(occurred_at) >= 6)::INT),
    CASE WHEN n > 1 THEN epoch(max(occurred_at) - min(occurred_at)) / (n - 1) END
"""
KINDS = "count(*) FILTER (kind = '{0}'), coalesce(sum(amount) FILTER (kind = '{0}'), 0)"


def oracle(events: pa.Table, subjects: pa.Table, history: History) -> npt.NDArray[np.float64]:
    """The columns of `HISTORY` in plain SQL."""
    with duckdb.connect(config={"threads": 1}) as base:
        base.register("events", events)
        base.register("subjects", subjects.append_column("place", pa.array(range(len(subjects)), pa.int64())))
        base.execute("""CREATE TABLE met AS SELECT *, min(occurred_at)
            OVER (PARTITION BY account_id, counterparty_id) AS first_met FROM events""")
        blocks = [_window(base, f"to_seconds({window_seconds(window)})") for window in history.windows]
        last = base.execute("""SELECT epoch(as_of - max(occurred_at)) FROM subjects s LEFT JOIN met e
            ON s.account_id = e.account_id AND occurred_at < as_of GROUP BY place, as_of ORDER BY place""").fetchall()
    rows = [np.array(block, np.float64).reshape(len(subjects), -1) for block in [*blocks, last]]
    return np.hstack(rows)


def _window(base: Any, width: str) -> Rows:
    measured = MEASURED.replace("width", width)
    by_kind = ", ".join(KINDS.format(kind) for kind in HISTORY.kinds)
    found = base.execute(f"""SELECT {measured}, {by_kind} FROM subjects s LEFT JOIN met e
        ON s.account_id = e.account_id AND occurred_at < as_of AND occurred_at >= as_of - {width}
        GROUP BY place ORDER BY place""").fetchall()
    # count, sum, then the others: by kind they follow their measure
    return [(row[0], row[11], row[13], row[1], row[12], row[14], *row[2:11]) for row in found]


def check(events: pa.Table, subjects: pa.Table) -> None:
    ours = history_features(events, subjects, HISTORY)
    assert ours.shape == (len(subjects), len(HISTORY.columns))
    if len(subjects):
        np.testing.assert_allclose(ours, oracle(events, subjects, HISTORY), rtol=1e-9, atol=0)


@settings(deadline=None, max_examples=60)
@given(EVENTS, SUBJECTS)
def test_batch_is_what_duckdb_says(events: Rows, subjects: Rows) -> None:
    check(as_events(events), as_subjects(subjects))


@settings(deadline=None, max_examples=40)
@given(EVENTS)
def test_events_as_subjects_see_what_is_strictly_before_them(events: Rows) -> None:
    table = as_events(events)
    subjects = table.select([0, 1]).rename_columns(["account_id", "as_of"])
    np.testing.assert_array_equal(history_features(table, None, HISTORY), history_features(table, subjects, HISTORY))


def test_a_larger_log_is_what_duckdb_says() -> None:
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
    check(as_events(rows), as_subjects([row[:2] for row in rows[::3]]))


@settings(deadline=None, max_examples=60)
@given(EVENTS, ACCOUNTS, MINUTES, st.randoms(use_true_random=False))
def test_the_future_changes_nothing(events: Rows, account: str, now: int, random: Any) -> None:
    subjects = as_subjects([(account, now), (account, max(now - 30, 0))])
    past, future = [row for row in events if row[1] < now], [row for row in events if row[1] >= now]
    expected = history_features(as_events(events), subjects, HISTORY)
    parts: Rows = [tuple(random.choice(future)[part] for part in range(5)) for _ in future]
    changed = {
        "dropped": past,
        "shifted": past + [(row[0], row[1] + random.randint(0, 5000), *row[2:]) for row in future],
        "scrambled": past + [(row[0], now + random.randint(0, 99), *row[2:]) for row in parts],
        "grown": events + [(account, now, 1e9, "new", "pay")] * 3,
    }
    for name, rows in changed.items():
        ours = history_features(as_events(rows), subjects, HISTORY)
        np.testing.assert_array_equal(ours, expected, err_msg=name)


@settings(deadline=None, max_examples=60)
@given(EVENTS, SUBJECTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(events: Rows, subjects: Rows, random: Any) -> None:
    expected = history_features(as_events(events), as_subjects(subjects), HISTORY)
    order = random.sample(range(len(subjects)), len(subjects))
    shuffled = as_subjects([subjects[place] for place in order])
    ours = history_features(as_events(random.sample(events, len(events))), shuffled, HISTORY)
    np.testing.assert_allclose(ours, expected[order], rtol=1e-12)


def test_by_hand() -> None:
    events = as_events(
        [
            ("ann", 0, 10.0, "x", "pay"),  # Friday 20:00
            ("ann", 150, 20.0, "y", "pay"),  # 22:30: night
            ("ann", 150, None, "x", "other"),
            ("ann", 300, 60.0, "x", "pay"),  # Saturday 01:00: night and weekend
            ("bob", 299, 5.0, "x", "pay"),
        ]
    )
    history = History(windows=("3h", "1d"), kinds=("pay",), night=(22, 6))
    ours = history_features(events, as_subjects([("ann", 301), ("ann", 300), ("ann", 0)]), history)
    rows = [dict(zip(history.columns, row.tolist(), strict=True)) for row in ours]
    first = {name.split("__")[1]: value for name, value in rows[0].items()}
    assert {name: first[name] for name in first if name.endswith(("3h", "3h_pay"))} == {
        "count_3h": 3, "count_3h_pay": 2, "sum_3h": 80, "sum_3h_pay": 80, "mean_3h": 40, "std_3h": 20, "max_3h": 60,
        "min_3h": 20, "distinct_3h": 2, "new_3h": 1, "night_3h": 1, "weekend_3h": 1 / 3, "gap_mean_3h": 4500,
    }  # fmt: skip
    assert (first["count_1d"], first["new_1d"], first["night_1d"], first["since_last"]) == (4, 2, 0.75, 60)
    assert (rows[1]["volume__count_3h"], rows[1]["rhythm__since_last"]) == (2, 9000)
    assert math.isnan(rows[2]["rhythm__since_last"])
    assert rows[2]["volume__count_1d"] == 0


def test_windows_are_closed_left_and_open_right() -> None:
    events = as_events([("ann", 0, 1.0, "x", None)])
    history = History(("1h",), measures=("count",))
    subjects = as_subjects([("ann", 0), ("ann", 1), ("ann", 60), ("ann", 61)])
    assert history_features(events, subjects, history).ravel().tolist() == [0, 1, 1, 0]


def test_large_and_old_amounts_leave_no_trace() -> None:
    amounts = [1e15, 0.01, 0.02, -1e15, 0.07, 0.01, 123456789.25, 0.03, 0.04]
    events = as_events([("ann", 10 * place, amount, None, None) for place, amount in enumerate(amounts)])
    history = History(("25m",), measures=("sum", "std"))
    ours = history_features(events, as_subjects([("ann", 10 * place) for place in range(2, 12)]), history)
    for place, (total, std) in enumerate(ours.tolist(), start=2):
        window = amounts[max(place - 2, 0) : place]
        if not window:
            assert (total, math.isnan(std)) == (0, True)
            continue
        assert total == pytest.approx(math.fsum(window), rel=1e-12)
        assert std == pytest.approx(statistics.pstdev(window), rel=1e-9)


@pytest.mark.parametrize("form", ["table", "frame", "arrays", "integers", "dictionary", "chunks", "zones", "slice"])
def test_tables_in_every_form(form: str) -> None:
    rows: Rows = [(str(place % 3), 7 * place, float(place), f"c{place % 4}", "pay") for place in range(30)]
    table, subjects = as_events(rows), as_subjects([("1", 100), ("2", 400)])
    expected = history_features(table, subjects, HISTORY)
    forms: dict[str, Any] = {
        "table": table,
        "frame": table.to_pandas(),
        "arrays": {name: table[name].to_numpy() for name in table.column_names},
        "integers": table.set_column(0, "account_id", table["account_id"].cast(pa.int64())),
        "dictionary": table.set_column(0, "account_id", table["account_id"].dictionary_encode()),
        "chunks": pa.concat_tables([table[:10], table[10:]]),
        "zones": table.to_pandas().assign(
            occurred_at=lambda frame: frame["occurred_at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Shanghai")
        ),
        "slice": pa.concat_tables([table, table])[30:],
    }
    np.testing.assert_array_equal(history_features(forms[form], subjects, HISTORY), expected)


def test_any_entity_and_any_counterparty() -> None:
    events = as_events([("ann", 0, 1.0, "x", None), ("bob", 1, 2.0, "x", None), ("bob", 2, 2.0, None, None)])
    history = History(("1h",), entity="counterparty_id", counterparty="account_id", measures=("count", "distinct"))
    subjects = as_subjects([("x", 5)]).rename_columns(["counterparty_id", "as_of"])
    assert history_features(events[:2], subjects, history).tolist() == [[2, 2]]
    with pytest.raises(ValueError, match="events: 'counterparty_id' is missing in 1 rows; set them aside"):
        history_features(events, subjects, history)


def test_without_events_and_without_subjects() -> None:
    none = history_features(as_events([]), as_subjects([("ann", 5)]), HISTORY)
    counts = [name.split("__")[1].split("_")[0] in {"count", "sum", "distinct", "new"} for name in HISTORY.columns]
    assert none[0, counts].tolist() == [0] * sum(counts)
    assert np.isnan(none[0, ~np.array(counts)]).all()
    assert history_features(as_events([]), None, HISTORY).shape == (0, len(HISTORY.columns))
    only = History(("1h",), measures=("count",))
    plain = as_events([("ann", 0, None, None, None)]).select([0, 1])
    assert history_features(plain, None, only).tolist() == [[0]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"amount": [np.inf, 1.0]}, ValueError, "'amount' is beyond 1e[+]15 or infinite in 1 rows"),
        ({"amount": [-1e16, 1e300]}, ValueError, "in 2 rows; set them aside"),
        ({"amount": ["1", "2"]}, TypeError, "events: 'amount' holds numbers; got"),
        ({"occurred_at": ["2024-05-01", "2024-05-02"]}, TypeError, "'occurred_at' holds timestamps; got"),
        ({"occurred_at": [1, 2]}, TypeError, "got int64. Read it with read_table"),
        ({"occurred_at": np.array(["2024-05-01", "NaT"], "M8[us]")}, ValueError, "'occurred_at' is missing in 1 rows"),
        ({"occurred_at": np.array([2**63 - 1, 0], "M8[us]")}, ValueError, "out of all range"),
        ({"account_id": ["ann", None]}, ValueError, "'account_id' is missing in 1 rows"),
        ({"account_id": [1.0, 2.0]}, TypeError, "'account_id' holds strings or whole numbers; got double"),
    ],
)
def test_bad_events(change: dict[str, Any], error: type[Exception], message: str) -> None:
    good = as_events([("ann", 0, 1.0, "x", "pay"), ("bob", 1, 2.0, "y", "pay")])
    events = {name: good[name] for name in good.column_names} | change
    with pytest.raises(error, match=message):
        history_features(events, None, HISTORY)


@pytest.mark.parametrize("column", ["account_id", "occurred_at", "amount", "counterparty_id", "kind"])
def test_missing_columns(column: str) -> None:
    table = as_events([("ann", 0, 1.0, "x", "pay")]).drop_columns([column])
    with pytest.raises(ValueError, match=f"events: column '{column}' is missing"):
        history_features(table, None, HISTORY)
    with pytest.raises(ValueError, match="subjects: column 'as_of' is missing"):
        history_features(as_events([]), {"account_id": ["ann"]}, HISTORY)


def test_the_input_is_left_alone() -> None:
    rows: Rows = [("ann", 30 - place, float(place), "x", "pay") for place in range(20)]
    frame = as_events(rows).to_pandas()
    before = frame.copy(deep=True)
    history_features(frame, None, HISTORY)
    pd.testing.assert_frame_equal(frame, before)


def test_a_million_events_on_one_account_take_seconds_at_most() -> None:
    n = 1_000_000
    rng = np.random.default_rng(0)
    events = {
        "account_id": np.zeros(n, np.int64),
        "occurred_at": (rng.integers(0, 90 * 86_400, n) * 1_000_000).astype("M8[us]"),
        "amount": rng.integers(1, 10**6, n) / 100,
        "counterparty_id": rng.integers(0, 1000, n),
    }
    history_features({name: column[:10] for name, column in events.items()})
    start = time.perf_counter()
    out = history_features(events)
    assert time.perf_counter() - start < 8
    assert out[:, 0].max() > 400
