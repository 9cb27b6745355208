"""The batch runner: point-in-time correctness, handmade events, tables of all types, and invalid tables."""

import math
import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fraudsieve.features.history.declaration import LABEL_MEASURES, LATEST_MEASURES, History
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.history.kernels.bound import DIGEST, RowBound
from fraudsieve.features.history.timeline import bits_of
from fraudsieve.features.live_state import HistoryState
from tests.messages import refused
from tests.profiles import examples

from .event_tables import (
    ACCOUNTS,
    EVENTS,
    HISTORY,
    MINUTES,
    SUBJECTS,
    ZERO,
    Rows,
    as_events,
    as_subjects,
)


@examples(40)
@given(EVENTS)
def test_events_as_subjects_use_only_earlier_events(events: Rows) -> None:
    table = as_events(events)
    subjects = table.select([0, 1, 2]).rename_columns(["account_id", "as_of", "amount"])
    np.testing.assert_array_equal(history_features(table, None, HISTORY), history_features(table, subjects, HISTORY))


@examples(60)
@given(EVENTS, ACCOUNTS, MINUTES, st.randoms(use_true_random=False))
def test_later_events_change_nothing(events: Rows, account: str, now: int, random: Any) -> None:
    subjects = as_subjects([(account, now), (account, max(now - 30, 0))])
    past, future = [row for row in events if row[1] < now], [row for row in events if row[1] >= now]
    expected = history_features(as_events(events), subjects, HISTORY)
    parts: Rows = [tuple(random.choice(future)[part] for part in range(6)) for _ in future]
    changed = {
        "dropped": past,
        "shifted": past + [(row[0], row[1] + random.randint(0, 5000), *row[2:]) for row in future],
        "scrambled": past + [(row[0], now + random.randint(0, 99), *row[2:]) for row in parts],
        "grown": events + [(account, now, 1e9, "new", "pay")] * 3,
    }
    for name, rows in changed.items():
        ours = history_features(as_events(rows), subjects, HISTORY)
        np.testing.assert_array_equal(ours, expected, err_msg=name)


@examples(60)
@given(EVENTS, SUBJECTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(events: Rows, subjects: Rows, random: Any) -> None:
    expected = history_features(as_events(events), as_subjects(subjects), HISTORY)
    order = random.sample(range(len(subjects)), len(subjects))
    shuffled = as_subjects([subjects[place] for place in order])
    ours = history_features(as_events(random.sample(events, len(events))), shuffled, HISTORY)
    np.testing.assert_array_equal(ours, expected[order])


@examples(40)
@given(EVENTS, MINUTES, st.sampled_from([("10m", 10), ("1h", 60), ("3h", 180)]))
@example([("ann", minute, 5.0, "x", "pay", None) for minute in range(0, 40, 3)], 41, ("10m", 10))
@example([("ann", minute, 5.0, "x", "pay", None) for minute in range(0, 150, 10)], 200, ("3h", 180))
def test_events_before_a_window_change_nothing_in_it(events: Rows, now: int, window: tuple[str, int]) -> None:
    (name, length), events = window, [("ann", *row[1:]) for row in events]
    measures = tuple(measure for measure in HISTORY.measures if measure not in ("since_first", "since_last", "is_new"))
    by_kind = tuple(measure for measure in measures if measure not in LATEST_MEASURES)
    history = History((name,), ("pay",), by_kind, measures=measures, night=(22, 6))
    subjects, inside = as_subjects([("ann", now)]), [row for row in events if row[1] >= now - length]
    found = history_features(as_events(events), subjects, history)
    np.testing.assert_array_equal(found, history_features(as_events(inside), subjects, history))


def test_a_burst_counts_only_events_of_its_window() -> None:
    events = as_events([("ann", minute, None, None, None) for minute in (0, 10, 20, 30, 40, 50, 55, 100, 130)])
    history = History(("2m", "30m", "1h", "90m", "1d"), measures=("burst",))
    ours = history_features(events, as_subjects([("ann", 56), ("ann", 101), ("ann", 0), ("ann", 140)]), history)
    expected = [[1.0, 4.0, 7.0, 7.0, 7.0], [1.0, 1.0, 3.0, 5.0, 7.0], [np.nan] * 5, [np.nan, 1.0, 2.0, 3.0, 7.0]]
    np.testing.assert_array_equal(ours, expected)


def test_handmade_events() -> None:
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
        "min_3h": 20, "peak_3h": 2, "since_max_3h": 60,
        "z_3h": 1, "to_mean_3h": 1.5, "to_max_3h": 1, "distinct_3h": 2, "repeats_3h": 0, "new_3h": 1,
        "entropy_3h": pytest.approx(math.log(3) - 2 / 3 * math.log(2)), "night_3h": 1, "weekend_3h": 1 / 3,
        "gap_mean_3h": 4500, "gap_std_3h": 4500, "burst_3h": 2,
        "hour_entropy_3h": pytest.approx(math.log(3) - 2 / 3 * math.log(2)),
    }  # fmt: skip
    assert (first["count_1d"], first["trend_1d"], first["night_1d"], first["since_last"]) == (4, 6, 0.75, 60)
    assert (first["since_first"], first["distinct_1d"], first["repeats_1d"]) == (301 * 60, 2, 0)
    assert (rows[1]["volume__count_3h"], rows[1]["rhythm__since_last"]) == (2, 9000)
    assert math.isnan(rows[2]["rhythm__since_last"])
    assert rows[2]["volume__count_1d"] == 0


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 49, 1000])
def test_one_counterparty_has_an_entropy_of_exactly_zero(n: int) -> None:
    events = as_events([("ann", 0, 1.0, "x", None)] * n)
    ours = history_features(events, as_subjects([("ann", 5)]), History(("1h",), measures=("entropy", "hour_entropy")))
    assert ours.tolist() == [[0, 0]]


