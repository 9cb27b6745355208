"""The benchmark of the choice of rounds reads training rows alone, and compares every way on the same windows."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import rounds
from benchmarks.data.kinds import AccountSet, Task
from benchmarks.sets.table import ACCOUNT_SETS

from tests.training.conftest import town_payments


@pytest.mark.slow
def test_every_way_is_measured_on_windows_of_the_training_rows(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    events = town_payments(days=(0, 52), seed=1, per_day=80)
    rows = events.assign(label=(events["label"] != "legitimate").astype(int)).sort_values("occurred_at")
    rows = rows.assign(event_id=np.arange(len(rows)).astype(str)).reset_index(drop=True)
    train, test = np.arange(3000), np.arange(3000, len(rows))
    rows.loc[test, "label"] = pd.NA  # no figure may need them
    task = Task("event", rows, train, test, "")
    monkeypatch.setitem(ACCOUNT_SETS, "s_ffsd", AccountSet("s_ffsd", lambda: task))
    monkeypatch.setattr(rounds, "FORWARD", ((0.8, 1.0),))
    assert rounds.main(["s_ffsd"]) == 0
    shown = capsys.readouterr().out
    for name in ("constant", "one_seed", "slow", "small", "large"):
        assert name in shown
