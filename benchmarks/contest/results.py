"""The file of results: JSON Lines, a contestant on a set a line, so that a contest that was stopped goes on."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
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
        The metric, run by run, from the first on. A run is a fold of messages; of accounts and events, a seed on the
        split, or a split if there are several.
    seeds : list of int
        The seed of each run.
    folds : int
        Runs of the set; fewer values mean that the contestant had the first ones alone.
    test_share : float
        Test rows over training rows, which several splits share; 0 for one split.
    rows : int
        Rows of the set that were trained on and tested, in the first run.
    train_seconds, train_cpu_seconds : float
        Mean of a run: elapsed, and of all cores.
    column_seconds : float
        The part of them in which columns were made: once, for all that are trained on them.
    ms_per_record : float
        Processor time to score a record in a batch, in milliseconds; elapsed time for AutoGluon.
    installed_mb : float
        The contestant and what it requires, on disk.
    versions : dict of str to str
        Of what the contestant is imported from.
    commit : str
        Of the checkout when the run began, as from `code_commit`; empty if unknown.
    machine : dict
        As from `describe_machine`.
    draws : list of float, default=[]
        The metric for bootstrap draws of the test rows, mean over runs; the draws are those of all contestants on the
        set. Empty for messages, and for rows measured before there were draws.
    """

    set: str
    contestant: str
    columns: str
    metric: str
    values: list[float]
    seeds: list[int]
    folds: int
    test_share: float
    rows: int
    train_seconds: float
    train_cpu_seconds: float
    column_seconds: float
    ms_per_record: float
    installed_mb: float
    versions: dict[str, str]
    commit: str
    machine: dict[str, Any]
    draws: list[float] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies a row."""
        return self.set, self.contestant, self.columns

    @property
    def mean(self) -> float:
        """The mean of the metric."""
        return mean(self.values)

    @property
    def spread(self) -> float:
        """The standard deviation of the metric over runs; 0 for one."""
        return stdev(self.values) if len(self.values) > 1 else 0.0


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