def test_windows_are_closed_left_and_open_right() -> None:
    events = as_events([("ann", 0, 1.0, "x", None)])
    history = History(("1h",), measures=("count",))
    subjects = as_subjects([("ann", 0), ("ann", 1), ("ann", 60), ("ann", 61)])
    assert history_features(events, subjects, history).ravel().tolist() == [0, 1, 1, 0]


def test_large_old_amounts_do_not_affect_later_sums() -> None:
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


def test_other_entities_and_counterparties() -> None:
    events = as_events([("ann", 0, 1.0, "x", None), ("bob", 1, 2.0, "x", None), ("bob", 2, 2.0, None, None)])
    history = History(("1h",), entity="counterparty_id", counterparty="account_id", measures=("count", "distinct"))
    subjects = as_subjects([("x", 5)]).rename_columns(["counterparty_id", "as_of"])
    assert history_features(events[:2], subjects, history).tolist() == [[2, 2]]


def test_a_missing_id_has_no_history() -> None:
    events = as_events([("ann", 0, 1.0, "x", None), ("bob", 1, 2.0, None, None), ("bob", 2, 2.0, None, None)])
    history = History(("1h",), entity="counterparty_id", measures=("count", "since_last"))
    subjects = as_subjects([("x", 5), (None, 5)]).rename_columns(["counterparty_id", "as_of"])
    assert str(history_features(events, subjects, history).tolist()) == "[[1.0, 300.0], [0.0, nan]]"
    assert str(history_features(events, None, history).tolist()) == "[[0.0, nan], [0.0, nan], [0.0, nan]]"


LABELS = st.lists(st.tuples(st.sampled_from(["x", "y"]), MINUTES, st.booleans()), max_size=15)
LABEL_HISTORY = History(("1h", "2d"), entity="counterparty_id", measures=LABEL_MEASURES, prior=(0.1, 4))


def as_labels(rows: Rows) -> pa.Table:
    table = as_events([(None, minutes, None, other, None) for other, minutes, _ in rows])
    table = table.select(["counterparty_id", "occurred_at"]).rename_columns(["counterparty_id", "labelled_at"])
    return table.append_column("is_fraud", pa.array([fraud for *_, fraud in rows], pa.bool_()))


