"""Labels on the page: every number of the sheet, and none where nothing is known."""

from typing import Any

import pytest

from fraudsieve.training.evaluation.json_types import to_json_types
from fraudsieve.training.pages.evaluation import report
from fraudsieve.training.pages.labels import label_facts, label_section, labels_known

Sheets = dict[str, dict[str, Any]]


@pytest.fixture
def sheet(sheets: Sheets) -> dict[str, Any]:
    plain: dict[str, Any] = to_json_types(sheets["message"])
    return plain


def test_the_section_tells_the_numbers(sheet: dict[str, Any]) -> None:
    labels, html = sheet["labels"], label_section(sheet)
    young = labels["youngest"]
    assert f"{labels['unlabelled']:,} of {labels['records']:,} records" in html
    assert f"{young['waiting']:,} of {young['records']:,} records wait" in html
    assert f"{100 * young['share_to_come']:.0f} % of the labels" in html
    assert f"<dd>{labels['reversals']['count']:,} (" in html
    assert "12.5 days; 95% of the labels have come by then" in html
    for one in labels["by_source"]:
        assert f"first from {one['source']}</th><td>{one['first']:,}</td>" in html
        assert f"<td>{one['days'][2]:.3g}</td>" in html
    for name, days in labels["mature_by_class"].items():
        assert f"{name} {days:.3g}" in html
    assert (labels_known(sheet) or "nothing") in html


def test_the_picture(sheet: dict[str, Any]) -> None:
    drawn = labels_known(sheet)
    assert drawn is not None
    assert drawn.count("<circle") == 4
    assert f"95% after {sheet['labels']['delays'][2]['days']:.3g} days" in drawn
    assert "gap, 12.5 days" in drawn
    without = sheet["labels"] | {"gap": {"days": None, "why": "split by campaign, not by time"}}
    drawn = labels_known({"labels": without})
    assert drawn is not None
    assert "gap" not in drawn


def test_labels_that_came_at_once_are_drawn(sheet: dict[str, Any]) -> None:
    delays = [{"share": share, "days": 0.0} for share in (0.5, 0.9, 0.95, 0.99)]
    labels = sheet["labels"] | {"delays": delays, "curve": [[0.0, 0.99], [3.0, 1.0]], "gap": {"days": 0.0, "why": ""}}
    assert labels_known({"labels": labels}) is not None


def test_without_times_there_is_no_picture_and_no_table(sheet: dict[str, Any]) -> None:
    nothing = dict.fromkeys(("delays", "curve", "youngest", "mature_by_class", "reversals", "by_source"))
    html = label_section({"labels": sheet["labels"] | nothing})
    assert "not known: labels have no times" in html
    assert "<table" not in html
    assert "<svg" not in html
    assert [name for name, _ in label_facts(sheet["labels"] | nothing)] == [
        "labels are there",
        "gap before the test",
        "without a label",
    ]


def test_the_page_has_the_section_and_warns_of_what_waits(sheets: Sheets) -> None:
    html = report(sheets["message"])
    assert html.count("<h2>Labels</h2>") == 1
    assert "metrics of the last" in html[: html.index("Headline figures")]
    assert "<h2>Labels</h2>" not in report(sheets["account"])
