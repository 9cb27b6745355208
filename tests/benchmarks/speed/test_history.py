"""The speed benchmark of the account history on few events."""

import numpy as np
import pytest
from benchmarks.speed import history as speed_history


@pytest.fixture(autouse=True)
def duckdb_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    makers = {name: make for name, make in speed_history._makers().items() if name != "polars"}
    monkeypatch.setattr(speed_history, "_makers", lambda: makers)
    monkeypatch.setattr(speed_history, "ACCOUNTS", 20)


def test_figures_of_both_windows() -> None:
    report = speed_history.run(events=2000, rounds=1)
    assert set(report.peers) == {"duckdb"}
    assert set(report.peers["duckdb"]) == {"seconds.1h", "seconds.1d"}
    assert set(report.figures) >= {
        "seconds.1h",
        "seconds.1d",
        "kernel.1h",
        "kernel.1d",
        "seconds.all",
        "compile.1h",
        "slope",
    }
    own = report.figures["seconds.1h"] + report.figures["seconds.1d"]
    theirs = report.peers["duckdb"]["seconds.1h"] + report.peers["duckdb"]["seconds.1d"]
    assert report.figures["ratio_to_duckdb"] == pytest.approx(own / theirs)
    assert [bar.name for bar in report.bars] == ["history.ratio_to_duckdb", "history.kernel_ratio_to_duckdb"]


@pytest.mark.parametrize(("column", "change"), [(0, 1.0), (1, 0.01), (2, -1.0)])
def test_columns_that_differ_are_an_error(column: int, change: float) -> None:
    own = np.array([[1.0, 2.5, 1.0], [2.0, 5.0, 1.0]])
    theirs = own.copy()
    speed_history._compare({"ours": own, "duckdb": theirs}, "1h")
    theirs[1, column] += change
    with pytest.raises(AssertionError, match="duckdb and ours differ on the window of 1h"):
        speed_history._compare({"ours": own, "duckdb": theirs}, "1h")
