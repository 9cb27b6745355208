"""Run contestants on sets that the file of results does not have yet."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.columns.default_call import our_columns
from benchmarks.columns.handbook import handbook_columns
from benchmarks.contestants.autogluon import AUTOGLUON, Answer, as_words, call_autogluon
from benchmarks.contestants.contestant import Contestant, FitColumns, FitTexts, contestants_of
from benchmarks.data.folds import Fold
from benchmarks.data.location import MissingDataError
from benchmarks.machine import describe_machine
from benchmarks.runner import progress

from .installed import installed_mb, versions
from .measured import Measured, measure
from .results import RESULTS, Row, append_row, read_rows
from .tasks import CONTEST_SETS, TableSet, TextSet

__all__ = ["ENTRIES", "FRAUDSIEVE", "entries_of", "run_contest", "tables_of"]

FRAUDSIEVE: Final = "fraudsieve"
CONTESTANTS: Final = contestants_of("contest")
ENTRIES: Final = tuple(CONTESTANTS)
COLUMNS: Final = {"handbook": handbook_columns, "ours": our_columns}
"""What makes the columns of a peer, so that model and features are told apart."""
Entry = tuple[str, str]
"""A contestant, and the columns that it is trained on."""


def entries_of(name: str) -> list[Entry]:
    """Return the contestants of a set of `CONTEST_SETS` with their columns, ours first.

    Examples
    --------
    >>> entries_of("uci_sms.grouped")[0], entries_of("s_ffsd")[:3]
    (('fraudsieve', ''), [('fraudsieve', ''), ('lightgbm', 'handbook'), ('lightgbm', 'ours')])
    """
    if "." in name:
        return [(one.name, "") for one in CONTESTANTS.values() if one.fit_texts or one.name == AUTOGLUON]
    whole = [(one.name, "") for one in CONTESTANTS.values() if one.fit_task]
    peers = [one.name for one in CONTESTANTS.values() if one.fit_columns or one.name == AUTOGLUON]
    return [*whole, *((peer, columns) for peer in peers for columns in COLUMNS)]


def run_contest(
    sets: list[str], entries: list[str], *, path: Path = RESULTS, python: Path | None = None, again: bool = False
) -> Iterator[Row]:
    """Measure every contestant of `ENTRIES` that has no row yet (or all `again`), and add its row to the file.

    A row is yielded as soon as it is in the file. `python` is the interpreter of an environment with AutoGluon; None
    leaves AutoGluon out.
    """
    done = {} if again else read_rows(path)
    for name in sets:
        open_entries = [
            entry
            for entry in entries_of(name)
            if entry[0] in entries and (name, *entry) not in done and (entry[0] != AUTOGLUON or python)
        ]
        try:
            of_set = CONTEST_SETS[name]() if open_entries else None
        except MissingDataError as error:
            progress(str(error))
            continue
        for contestant, columns in open_entries:
            assert of_set is not None
            row = _row(name, of_set, CONTESTANTS[contestant], columns, python)
            append_row(row, path)
            yield row


def _row(name: str, of_set: TextSet | TableSet, one: Contestant, columns: str, python: Path | None) -> Row:
    if one.name == AUTOGLUON:
        assert python is not None
        measured, size, installed = _measure_autogluon(of_set, columns, python)
    else:
        size, installed = installed_mb(one.distributions), versions(one.distributions)
        folds = of_set.folds[:1] if one.first_fold_alone else of_set.folds
        measured = _measure(f"{name} {one.name} {columns}".rstrip(), of_set, one, columns, folds)
    rows = len(of_set.folds[0].train) + len(of_set.folds[0].test)
    machine = describe_machine()
    return Row(
        name, one.name, columns, of_set.metric, folds=len(of_set.folds), rows=rows, installed_mb=size,
        versions=installed, machine=machine, **asdict(measured),
    )  # fmt: skip


def _measure(label: str, of_set: TextSet | TableSet, one: Contestant, columns: str, folds: list[Fold]) -> Measured:
    if isinstance(of_set, TextSet):
        assert one.fit_texts is not None
        return measure(label, _on_texts(of_set, one.fit_texts), folds, of_set.value)
    if fit_task := one.fit_task:
        task = of_set.task
        return measure(label, lambda fold: fit_task(task, 0), folds, of_set.value)
    assert one.fit_columns is not None
    start = time.process_time()
    train, test = COLUMNS[columns](of_set.task)
    share = (time.process_time() - start) / (len(train) + len(test))
    measured = measure(label, _on_columns(of_set, one.fit_columns, train, test), folds, of_set.value)
    spent = share * len(train)
    return replace(
        measured,
        train_seconds=measured.train_seconds + spent,
        train_cpu_seconds=measured.train_cpu_seconds + spent,
        ms_per_record=measured.ms_per_record + 1000 * share,
    )


def _on_texts(of_set: TextSet, fit_texts: FitTexts) -> Callable[[Fold], Callable[[], NDArray[Any]]]:
    def fit(fold: Fold) -> Callable[[], NDArray[Any]]:
        train, test = ([of_set.texts[row] for row in rows] for rows in (fold.train, fold.test))
        fitted = fit_texts(train, of_set.labels[fold.train], of_set.groups[fold.train])
        return lambda: fitted.label(test)

    return fit


def _on_columns(
    of_set: TableSet, fit_columns: FitColumns, train: pd.DataFrame, test: pd.DataFrame
) -> Callable[[Fold], Callable[[], NDArray[Any]]]:
    def fit(fold: Fold) -> Callable[[], NDArray[Any]]:
        fitted = fit_columns(train.to_numpy(np.float64), of_set.task.truth[fold.train].astype(int))
        return lambda: fitted.score(test.to_numpy(np.float64))

    return fit


def _measure_autogluon(
    of_set: TextSet | TableSet, columns: str, python: Path
) -> tuple[Measured, float, dict[str, str]]:
    """Train AutoGluon on the first fold, on all cores, and score its test rows."""
    train, test = tables_of(of_set, columns)
    metric = "f1_macro" if isinstance(of_set, TextSet) else of_set.metric
    answer: Answer = call_autogluon(train, test, metric, python)
    value = of_set.value(of_set.folds[0], answer.predicted)
    per_record = 1000 * answer.score_seconds / len(test)
    measured = Measured([value], answer.train_seconds, answer.train_cpu_seconds, per_record)
    return measured, answer.installed_mb, answer.versions


def tables_of(of_set: TextSet | TableSet, columns: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training rows of the first fold with ``label``, and its test rows, as AutoGluon gets them."""
    fold = of_set.folds[0]
    if isinstance(of_set, TextSet):
        texts = pd.DataFrame({"text": as_words(of_set.texts), "label": of_set.labels})
        return texts.iloc[fold.train], texts.iloc[fold.test][["text"]]
    train, test = COLUMNS[columns](of_set.task)
    return train.assign(label=of_set.task.truth[fold.train].astype(int)), test
