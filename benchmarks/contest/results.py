"""The file of results: JSON Lines, a contestant on a set a line, so that a contest that was stopped goes on."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["RESULTS", "Row", "append_row", "read_rows"]

RESULTS: Final = Path(__file__).resolve().parents[1] / "results" / "contest.jsonl"


@dataclass(frozen=True)
class Row:
    """One contestant on one set.

    Parameters
    ----------
    set, contestant, columns : str
        Names. ``columns`` is what a peer on accounts is trained on: ``handbook`` or ``ours``; empty for messages.
    metric : str
        ``macro_f1`` or ``average_precision``.
    values : list of float
        The metric, fold by fold, from the first fold on.
    folds : int
        Folds of the set; fewer values mean that the contestant ran on the first ones alone.
    rows : int
        Rows of the set that were trained on and tested, in the first fold.
    train_seconds, train_cpu_seconds : float
        Mean of a fold: elapsed, and of all cores.
    ms_per_record : float
        Processor time to score a record in a batch, in milliseconds; elapsed time for AutoGluon.
    installed_mb : float
        The contestant and what it requires, on disk.
    versions : dict of str to str
        Of what the contestant is imported from.
    machine : dict
        As from `describe_machine`.
    """

    set: str
    contestant: str
    columns: str
    metric: str
    values: list[float]
    folds: int
    rows: int
    train_seconds: float
    train_cpu_seconds: float
    ms_per_record: float
    installed_mb: float
    versions: dict[str, str]
    machine: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies a row."""
        return self.set, self.contestant, self.columns

    @property
    def mean(self) -> float:
        """The mean of the metric."""
        return sum(self.values) / len(self.values)


def read_rows(path: Path = RESULTS) -> dict[tuple[str, str, str], Row]:
    """Read the rows of a file by key; a later row replaces an earlier one, and a line cut short is left out."""
    if not path.is_file():
        return {}
    rows = list(_complete(path.read_text("utf-8").splitlines()))
    return {row.key: row for row in rows}


def _complete(lines: Iterable[str]) -> Iterable[Row]:
    for line in lines:
        try:
            yield Row(**json.loads(line))
        except ValueError:  # the process was killed while it wrote
            continue


def append_row(row: Row, path: Path = RESULTS) -> None:
    """Add a row to a file, which is created if it does not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_short = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if cut_short else "") + json.dumps(asdict(row), sort_keys=True) + "\n")
