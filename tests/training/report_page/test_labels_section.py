"""Labels on the page: every number of the report, and none without label times."""

from dataclasses import replace
from typing import Any

import pytest

from fraudsieve.training.evaluation.label_delays import GapUsed, LabelDelay, LabelMetrics
from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.breakdown import draw_label_delays, label_facts
from fraudsieve.training.report_page.evaluation import render_report

Reports = dict[str, EvaluationReport]


@pytest.fixture
def labels(reports: Reports) -> LabelMetrics:
    metrics = reports["message"].labels
    assert metrics is not None
    return metrics


def section(report: EvaluationReport) -> str:
    return render_report(report).split("<h2>Labels</h2>")[1].split("</section>")[0]


def test_the_section_shows_the_numbers(reports: Reports, labels: LabelMetrics) -> None:
    html, young = section(reports["message"]), labels.youngest
    assert young
    assert young.share_to_come
    assert labels.reversals
    assert labels.by_source
    assert labels.mature_by_class
    assert f"{labels.unlabelled_in_period:,} of {labels.records_in_period:,} records" in html
    assert f"{young.waiting:,} of {young.records:,} records are waiting" in html
    assert f"{100 * young.share_to_come:.0f} % of the labels" in html
    assert f"<dd>{labels.reversals.count:,} (" in html
    assert "12.5 days; 95 % of the labels have arrived by then" in html
    for source in labels.by_source:
        assert source.days
        name = source.source.replace("_", "_<wbr>")
        assert f"first from {name}</th><td>{source.first:,}</td>" in html
        assert f"<td>{source.days[2]:.3g}</td>" in html
    for name, days in labels.mature_by_class.items():
        assert f"{name} {days:.3g}" in html
    figure = draw_label_delays(labels)
    assert figure
    assert figure.svg in html


def test_the_chart(labels: LabelMetrics) -> None:
    figure = draw_label_delays(labels)
    assert figure
    assert labels.delays
    assert figure.svg.count("<circle") == 4
    assert f"95 % after {labels.delays[2].days:.3g} days" in figure.svg
    assert "gap, 12.5 days" in figure.svg
    figure = draw_label_delays(replace(labels, gap=GapUsed(None, "split by campaign, not by time")))
    assert figure
    assert "gap" not in figure.svg


def test_labels_that_came_at_once_are_drawn(labels: LabelMetrics) -> None:
    delays = tuple(LabelDelay(share, 0.0) for share in (0.5, 0.9, 0.95, 0.99))
    at_once = replace(labels, delays=delays, curve=((0.0, 0.99), (3.0, 1.0)), gap=GapUsed(0.0, ""))
    assert draw_label_delays(at_once) is not None


def test_without_times_there_is_no_chart_and_no_table(reports: Reports, labels: LabelMetrics) -> None:
    absent = ("delays", "curve", "youngest", "mature_by_class", "reversals", "by_source")
    nothing: dict[str, Any] = dict.fromkeys(absent)
    bare = replace(labels, **nothing)
    html = section(replace(reports["message"], labels=bare))
    assert "not known: labels have no times" in html
    assert "<table" not in html
    assert "<svg" not in html
    assert [name for name, _ in label_facts(bare)] == [
        "labels have arrived",
        "gap before the test",
        "unlabelled in this period",
    ]


def test_the_page_has_the_section_and_warns_of_records_that_wait(reports: Reports) -> None:
    html = render_report(reports["message"])
    assert html.count("<h2>Labels</h2>") == 1
    assert "metrics of the last" in html[: html.index("Headline metrics")]
    assert "<h2>Labels</h2>" not in render_report(reports["account"])
