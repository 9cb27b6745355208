"""The walks of the tables, the choice of tables for a run, and the table of tables and doors at its end."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from .summary import summary_lines
from .table import UserTable
from .walk import Walk
from .zoo import SMOKE

WHOLE = "walk"
"""The marker that a run must name (``-m walk``) to walk the whole zoo; other runs walk the smoke set."""


Open: TypeAlias = Callable[[UserTable], Walk]


@pytest.fixture(scope="session")
def open_walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Open the walk of a table, and end the services of the table before it."""
    opened: list[Walk] = []

    def open_one(table: UserTable) -> Walk:
        if not opened or opened[-1].table is not table:
            close()
            opened.append(Walk(table, tmp_path_factory.mktemp(table.name)))
        return opened[-1]

    def close() -> None:
        while opened:
            opened.pop().close()

    yield open_one
    close()


@pytest.fixture
def walk(request: pytest.FixtureRequest, open_walk: Open) -> Walk:
    """A table with its trained model; its services end with its last door."""
    return open_walk(request.param)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tables that are not in the smoke set, unless the run names the marker."""
    if WHOLE in config.getoption("markexpr"):
        return
    left_out = [item for item in items if _table_of(item) not in (None, *SMOKE)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _table_of(item: pytest.Item) -> str | None:
    """Return the table of a test of the walk; None for another test."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    found = parameters.get("walk")
    return None if found is None else str(found.name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what each door of each table did, if the run names the marker."""
    if WHOLE not in config.getoption("markexpr"):
        return
    reports = [report for found in terminalreporter.stats.values() for report in found]
    walked = [
        report for report in reports if "tests/walk/" in getattr(report, "nodeid", "") and hasattr(report, "when")
    ]
    terminalreporter.section("the walk")
    for line in summary_lines(walked):
        terminalreporter.write_line(line)
