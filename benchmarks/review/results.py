"""The kept figures of reviews, and their medians over seeds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from benchmarks.looks import COMMIT
from benchmarks.runner import Report

__all__ = ["RESULTS", "SHARE", "Values", "keep_results", "medians", "read_results"]

Values: TypeAlias = dict[str, list[float | None]]
"""The values of all seeds by figure; None where a seed has none."""
RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "review.json"
SHARE: Final = "holds"
"""End of the names of figures that are 0 or 1, of which the share of the seeds is returned."""


def medians(values: Mapping[str, Values]) -> dict[str, dict[str, float]]:
    """Return the median of each figure by arm, and the lowest and highest value of those that are not of a week.

    A value that a seed does not have counts as infinite, and no infinite figure is returned. ``NAME.seeds`` is the
    number of seeds that have one, where some do not. Of what is 0 or 1, it is the share of the seeds.

    Examples
    --------
    >>> medians({"alerts": {"half": [100.0, None, 300.0], "found.1": [5.0, 6.0, 7.0]}})["alerts"]
    {'half': 300.0, 'half.low': 100.0, 'half.seeds': 2.0, 'found.1': 6.0}
    """
    return {arm: _medians(of_arm) for arm, of_arm in values.items()}


def _medians(values: Values) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, of_seeds in values.items():
        known = [np.inf if value is None else value for value in of_seeds]
        if name.endswith(SHARE):
            figures[name] = float(np.mean(known))
            continue
        figures[name] = float(np.median(known))
        if "." not in name:
            figures |= {f"{name}.low": min(known), f"{name}.high": max(known)}
        if None in of_seeds:
            figures[f"{name}.seeds"] = float(np.isfinite(known).sum())
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def keep_results(report: Report, values: Mapping[str, Values], path: Path = RESULTS) -> None:
    """Write a report with the values of all seeds into the file of results, in the place of an earlier one."""
    content = {**read_results(path), report.dataset: {**report.as_json(), "commit": COMMIT, "values": values}}
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Return the kept reports by set."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found
