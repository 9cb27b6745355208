"""Every chart shows the numbers of the report, and none is drawn without data."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest

from fraudsieve.training.evaluation.report import EvaluationReport
from fraudsieve.training.report_page.charts import (
    CHARTS,
    draw_column_importance,
    draw_figure_files,
    draw_figures,
    draw_rounds,
)

Reports = dict[str, EvaluationReport]
TITLES = [
    "Found against alerts",
    "Precision against recall",
    "Lift",
    "ROC curve",
    "Scores of fraud and of legitimate records",
    "Are the probabilities right?",
    "What mistakes cost",
    "By month",
    "By type",
    "Under attack",
    "What the trees use",
    "How the number of rounds was chosen",
]


def titles(report: EvaluationReport) -> list[str]:
    return [figure.title for figure in draw_figures(report)]


def chart(report: EvaluationReport, title: str) -> str:
    """Return the SVG and the caption of a figure."""
    figure = next(figure for figure in draw_figures(report) if figure.title.startswith(title))
    return figure.svg + figure.description


@pytest.mark.slow
def test_a_complete_report_has_all_figures(reports: Reports) -> None:
    assert titles(reports["message"]) == TITLES


def test_charts_without_data_are_not_drawn(reports: Reports) -> None:
    assert titles(reports["account"]) == [title for title in TITLES[:-1] if title not in ("By month", "Under attack")]
    assert titles(reports["type-only"]) == ["By type"]
    assert titles(replace(reports["type-only"], by_type={})) == []


@pytest.mark.parametrize("name", ["capacity", "curves", "costs", "by_month", "attack", "importance", "trees"])
def test_a_missing_metric_is_not_drawn(reports: Reports, name: str) -> None:
    nothing: dict[str, Any] = {name: None}
    assert len(draw_figures(replace(reports["message"], **nothing))) < len(TITLES)


def test_figures_show_the_numbers(reports: Reports) -> None:
    report = reports["message"]
    assert report.by_month
    assert report.attack
    assert f"Recall {report.recall_at_capacity:.3f}" in chart(report, "Found")
    assert f"Average precision {report.average_precision:.3f}" in chart(report, "Precision")
    assert f"{report.by_month[2].average_precision:.3f}" in chart(report, "By month")
    assert f"spam: F1 {report.by_type['spam'].f1:.3f}" in chart(report, "By type")
    kept = report.attack.obfuscations["symbols"].strong.kept
    assert f"symbols, strong: {kept:.3f}" in chart(report, "Under attack")
    assert "campaign: 0.410" in chart(report, "What the trees")
    features = draw_column_importance(report)
    assert features is not None
    assert "cues: links: 0.050" in features.svg
    assert draw_column_importance(replace(report, column_importance=None)) is None


def test_an_obfuscation_that_changes_nothing_is_left_out(reports: Reports) -> None:
    assert "leetspeak" not in chart(reports["message"], "Under attack")


def test_alerts_per_day_where_days_are_known(reports: Reports) -> None:
    assert "alerts per day" in chart(reports["message"], "Found")
    assert "alerts in all" in chart(reports["account"], "Found")


def test_the_largest_of_many_types_are_drawn(reports: Reports) -> None:
    drawn = chart(reports["type-only"], "By type")
    assert drawn.count("<rect") == 24
    assert "6 more are not drawn" in drawn


def test_intervals_are_drawn_where_they_are_known(reports: Reports) -> None:
    report = reports["message"]
    assert chart(report, "Found").count('class="band') == 2
    assert report.capacity
    bare = tuple(replace(point, recall_interval=None, precision_interval=None) for point in report.capacity.points)
    without = replace(report, capacity=replace(report.capacity, points=bare))
    assert 'class="band' not in chart(without, "Found")


def test_every_figure_is_a_file(reports: Reports) -> None:
    files = draw_figure_files(reports["message"])
    others = "labels_known", "unlike_training", "column_importance"
    assert list(files) == [f"figures/{name}.svg" for name in (*CHARTS, *others)]
    assert draw_figure_files(replace(reports["type-only"], by_type={})) == {}


def test_each_file_is_complete_and_has_its_own_colours(reports: Reports) -> None:
    for image in draw_figure_files(reports["message"]).values():
        root = ElementTree.fromstring(image)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.attrib["viewBox"].startswith("0 0 ")
        style = next(child for child in root if child.tag.endswith("style")).text or ""
        assert "--c1:" in style
        assert "prefers-color-scheme" not in style
        assert "url(" not in image


def test_the_choice_of_the_rounds_is_drawn_with_both_metrics(reports: Reports) -> None:
    drawn = chart(reports["message"], "How the number of rounds")
    assert "100 rounds have the lowest log loss on 900 of the latest training rows with 40 frauds." in drawn
    assert "All training rows get 125, in proportion." in drawn
    assert drawn.count("average precision") == 1
    assert draw_rounds(replace(reports["message"], trees=None)) is None
