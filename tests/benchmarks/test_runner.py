"""The report of a benchmark: the JSON object, the tables, the missing data."""

import argparse
import json
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.data.location import DATA_VARIABLE, MissingDataError, data_folder, load_messages
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


def test_json_object(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report, as_json=True)
    content = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(content) == FIELDS
    assert content["rows"] == 1200
    assert content["figures"] == {"grouped.macro_f1": 0.9375, "grouped.vs_svm.mean": 0.0625}
    assert content["peers"] == {"svm": {"grouped.macro_f1": 0.875}}
    assert content["bars"] == [
        {"name": "grouped.not_behind", "value": 0.9375, "bound": 0.87, "holds": True},
        {"name": "ratio", "value": 0.25, "bound": 0.2, "holds": False},
    ]


def test_machine(report: Report) -> None:
    machine = report.as_json()["machine"]
    assert isinstance(machine, dict)
    assert machine["cores"] >= 1
    assert machine["python"].startswith("3.")
    assert {"numpy", "scikit-learn", "lightgbm"} <= set(machine["libraries"])


def test_json_rejects_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_report(Report("a", "b", "c", 1, figures={"x": float("nan")}), as_json=True)


def test_tables_for_people(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report, as_json=False)
    shown = capsys.readouterr().out
    assert "Five [folds]." in shown
    assert "0.9375" in shown
    assert "0.875" in shown
    assert "NO" in shown


@pytest.mark.parametrize(("value", "holds"), [(0.91, True), (0.92, True), (0.93, False)])
def test_a_bar_holds_at_its_bound(value: float, holds: bool) -> None:
    assert Bar.at_least("a", 0.92, value).holds is holds
    assert Bar.at_most("a", value, 0.92).holds is (value <= 0.92)


def test_data_folder_next_to_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    assert data_folder().parts[-2:] == ("shared", "data")


def test_load_messages_names_the_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingDataError, match=r"Skipped fbs_sms: fbs_sms.parquet is not in .*messages"):
        load_messages("fbs_sms")


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
