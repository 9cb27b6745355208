"""The benchmark of the ordinary call: its counts by hand, its bars, and one set from end to end."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import ordinary


def test_counts_by_hand_are_of_earlier_rows() -> None:
    accounts, devices = [*"aabba"], [*"xyxxx"]
    times = pd.date_range("2026-01-01", periods=5, tz="UTC")
    rows = pd.DataFrame({"account_id": accounts, "device_id": devices, "occurred_at": times, "label": "legitimate"})
    counts = ordinary._by_hand(rows.iloc[::-1]).iloc[::-1]
    assert counts["of_account_id"].tolist() == [0, 1, 0, 1, 2]
    assert counts["of_account_and_device_id"].tolist() == [0, 0, 0, 1, 1]
    assert counts["accounts_of_device_id"].tolist() == [0, 0, 1, 2, 2]
    assert "account_id" not in counts


@pytest.mark.parametrize("name", ordinary.MADE)
def test_made_tables_split_by_time_and_hide_what_is_not_known_yet(name: str) -> None:
    case = ordinary._MADE[name](3)
    assert case.learned["label"].nunique() == case.tested["label"].nunique() == 2
    if case.history is not None:
        start = case.tested["occurred_at"].min()
        assert (case.learned["labelled_at"] < start).all()
        assert case.history["label"].isna().all()
        assert case.history["occurred_at"].max() < start


def test_bars_allow_two_standard_errors_of_seeds() -> None:
    found = {"ours": [0.52, 0.54], "lightgbm raw": [0.5, 0.56], "lightgbm by hand": [0.1, 0.1]}
    (peer, before) = ordinary._bars("s_ffsd", found, [0.9, 0.9])
    error = np.sqrt(np.var([0.52, 0.54], ddof=1) / 2 + np.var([0.5, 0.56], ddof=1) / 2)
    assert peer.bound == pytest.approx(0.53 - 2 * error)
    assert (peer.holds, before.holds) == (True, False)
    assert not any(bar.holds for bar in ordinary._bars("customs_declarations", found, None))


def test_a_made_set_from_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    peers: dict[str, Any] = {"lightgbm": ordinary._lightgbm}
    monkeypatch.setattr(ordinary, "PEERS", peers)
    monkeypatch.setitem(ordinary._MADE, "credit_card", partial(ordinary._credit_card, n=4000))
    report = ordinary.run(("credit_card",), seeds=1)
    assert report.rows == 1200
    assert 0.1 < report.figures["credit_card.average_precision"] < 1
    assert set(report.peers) == {"lightgbm raw"}
