"""Feature views in blocks of rows, compared with one call on all rows."""

import numpy as np
import pandas as pd
import pytest

from fraudsieve._typing import Array
from fraudsieve.features.history import history_batch
from fraudsieve.features.history.declaration import LABEL_MEASURES, LATEST_MEASURES, MEASURES, History
from fraudsieve.features.history.history_batch import HistoryTables, encode, history_features
from fraudsieve.features.history.timeline import CutoffTimes, EncodedEvents, fill_history

HOUR = 3_600_000_000


def _tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return events, subjects with current amounts, and labels of events, unsorted and with missing ids."""
    rng = np.random.default_rng(0)

    def frame(n: int, time: str) -> pd.DataFrame:
        ids = [None if account == 0 else f"account-{account}" for account in rng.zipf(1.5, n) % 30]
        others = [None if other == 0 else f"other-{other}" for other in rng.integers(0, 12, n)]
        times = (rng.integers(0, 400, n) * HOUR).astype("M8[us]")
        amounts = rng.integers(1, 9, n)
        return pd.DataFrame({"account_id": ids, "counterparty_id": others, time: times, "amount": amounts})

    events = frame(600, "occurred_at").assign(kind=rng.choice(["pay", "take", "give"], 600))
    labels = frame(200, "labelled_at").assign(is_fraud=rng.random(200) < 0.3)
    return events, frame(250, "as_of"), labels


@pytest.fixture(params=[1, 700, 3000])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_batch, "BLOCK_NUMBERS", request.param)
    monkeypatch.setattr(history_batch, "NARROW", 0)
    return


def _views() -> list[History]:
    measures = (*MEASURES, *LATEST_MEASURES, *LABEL_MEASURES)
    view = History(("1h", "7d", "all"), kinds=("give", "pay"), measures=measures)
    pair = History(("7d",), entity=("account_id", "counterparty_id"), measures=("count", "sum"), name="pair")
    return [view, pair]


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch) -> list[Array]:
    """The columns of each view, filled in without blocks."""
    events, subjects, labels = _tables()
    with monkeypatch.context() as patched:
        patched.setattr(history_batch, "NARROW", 10_000)
        return [history_features(events, subjects, view, labels=labels) for view in _views()]


def test_blocks_of_any_size_give_the_same_columns(expected: list[Array], small_blocks: None) -> None:
    events, subjects, labels = _tables()
    found = history_features(events, subjects, _views(), labels=labels)
    np.testing.assert_array_equal(found, np.hstack(expected))
    np.testing.assert_array_equal(history_features(events, subjects, _views()[1]), expected[1])


def test_a_block_holds_whole_entities(small_blocks: None) -> None:
    events, subjects, _ = _tables()
    view = History(("1h",), measures=("count", "sum", "max"))
    tables = HistoryTables.read(events, subjects, None)
    encoded, cutoffs = encode(view, tables.events, tables.subjects)
    calls: list[tuple[int, int]] = []

    def fill(history: History, block_events: EncodedEvents, block_cutoffs: CutoffTimes, block: Array) -> None:
        assert block_events.starts[-1] == len(block_events.times) == len(block_events.amounts)
        assert block_cutoffs.starts[-1] == len(block_cutoffs.times) == len(block)
        assert len(block_events.starts) == len(block_cutoffs.starts)
        calls.append((len(block_cutoffs.starts) - 1, len(block_cutoffs.times)))
        fill_history(history, block_events, block_cutoffs, block)

    out = np.empty((len(subjects), 5))
    history_batch.fill_blocks(fill, view, encoded, cutoffs, out[:, 1:4])
    assert sum(n_rows for _, n_rows in calls) == len(subjects)
    n_largest = int(np.diff(cutoffs.starts).max())
    limit = history_batch.BLOCK_NUMBERS // 3
    assert all(n_rows <= max(limit, n_largest) for _, n_rows in calls)
    assert len(calls) > 1 or limit >= len(subjects)
    np.testing.assert_array_equal(out[:, 1:4], history_features(events, subjects, view))