def digest_of(is_fraud: bool) -> int:
    """Return the digest of a label without an id."""
    row = np.array([[0, 0, bits_of(float(is_fraud)), 0]])
    RowBound.of(2).fill_digests(row)
    return int(row[0, DIGEST])


@examples(40)
@given(LABELS, MINUTES, st.sampled_from([2, 4096]))
@example([("x", 5, False), ("x", 5, True), ("x", 7, True)], 9, 4096)
@example([("x", 5, True), ("x", 5, False), ("x", 7, True), ("x", 9, True)], 10, 3)
@example([("x", 0, False), ("x", 0, False), ("x", 0, True)], 1, 2)
def test_labels_count_from_the_time_they_became_known(labels: Rows, now: int, max_events: int) -> None:
    subjects = as_subjects([("x", now)]).rename_columns(["counterparty_id", "as_of"])
    history = replace(LABEL_HISTORY, max_events=max_events)
    ours = history_features(as_events([]), subjects, history, labels=as_labels(labels))[0]
    before = sorted((time, digest_of(fraud), fraud) for other, time, fraud in labels if other == "x" and time < now)
    newest = [(time, fraud) for time, _, fraud in before[-max_events:]]
    row = dict(zip(history.columns, ours.tolist(), strict=True))
    for window, minutes in {"1h": 60, "2d": 2880}.items():
        seen = [fraud for time, fraud in newest if now - minutes <= time]
        assert (row[f"network__known_{window}"], row[f"network__frauds_{window}"]) == (len(seen), sum(seen))
        assert row[f"network__fraud_rate_{window}"] == pytest.approx((sum(seen) + 0.4) / (len(seen) + 4))
    frauds = [time for other, time, fraud in labels if other == "x" and fraud and time < now]
    since = row["network__since_fraud"]
    assert since == (now - max(frauds)) * 60 if frauds else math.isnan(since)
    recent = [(time, fraud) for time, fraud in newest if now - 2880 <= time]
    clean = max((time for time, fraud in recent if not fraud), default=-1)
    since = row["network__since_clean"]
    assert since == (now - clean) * 60 if clean >= 0 else math.isnan(since)
    assert row["network__fraud_run"] == sum(fraud and time > clean for time, fraud in recent)
    past = as_labels([row for row in labels if row[1] < now])
    np.testing.assert_array_equal(history_features(as_events([]), subjects, history, labels=past)[0], ours)


def test_measures_of_labels_need_labels() -> None:
    with refused(ValueError):
        history_features(as_events([]), None, LABEL_HISTORY)


def test_without_events_and_without_subjects() -> None:
    none = history_features(as_events([]), as_subjects([("ann", 5)]), HISTORY)
    counts = [name.split("__")[1].split("_")[0] in ZERO for name in HISTORY.columns]
    assert none[0, counts].tolist() == [0] * sum(counts)
    is_new = np.array([name.endswith("__is_new") for name in HISTORY.columns])
    assert none[0, is_new].tolist() == [1]
    assert np.isnan(none[0, ~(np.array(counts) | is_new)]).all()
    assert history_features(as_events([]), None, HISTORY).shape == (0, len(HISTORY.columns))
    only = History(("1h",), measures=("count",))
    plain = as_events([("ann", 0, None, None, None)]).select([0, 1])
    assert history_features(plain, None, only).tolist() == [[0]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"amount": [np.inf, 1.0]}, ValueError, "'amount' is beyond 1e[+]15 or infinite in 1 rows"),
        ({"amount": [-1e16, 1e300]}, ValueError, "in 2 rows. Remove these rows"),
        ({"amount": ["1", "two"]}, TypeError, "events: 'amount': expected a number, got other text"),
        ({"occurred_at": ["2024-05-01", "soon"]}, TypeError, "'occurred_at': expected a time such as .* other text"),
        ({"occurred_at": [1, 2]}, TypeError, "got another number. Read the table with read_table"),
        ({"occurred_at": np.array(["2024-05-01", "NaT"], "M8[us]")}, ValueError, "'occurred_at' is missing in 1 rows"),
        ({"occurred_at": np.array([2**63 - 1, 0], "M8[us]")}, ValueError, "expected a time in the years 1970 to 2100"),
        ({"account_id": [1.0, 2.5]}, TypeError, "'account_id': expected a string or a whole number, got float"),
    ],
)
def test_bad_events(change: dict[str, Any], error: type[Exception], message: str) -> None:
    good = as_events([("ann", 0, 1.0, "x", "pay"), ("bob", 1, 2.0, "y", "pay")])
    events = {name: good[name] for name in good.column_names} | change
    with pytest.raises(error, match=message):
        history_features(events, None, HISTORY)


