"""The page of a monitor: what passed comes first, names and numbers are there, all of it is escaped."""

from html import escape
from typing import Any

import pytest

from fraudsieve.training.evaluation.json_types import to_json_types
from fraudsieve.training.monitoring.figures import monitor_figures
from fraudsieve.training.monitoring.page import monitor_page
from fraudsieve.training.pages.evaluation import CONTENT_SECURITY_POLICY


def test_what_passed_is_on_the_page(monitored: dict[str, Any]) -> None:
    html = monitor_page(monitored, title="A <model>", facts={"digest": "ab<c"})
    assert len(monitored["passed"]) >= 4
    assert f"<strong>{len(monitored['passed'])} bounds are passed.</strong>" in html
    for one in monitored["passed"]:
        assert f"<li>{escape(one['said'])}</li>" in html
    assert monitored["notes"]
    for note in monitored["notes"]:
        assert f"<li>{escape(note)}.</li>" in html
    assert "<h1>A &lt;model&gt;</h1>" in html
    assert "<dd>ab&lt;c</dd>" in html
    assert CONTENT_SECURITY_POLICY in html
    assert "http:" not in html
    assert "https:" not in html


def test_numbers_of_the_sheet_are_on_the_page(monitored: dict[str, Any]) -> None:
    html = monitor_page(monitored)
    worst = monitored["families"][0]["worst"]
    assert f'<div class="value">{worst["psi"]:.3f}</div>' in html
    assert f"{worst['column']}; without drift it would be {worst['expected']:.3f}" in html
    assert f"<td>{100 * monitored['shares']['rejected']['current']:.1f} %</td>" in html
    for point in monitored["expected"]:
        low, high = point["current"]["recall_interval"]
        assert f"<td>{low:.3f} to {high:.3f}</td>" in html


def test_all_figures_are_drawn_and_a_bare_sheet_has_none(monitored: dict[str, Any]) -> None:
    plain = to_json_types(monitored)
    assert len(monitor_figures(plain)) == 4
    nothing: dict[str, Any] = {
        "families": [],
        "columns": [],
        "scores": {},
        "alerts": [],
        "expected": [],
        "calibration": None,
    }
    shares = {"rejected": monitored["shares"]["rejected"], "cold_start": None, "unseen": {}}
    bare = plain | nothing | {"passed": [], "notes": [], "shares": shares}
    html = monitor_page(bare)
    assert "<strong>No bound is passed.</strong>" in html
    assert "<figure>" not in html


@pytest.mark.parametrize("place", ["families", "alerts"])
def test_names_are_escaped(monitored: dict[str, Any], place: str) -> None:
    evil = "<script>alert(1)</script>"
    sheet = to_json_types(monitored)
    sheet[place][0] |= {"family": evil, "name": evil}
    assert "<script" not in monitor_page(sheet | {"notes": [evil]}, title=evil)
