"""Run contestants on sets that the file of results does not have yet."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.contestants.autogluon import AUTOGLUON, Answer, as_words, call_autogluon
from benchmarks.contestants.contestant import Contestant, FitTexts, contestants_of
from benchmarks.data.folds import Fold
from benchmarks.data.location import MissingDataError
from benchmarks.looks import COMMIT, count_look
from benchmarks.machine import describe_machine
from benchmarks.runner import progress

from .installed import installed_mb, versions
from .measured import Measured, mean_draws, measure
from .results import RESULTS, Row, append_row, read_rows
from .tasks import COLUMNS, CONTEST_SETS, TableSet, TextSet

__all__ = ["ENTRIES", "FRAUDSIEVE", "entries_of", "run_contest", "tables_of"]

FRAUDSIEVE: Final = "fraudsieve"
CONTESTANTS: Final = contestants_of("contest")
ENTRIES: Final = tuple(CONTESTANTS)
Entry = tuple[str, str]
"""A contestant, and the columns that it is trained on."""


def entries_of(name: str) -> list[Entry]:
    """Return the contestants of a set of `CONTEST_SETS` with their columns, ours first.

    Those with early stopping are trained on fraudsieve's columns alone.

    Examples
    --------
    >>> entries_of("uci_sms.grouped")[0], entries_of("s_ffsd")[:3]
    (('fraudsieve', ''), [('fraudsieve', ''), ('lightgbm', 'handbook'), ('lightgbm', 'ours')])
    """
    if "." in name:
        return [(one.name, "") for one in CONTESTANTS.values() if one.fit_texts or one.name == AUTOGLUON]
    whole = [(one.name, "") for one in CONTESTANTS.values() if one.fit_task]
    peers = [one.name for one in CONTESTANTS.values() if one.fit_columns or one.name == AUTOGLUON]
    early = [(one.name, "ours") for one in CONTESTANTS.values() if one.fit_early]
    return [*whole, *((peer, columns) for peer in peers for columns in COLUMNS), *early]


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
            if contestant == FRAUDSIEVE:
                count_look(name, "contest")
            yield row


def _row(name: str, of_set: TextSet | TableSet, one: Contestant, columns: str, python: Path | None) -> Row:
    folds = of_set.folds
    if one.name == AUTOGLUON or (one.first_fold_alone and isinstance(of_set, TextSet)):
        folds = folds[:1]
    if one.name == AUTOGLUON:
        assert python is not None
        measured, size, installed = _measure_autogluon(of_set, columns, python)
    else:
        size, installed = installed_mb(one.distributions), versions(one.distributions)
        measured = _measure(f"{name} {one.name} {columns}".rstrip(), of_set, one, columns, folds)
    first, several = of_set.folds[0], len({fold.number for fold in of_set.folds}) > 1
    return Row(
        name, one.name, columns, of_set.metric, folds=len(of_set.folds), rows=len(first.train) + len(first.test),
        seeds=[fold.seeds[0] for fold in folds], test_share=len(first.test) / len(first.train) if several else 0.0,
        installed_mb=size, versions=installed, commit=COMMIT, machine=describe_machine(), **asdict(measured),
    )  # fmt: skip


def _measure(label: str, of_set: TextSet | TableSet, one: Contestant, columns: str, folds: list[Fold]) -> Measured:
    if isinstance(of_set, TextSet):
        assert one.fit_texts is not None
        return measure(label, _on_texts(of_set, one.fit_texts), folds, of_set)
    if fit_task := one.fit_task:
        splits = of_set.splits
        return measure(label, lambda fold: fit_task(splits[fold.number], fold.seeds[0]), folds, of_set)
    seconds = float(np.mean([of_set.columns(columns, fold.number).seconds for fold in folds]))
    spent = seconds * len(folds[0].train)
    measured = measure(label, _on_columns(of_set, one, columns), folds, of_set)
    return replace(
        measured,
        train_seconds=measured.train_seconds + spent,
        train_cpu_seconds=measured.train_cpu_seconds + spent,
        ms_per_record=measured.ms_per_record + 1000 * seconds,
        column_seconds=spent,
    )


def _on_texts(of_set: TextSet, fit_texts: FitTexts) -> Callable[[Fold], Callable[[], NDArray[Any]]]:
    def fit(fold: Fold) -> Callable[[], NDArray[Any]]:
        train, test = ([of_set.texts[row] for row in rows] for rows in (fold.train, fold.test))
        fitted = fit_texts(train, of_set.labels[fold.train], of_set.groups[fold.train])
        return lambda: fitted.label(test)

    return fit


def _on_columns(of_set: TableSet, one: Contestant, name: str) -> Callable[[Fold], Callable[[], NDArray[Any]]]:
    def fit(fold: Fold) -> Callable[[], NDArray[Any]]:
        columns, seed = of_set.columns(name, fold.number), fold.seeds[0]
        X, y = columns.train.to_numpy(np.float64), of_set.task.truth[fold.train].astype(int)
        if one.fit_early:
            fitted = one.fit_early(X, y, of_set.held_back(fold), seed=seed)
        else:
            assert one.fit_columns is not None
            fitted = one.fit_columns(X, y, seed=seed)
        return lambda: fitted.score(columns.test.to_numpy(np.float64))

    return fit


def _measure_autogluon(
    of_set: TextSet | TableSet, columns: str, python: Path
) -> tuple[Measured, float, dict[str, str]]:
    """Train AutoGluon on the first run, on all cores, and score its test rows."""
    train, test = tables_of(of_set, columns)
    metric = "f1_macro" if isinstance(of_set, TextSet) else of_set.metric
    answer: Answer = call_autogluon(train, test, metric, python)
    first, per_record = of_set.folds[0], 1000 * answer.score_seconds / len(test)
    value, draws = of_set.value(first, answer.predicted), mean_draws([of_set.draws(first, answer.predicted)])
    measured = Measured([value], answer.train_seconds, answer.train_cpu_seconds, per_record, draws=draws)
    return measured, answer.installed_mb, answer.versions


def tables_of(of_set: TextSet | TableSet, columns: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training rows of the first run with ``label``, and its test rows, as AutoGluon gets them."""
    fold = of_set.folds[0]
    if isinstance(of_set, TextSet):
        texts = pd.DataFrame({"text": as_words(of_set.texts), "label": of_set.labels})
        return texts.iloc[fold.train], texts.iloc[fold.test][["text"]]
    made = of_set.columns(columns, fold.number)
    return made.train.assign(label=of_set.task.truth[fold.train].astype(int)), made.test
