"""The first words of a report: counts of the deciding point or of the given capacity, intervals, base rate."""

from dataclasses import replace

from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.evaluation import render_report
from fraudsieve.training.report_page.sections import headline

Reports = dict[str, EvaluationReport]


def test_a_given_capacity_is_what_the_manager_asked_for(reports: Reports) -> None:
    report = reports["message"]
    content = headline(report)
    assert content is not None
    assert report.recall_at_capacity is not None
    found = round(report.recall_at_capacity * (report.frauds or 0))
    assert content.title == f"{found} of {report.frauds:,} frauds are found with 400 reviews."
    low, high = report.intervals["recall_at_capacity"] or (0, 0)
    assert f"(95 % interval: {100 * low:.0f} % to {100 * high:.0f} %) of all fraud is found" in content.lines[0]
    assert f"at random would find {100 * (report.base_rate or 0):.0f} %, the base rate" in content.lines[1]
    assert "4 reviews per day" in content.lines[-1]


def test_otherwise_it_is_the_point_that_decides(reports: Reports) -> None:
    report, capacity = reports["message"], reports["message"].capacity
    assert capacity is not None
    assert report.decision is not None
    content = headline(replace(report, capacity=replace(capacity, why="as many as there are frauds")))
    assert content is not None
    decision = report.decision
    assert content.title == f"{decision.found} of {decision.frauds:,} frauds are found with {decision.reviews} reviews."
    assert "the point 1 % false positives, which decides" in content.lines[-1]


def test_reviews_by_the_policy_are_said(reports: Reports) -> None:
    capacity = reports["message"].capacity
    assert capacity is not None
    report = replace(reports["message"], capacity=replace(capacity, why="as many as there are frauds"))
    usual = headline(report)
    assert report.decision is not None
    assert usual is not None
    assert not any("nothing in training" in line for line in usual.lines)
    content = headline(replace(report, decision=replace(report.decision, unlike_training=7)))
    assert content is not None
    assert "So are 7 records with a lower probability, because they look like nothing in training." in content.lines[-1]


def test_the_page_begins_with_it(reports: Reports) -> None:
    html = render_report(reports["account"])
    content = headline(reports["account"])
    assert content is not None
    assert 0 < html.index(content.title) < html.index("These metrics are too good")


def test_types_alone_have_none(reports: Reports) -> None:
    assert headline(reports["type-only"]) is None
    assert 'class="headline"' not in render_report(reports["type-only"])
