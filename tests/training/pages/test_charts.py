"""Every figure shows what is in the sheet, and none where the sheet has nothing for it."""

import copy
import re
from typing import Any

import pytest

from fraudsieve.training.pages.charts import figures

Sheets = dict[str, dict[str, Any]]
TITLES = [
    "Found against alerts.",
    "Precision against recall.",
    "Do probabilities mean what they say?",
    "What mistakes cost.",
    "By month.",
    "By type.",
    "Under attack.",
    "What the trees use.",
]


def titles(sheet: dict[str, Any]) -> list[str]:
    return [re.search("<strong>(.*?)</strong>", figure)[1] for figure in figures(sheet)]  # type: ignore[index]


def figure(sheet: dict[str, Any], title: str) -> str:
    return next(found for found in figures(sheet) if f"<strong>{title}" in found)


def test_a_whole_sheet_has_all_figures(sheets: Sheets) -> None:
    assert titles(sheets["message"]) == TITLES


def test_what_is_not_known_is_not_drawn(sheets: Sheets) -> None:
    assert titles(sheets["account"]) == [title for title in TITLES if title not in ("By month.", "Under attack.")]
    assert titles(sheets["type-only"]) == ["By type."]
    assert figures({"rows": 3}) == []


@pytest.mark.parametrize("name", ["capacity", "curves", "costs", "by_month", "attack", "importance"])
def test_none_is_not_drawn(sheets: Sheets, name: str) -> None:
    assert len(figures(sheets["message"] | {name: None})) < len(TITLES)


def test_figures_tell_the_numbers(sheets: Sheets) -> None:
    sheet = sheets["message"]
    assert f"Recall {sheet['recall_at_capacity']:.3f}" in figure(sheet, "Found")
    assert f"Average precision {sheet['average_precision']:.3f}" in figure(sheet, "Precision")
    assert f"{sheet['by_month'][2]['average_precision']:.3f}" in figure(sheet, "By month")
    assert f"spam: F1 {sheet['by_type']['spam']['f1']:.3f}" in figure(sheet, "By type")
    kept = sheet["attack"]["obfuscations"]["symbols"]["strong"]["kept"]
    assert f"symbols, strong: {kept:.3f}" in figure(sheet, "Under attack")
    assert "campaign: 0.410" in figure(sheet, "What the trees")


def test_an_obfuscation_that_changes_nothing_is_left_out(sheets: Sheets) -> None:
    assert "leetspeak" not in figure(sheets["message"], "Under attack")


def test_alerts_a_day_where_days_are_known(sheets: Sheets) -> None:
    assert "alerts a day" in figure(sheets["message"], "Found")
    assert "alerts in all" in figure(sheets["account"], "Found")


def test_of_many_types_the_largest_are_drawn(sheets: Sheets) -> None:
    drawn = figure(sheets["type-only"], "By type")
    assert drawn.count("<rect") == 24
    assert "6 more are not drawn" in drawn


def test_intervals_are_drawn_where_they_are_known(sheets: Sheets) -> None:
    assert figure(sheets["message"], "Found").count('class="band') == 2
    bare = copy.deepcopy(sheets["message"])
    for point in bare["capacity"]["points"]:
        point["recall_interval"] = point["precision_interval"] = None
    assert 'class="band' not in figure(bare, "Found")
