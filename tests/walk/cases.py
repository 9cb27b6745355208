"""The tests of the walk: a line for each table and door."""

import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from .doors import DOORS, doors_of
from .scores import assert_same_scores
from .table import Subject, UserTable
from .walk import Refused, Walk, cpu_seconds
from .zoo import ZOO

__all__ = ["RecordProperty", "check_door", "walk_of"]

RecordProperty: TypeAlias = Callable[[str, object], None]

REFUSAL_SECONDS = 3.0


def walk_of(*subjects: Subject) -> pytest.MarkDecorator:
    """Return the parametrisation of a test by the tables of some subjects, and by their doors."""
    tables = [table for table in ZOO.values() if table.subject in subjects]
    lines = [_line(table, door) for table in tables for door in doors_of(table)]
    return pytest.mark.parametrize(("walk", "door"), lines, indirect=["walk"])


def _line(table: UserTable, door: str) -> Any:
    issue = table.later_issue.get(door)
    marks = [] if issue is None else [pytest.mark.xfail(strict=True, reason=issue)]
    return pytest.param(table, door, marks=marks, id=f"{table.name}-{door}")


def check_door(walk: Walk, door: str) -> str:
    """Check a door of a table, and return what it did: ``equal``, ``done``, or how it refused."""
    if door != "train":
        walk.trained.succeeded()
    words = walk.table.refused.get(door)
    walk.forks = words is None  # the CPU time of a fork is not that of a child
    if words is not None:
        with pytest.raises(Refused) as refused:
            DOORS[door].run(walk)
        assert words in str(refused.value)
        assert refused.value.seconds < REFUSAL_SECONDS + _import_seconds(), "it refused after the work had begun"
        return f"refused: {refused.value}"
    scores = DOORS[door].run(walk)
    if scores is None:
        return "done"
    assert_same_scores(scores, walk.reference)
    return "equal"


@functools.cache
def _import_seconds() -> float:
    """Return the CPU time that a process takes to import what training imports."""
    begin = cpu_seconds()
    program = "import mlflow, mlflow.store.db.utils, fraudsieve.training.fit, fraudsieve.cli.commands.train"
    subprocess.run([sys.executable, "-c", program], check=True)
    return cpu_seconds() - begin
