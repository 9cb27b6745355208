"""The table of tables and doors at the end of a run."""

from collections import defaultdict
from collections.abc import Iterable

import pytest

from .doors import DOORS

__all__ = ["summary_lines"]


def summary_lines(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Return a table in Markdown with what each door of each table did, then seconds, then the words of refusals."""
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    words = []
    for report in reports:
        table, _, door = report.nodeid.rpartition("[")[2].rstrip("]").rpartition("-")
        seconds[table][door] += report.duration
        if report.when == "call":
            outcome = _outcome(report)
            cells[table][door] = outcome.partition(":")[0]
            words += [f"- {table}, {door}: {outcome}"] if ":" in outcome else []
    lines = [*_markdown(cells), "", *_markdown({table: _seconds(row) for table, row in seconds.items()})]
    return [*lines, "", *sorted(words)]


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"xfail: {report.wasxfail}"
    return "FAILED" if report.failed else str(dict(report.user_properties).get("walk", report.outcome))


def _seconds(row: dict[str, float]) -> dict[str, str]:
    return {door: f"{value:.1f}" for door, value in row.items()}


def _markdown(rows: dict[str, dict[str, str]]) -> list[str]:
    header = [f"| table | {' | '.join(DOORS)} |", "| --- " * (len(DOORS) + 1) + "|"]
    return header + [f"| {name} | {' | '.join(row.get(door, '-') for door in DOORS)} |" for name, row in rows.items()]
