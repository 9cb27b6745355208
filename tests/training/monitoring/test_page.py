"""The page of a monitor report: exceeded bounds come first, names and numbers are there, all of it is escaped."""

from dataclasses import replace
from html import escape, unescape
from typing import Any

import pytest
from markupsafe import escape as escape_markup

from fraudsieve.pages.rendering import content_security_policy
from fraudsieve.pages.words import feature_words, names_in_words
from fraudsieve.training.monitoring.page import draw_monitor_figures, render_monitor_report
from fraudsieve.training.monitoring.report import Both, MonitorReport, ScoreDrift, ShareChanges


@pytest.mark.slow
def test_exceeded_bounds_are_on_the_page(monitored: MonitorReport) -> None:
    html = render_monitor_report(monitored, title="A <model>", facts={"digest": "ab<c"})
    assert len(monitored.exceeded) >= 4
    assert f"<strong>{len(monitored.exceeded)} bounds are exceeded.</strong>" in html
    for bound in monitored.exceeded:
        assert f"<li>{escape(names_in_words(bound.text))}</li>" in html
    assert monitored.notes
    for note in monitored.notes:
        assert f"<li>{escape_markup(note)}.</li>" in html
    assert "<h1>A &lt;model&gt;</h1>" in html
    assert "<dd>ab&lt;c</dd>" in html
    assert content_security_policy() in unescape(html)
    assert "http:" not in html
    assert "https:" not in html


def test_numbers_of_the_report_are_on_the_page(monitored: MonitorReport) -> None:
    html = render_monitor_report(monitored)
    worst = monitored.families[0].worst
    assert f'<div class="value">{worst.psi:.3f}</div>' in html
    assert f"{feature_words(worst.column)}; without drift it would be {worst.expected:.3f}" in html
    assert f"<td>{100 * monitored.shares.rejected.current:.1f} %</td>" in html
    for point in monitored.expected:
        assert point.current.recall_interval is not None
        low, high = point.current.recall_interval
        assert f"<td>{low:.3f} to {high:.3f}</td>" in html


def test_no_name_of_the_code_is_a_bound_on_the_page(monitored: MonitorReport) -> None:
    html = render_monitor_report(monitored)
    assert [name for name in monitored.bounds if "_" in name and name in html] == []


def test_all_figures_are_drawn_and_a_bare_report_has_none(monitored: MonitorReport) -> None:
    assert len(draw_monitor_figures(monitored)) == 4
    nothing: dict[str, Any] = {
        "families": (),
        "columns": (),
        "scores": ScoreDrift(),
        "alerts": (),
        "expected": (),
        "calibration": None,
        "unlike": None,
    }
    shares = ShareChanges(monitored.shares.rejected)
    html = render_monitor_report(replace(monitored, **nothing, exceeded=(), notes=(), shares=shares))
    assert "<strong>No bound is exceeded.</strong>" in html
    assert "<figure>" not in html


def test_alerts_by_the_policy_are_said(monitored: MonitorReport) -> None:
    first, *others = monitored.alerts
    alerts = (replace(first, unlike_training=Both(0.01, 0.25)), *others)
    html = render_monitor_report(replace(monitored, alerts=alerts))
    assert "1.0 % of the reference and 25.0 % of the current records below its threshold" in html
    assert "whatever their probability" in html
    assert "below its threshold" not in render_monitor_report(monitored)


def test_one_bound_is_singular(monitored: MonitorReport) -> None:
    assert "<strong>1 bound is exceeded.</strong>" in render_monitor_report(
        replace(monitored, exceeded=monitored.exceeded[:1])
    )


@pytest.mark.parametrize(("place", "name"), [("families", "family"), ("alerts", "name")])
def test_names_are_escaped(monitored: MonitorReport, place: str, name: str) -> None:
    evil = "<script>alert(1)</script>"
    first, *rest = getattr(monitored, place)
    changes: dict[str, Any] = {place: (replace(first, **{name: evil}), *rest), "notes": (evil,)}
    assert "<script" not in render_monitor_report(replace(monitored, **changes), title=evil)
