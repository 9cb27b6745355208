"""The tables of slices on a page."""

from dataclasses import replace

from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.breakdown import breakdown_tables, sliced_tables
from fraudsieve.training.report_page.evaluation import render_report
from fraudsieve.training.report_page.sections import report_notices
from tests.training.evaluation.report_parts.test_slices import mixture


def test_the_rates_of_the_points_are_those_of_each_value() -> None:
    sliced = mixture()
    metrics, rates = sliced_tables(sliced)
    assert rates.columns == ["channel", "1 % false positives", "90 % precision"]
    assert [row[0] for row in rates.rows] == [row[0] for row in metrics.rows] == [part.value for part in sliced.parts]
    assert {row[0]: row[1].endswith(" above the promise") for row in rates.rows} == {
        "sms": False,
        "app": False,
        "mail": True,
    }
    assert "the point that decides (1 % false positives)" in metrics.caption
    assert metrics.caption.endswith("3 slices were compared: 5 % of such intervals miss the true value by chance.")


def test_only_mixtures_and_requested_columns_have_rates_of_points() -> None:
    assert len(sliced_tables(mixture("length"))) == 1
    assert len(sliced_tables(mixture("partner", ("partner",)))) == 2
    assert sliced_tables(None) == []


def test_the_page_warns_of_a_promise_that_does_not_hold_for_a_value(reports: dict[str, EvaluationReport]) -> None:
    report = replace(reports["message"], slices=mixture())
    (notice,) = [notice for notice in report_notices(report) if notice.title == "Take these metrics with care"]
    assert any("% of the legitimate records where channel is mail (95 % interval " in line for line in notice.lines)
    assert "90 % precision" in render_report(report)
    assert len(breakdown_tables(report)["Slices"]) == 2