def test_a_table_that_nobody_read_means_what_a_checked_one_means() -> None:
    good = as_events([("7", 0, 1.0, "1", "2"), ("7", 60, 2.0, "2", "2")])
    frame = good.to_pandas()
    odd = {
        "account_id": [7.0, "7"],
        "occurred_at": [time.isoformat() for time in frame["occurred_at"]],
        "amount": ["1", 2],
        "counterparty_id": np.array([1.0, 2.0]),
        "kind": [2.0, "2"],
    }
    features = history_features({name: odd.get(name, frame[name]) for name in frame}, None, HISTORY)
    np.testing.assert_array_equal(features, history_features(good, None, HISTORY))


@pytest.mark.parametrize("form", [dict, pd.DataFrame, pa.table])
def test_ids_and_kinds_are_read_as_in_a_live_state(form: Any) -> None:
    """Blanks around them are stripped, and blank ones and words for missing values are missing."""
    events = {
        "event_id": ["e1", " e1", "", "null", "e2\t", None],
        "account_id": ["ann", "ann", " ann", "ann\u3000", "ann", "NaN"],
        "counterparty_id": ["x", "x", "x ", "NULL", "中文", "x"],
        "kind": [" pay", "pay", "pay\n", "None", "", "pay"],
        "occurred_at": np.arange(6).astype("M8[h]").astype("M8[us]"),
    }
    history = History(("1d",), ("pay", "event"), measures=("count", "distinct"))
    subject = {"account_id": " ann ", "as_of": np.datetime64("1970-01-01T20:00", "us")}
    state = HistoryState(history)
    state.update(events, now=datetime(1970, 1, 2, tzinfo=UTC))
    live = state.features(subject)
    assert dict(zip(history.columns, live[0].tolist(), strict=True))["volume__count_1d"] == 4
    subjects = {name: np.array([value]) for name, value in subject.items()}
    np.testing.assert_array_equal(history_features(form(events), form(subjects), history), live)


@pytest.mark.parametrize("column", ["account_id", "occurred_at", "amount", "counterparty_id"])
def test_missing_columns(column: str) -> None:
    table = as_events([("ann", 0, 1.0, "x", "pay")]).drop_columns([column])
    with pytest.raises(ValueError, match=f"events: column '{column}' is missing"):
        history_features(table, None, HISTORY)
    with pytest.raises(ValueError, match="subjects: column 'as_of' is missing"):
        history_features(as_events([]), {"account_id": ["ann"]}, HISTORY)


def test_the_input_is_not_modified() -> None:
    rows: Rows = [("ann", 30 - place, float(place), "x", "pay") for place in range(20)]
    frame = as_events(rows).to_pandas()
    before = frame.copy(deep=True)
    history_features(frame, None, HISTORY)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.slow
def test_a_million_events_of_one_account_take_a_few_seconds() -> None:
    n = 1_000_000
    rng = np.random.default_rng(0)
    events = {
        "account_id": np.zeros(n, np.int64),
        "occurred_at": (rng.integers(0, 90 * 86_400, n) * 1_000_000).astype("M8[us]"),
        "amount": rng.integers(1, 10**6, n) / 100,
        "counterparty_id": rng.integers(0, 1000, n),
    }
    history_features({name: column[:10] for name, column in events.items()})
    seconds = []
    for _ in range(2):  # the first also waits for memory that the process never had
        start = time.process_time()
        out = history_features(events)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 8
    assert out[:, 0].max() > 400
