"""The benchmark of small data draws rows of a set, and tests on the others without their labels."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from benchmarks import small


def accounts(n: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    label = (frame["a"] + rng.normal(size=n) > 1).astype(int)
    return frame.assign(account_id=np.arange(n).astype(str), label=label)


def test_draws_have_the_numbers_that_were_asked_for() -> None:
    labels = np.repeat(["fraud", "legitimate", None], [5, 500, 80]).astype(object)
    for n_frauds, expected in ((2, [2, 98]), (None, [4, 96])):
        rows = small.drawn_rows(labels, 100, n_frauds, seed=1)
        assert len({*rows}) == 100
        assert [int((labels[rows] == name).sum()) for name in ("fraud", "legitimate")] == expected


@pytest.mark.slow
def test_every_way_is_tested_on_the_rows_that_were_not_drawn(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(small, "load_accounts", lambda name, table: accounts())
    assert small.main(["credit_default", "--rows", "60", "200", "--draws", "2"]) == 0
    shown = capsys.readouterr().out
    for name in ("60.average_precision", "200.vs_large.mean", "200.vs_lightgbm.se", "small", "large", "lightgbm"):
        assert name in shown
    assert small.main(["credit_default", "--rows", "200", "--frauds", "2", "--draws", "2"]) == 0
    assert "2.average_precision" in capsys.readouterr().out
