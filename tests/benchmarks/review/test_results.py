"""Figures of reviews are kept with the values of all seeds, and shown as medians with their ranges."""

from pathlib import Path

from benchmarks.review.__main__ import live_through
from benchmarks.review.figures import over_seeds, quality_figures
from benchmarks.review.results import keep_results, medians, read_results
from benchmarks.review.section import render_section
from benchmarks.review.weeks import ARMS
from benchmarks.runner import Report

from .test_weeks import simulated


def test_kept_results_become_a_section(tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    assert render_section(read_results(path)) == ""
    traffic = simulated([], weeks=1)
    values = live_through(traffic, lambda weeks, seed: quality_figures(traffic, weeks), seeds=2)
    keep_results(Report("review", "fdh_cards", "how", 9, {"found": 40.0}, medians(values)), values, path)
    types = [{"first_find": 7.0, "recall": 0.25, "found": 3.0, "found_of_type": 1.0}, {"recall": 0.5, "half": 100.0}]
    of_types = {arm: over_seeds(types) for arm in ARMS}
    own = {"found": 9.0, "found_of_type": 4.0}
    keep_results(Report("review", "fbs_sms", "how", 9, own, medians(of_types)), of_types, path)
    section = render_section(read_results(path))
    assert section.count("| alerts |") == section.count("| audit_10 |") == 3
    assert "9 frauds, 4 of a type" in section
    assert "| alerts | never (7 to never) | never (100 to never) | never |" in section
    estimates = [line for line in section.splitlines() if line.startswith("| alerts")][1]
    assert estimates.endswith("of 2 |  |  |  |  |")  # no weighted estimate


def test_shares_are_means_over_seeds() -> None:
    assert medians({"audit_5": {"weighted_holds": [1.0, 0.0]}}) == {"audit_5": {"weighted_holds": 0.5}}
