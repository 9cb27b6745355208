"""The quickstart: the first report that a newcomer sees has types that were learnt."""

import json

import pytest

from tests.quickstart import run_quickstart


@pytest.mark.slow
def test_every_type_is_learnt_and_the_report_says_what_is_found() -> None:
    (logged,) = run_quickstart()[0].rglob("artifacts/report.json")
    report = json.loads(logged.read_text("utf-8"))
    assert report["decision"]["recall"] > 0.7
    assert len(report["by_type"]) == 9
    weak = {name: metrics["f1"] for name, metrics in report["by_type"].items() if metrics["f1"] < 0.35}
    assert weak == {}
    assert {name: metrics["rows"] for name, metrics in report["by_type"].items() if metrics["rows"] < 15} == {}
    assert {part["by"] for part in report["slices"]["parts"]} == {"channel", "language", "length"}
