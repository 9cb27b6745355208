"""Feature views of encoded events: the checks, and the dependencies."""

import subprocess
import sys

import numpy as np
import pytest

from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.timeline import CutoffTimes, EncodedEvents, fill_history

STARTS, TIMES = np.array([0, 2, 2, 3]), np.array([0, 1_000_000, 5_000_000])
NOW = CutoffTimes(np.array([0, 1, 2, 3]), np.full(3, 6_000_000), np.array([2, 0, 1], np.int32))


def filled(history: History, events: EncodedEvents) -> list[list[float]]:
    out = np.full((3, len(history.columns)), np.nan)
    fill_history(history, events, NOW, out)
    return [[float(number) for number in row] for row in out]


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (History(measures=("mean",)), "mean: expected 3 amounts, got 0"),
        (History(measures=("new", "distinct")), "distinct, new: expected 3 codes of counterparty_id, got 0"),
        (History(kinds=("pay",), measures=("count",)), "pay: expected 3 kinds, got 0"),
    ],
)
def test_missing_columns_are_errors(history: History, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        filled(history, EncodedEvents(STARTS, TIMES))


def test_rows_are_in_the_order_of_the_output() -> None:
    history = History(("1m",), measures=("count", "since_last"))
    assert str(filled(history, EncodedEvents(STARTS, TIMES))) == "[[0.0, nan], [1.0, 1.0], [2.0, 5.0]]"


def test_kinds_count_only_their_own_events() -> None:
    events = EncodedEvents(STARTS, TIMES, np.array([1.0, np.nan, 4.0]), kinds=np.array([0, 1, -1], np.int32))
    history = History(("1m",), kinds=("pay", "top up"), measures=("count", "sum"))
    assert filled(history, events) == [[0] * 6, [1, 0, 0, 4, 0, 0], [2, 1, 1, 1, 1, 0]]


def test_counterparties_are_counted_per_entity() -> None:
    events = EncodedEvents(
        STARTS, TIMES, codes={"counterparty_id": np.array([0, 1, 0], np.int32)}, n_codes={"counterparty_id": 2}
    )
    history = History(("2s", "1m"), measures=("distinct", "new"))
    assert filled(history, events) == [[0, 0, 0], [1, 1, 1], [0, 0, 2]]


@pytest.mark.parametrize("times", [[-1], [-86_400_000_000 * 2 - 1], [-(10**15)]])
def test_hours_and_weekdays_before_1970(times: list[int]) -> None:
    time = np.array(times, "M8[us]")
    history = History(("30d",), measures=("night", "weekend"), night=(23, 24))
    out = np.full((1, 2), np.nan)
    cutoffs = CutoffTimes(np.array([0, 1]), np.array(times) + 1, np.array([0], np.int32))
    fill_history(history, EncodedEvents(np.array([0, 1]), np.array(times)), cutoffs, out)
    hour = (time - time.astype("M8[D]")).astype("m8[h]").astype(int)
    weekday = (time.astype("M8[D]").astype(int) + 3) % 7
    assert out.tolist() == [[float(hour[0] == 23), float(weekday[0] >= 5)]]


@pytest.mark.slow
def test_scoring_needs_neither_pandas_nor_pyarrow() -> None:
    code = (
        "import sys, fraudsieve.features.history.timeline, fraudsieve.features.history.kernels.sorting\n"
        "assert not {'pandas', 'pyarrow', 'sklearn'} & set(sys.modules), 'too much is imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
