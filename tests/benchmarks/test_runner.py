"""The report of a benchmark: the JSON object, the tables, the missing data."""

import argparse
import json
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.data.location import DATA_VARIABLE
from benchmarks.detection import __main__ as detection
from benchmarks.runner import Bar, Report, print_report, run_command
from benchmarks.speed import __main__ as speed

FIELDS = {"name", "dataset", "protocol", "rows", "machine", "figures", "peers", "bars"}


@pytest.fixture
def report() -> Report:
    return Report(
        "detection",
        "made_up",
        "Five [folds].",
        1200,
        figures={"grouped.macro_f1": 0.9375, "grouped.vs_svm.mean": 0.0625},
        peers={"svm": {"grouped.macro_f1": 0.875}},
        bars=[Bar.at_least("grouped.not_behind", 0.9375, 0.87), Bar.at_most("ratio", 0.25, 0.2)],
    )


def test_json_rejects_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_report(Report("a", "b", "c", 1, figures={"x": float("nan")}), as_json=True)


@pytest.mark.parametrize(("value", "holds"), [(0.91, True), (0.92, True), (0.93, False)])
def test_a_bar_holds_at_its_bound(value: float, holds: bool) -> None:
    assert Bar.at_least("a", 0.92, value).holds is holds
    assert Bar.at_most("a", value, 0.92).holds is (value <= 0.92)


@pytest.mark.parametrize("differing", [0, 1])
def test_only_a_strict_run_fails_if_a_bar_does_not_hold(differing: int) -> None:
    def run(_: argparse.Namespace) -> Report:
        return Report("loop", "sqlite", "", 0, bars=[Bar.at_most("scores_differing", differing, 0)])

    assert run_command("loop", run, None, ["--strict"]) == differing
    assert run_command("loop", run, None, []) == 0


@pytest.mark.parametrize(("module", "name"), [(detection, "fbs_sms"), (speed, "wording")])
@pytest.mark.parametrize("as_json", [True, False])
def test_missing_data_is_not_a_failure(
    module: ModuleType,
    name: str,
    as_json: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert module.main([name, *(["--json"] if as_json else [])]) == 0
    shown = capsys.readouterr().out
    assert "Skipped" in shown
    if as_json:
        content = json.loads(shown.splitlines()[-1])
        assert set(content) == FIELDS | {"skipped"}
        assert content["figures"] == {}
        assert content["bars"] == []
