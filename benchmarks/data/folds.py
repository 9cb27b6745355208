"""Training and test rows: duplicates, schemes of messages, and the folds and draws of published protocols."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

__all__ = [
    "Fold",
    "Rows",
    "drawn_splits",
    "duplicate_groups",
    "folds_of",
    "grouped_splits",
    "schemes_of",
    "shuffled_splits",
    "stratified_folds",
]

Rows: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to train on and to test on.

    Parameters
    ----------
    train, test : ndarray of int64
        Positions of the rows.
    seeds : tuple of int, default=(0,)
        Seeds of fraudsieve's fits on accounts; its peer there is not random and is fitted once.
    repeat, number : int, default=0
        The draw that the fold belongs to, and its number in it.
    """

    train: Rows
    test: Rows
    seeds: tuple[int, ...] = (0,)
    repeat: int = 0
    number: int = 0


def duplicate_groups(texts: list[str]) -> Rows:
    """Number the texts in the order of first appearance; those that differ only in case, width or spaces share one.

    Examples
    --------
    >>> duplicate_groups(["Win  NOW", "hello", "win now "]).tolist()
    [0, 1, 0]
    """
    keys = [" ".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in texts]
    return pd.factorize(np.array(keys, dtype=object))[0]


def schemes_of(table: pd.DataFrame) -> dict[str, tuple[Rows, Rows]]:
    """Return the schemes to split messages, each with the groups that no fold may split, and those for contestants.

    With a ``campaign`` column: ``campaign`` and ``random`` (a row is its own group); with a ``recipient_id``:
    ``users``, which are kept apart by the folds alone; else ``grouped`` (exact duplicates together).
    """
    if "campaign" in table:
        campaigns, rows = pd.factorize(table["campaign"])[0], np.arange(len(table))
        return {"campaign": (campaigns, campaigns), "random": (rows, rows)}
    duplicates = duplicate_groups(table["text"].tolist())
    if "recipient_id" in table:
        return {"users": (pd.factorize(table["recipient_id"])[0], duplicates)}
    return {"grouped": (duplicates, duplicates)}


def folds_of(y: NDArray[Any], groups: Rows, *, repeats: int, folds: int) -> Iterator[Fold]:
    """Split the rows into stratified folds that keep groups whole, several times, with the repeat's number as seed."""
    for repeat in range(repeats):
        for number, (train, test) in enumerate(grouped_splits(y, groups, folds=folds, seed=repeat)):
            yield Fold(train, test, (repeat,), repeat, number)


def grouped_splits(y: NDArray[Any], groups: Rows, *, folds: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Split the rows into stratified folds once and keep groups whole; only stratified if no rows share a group."""
    if len(np.unique(groups)) == len(groups):
        yield from StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y)
    else:
        yield from StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(y, y, groups)


def stratified_folds(y: NDArray[Any], *, folds: int, repeats: int) -> list[Fold]:
    """Draw stratified folds several times; the number of the repeat is the seed of the folds and of fraudsieve."""
    return list(folds_of(y, np.arange(len(y)), repeats=repeats, folds=folds))


def shuffled_splits(rows: Rows, *, cut: int, repeats: int) -> list[Fold]:
    """Shuffle rows several times, and train on the first of them; rows are in ascending order.

    Examples
    --------
    >>> [fold] = shuffled_splits(np.array([3, 5, 9]), cut=2, repeats=1)
    >>> len(fold.train), len(fold.test)
    (2, 1)
    """
    orders = [np.random.default_rng(seed).permutation(rows) for seed in range(repeats)]
    return [Fold(np.sort(order[:cut]), np.sort(order[cut:]), (seed,), seed) for seed, order in enumerate(orders)]


def drawn_splits(y: NDArray[Any], *, repeats: int) -> list[Fold]:
    """Draw stratified splits 60/20/20, whose middle part is left out."""
    folds = []
    for seed in range(repeats):
        train, rest = train_test_split(np.arange(len(y)), test_size=0.4, stratify=y, random_state=seed)
        _, test = train_test_split(rest, test_size=0.5, stratify=y[rest], random_state=seed)
        folds.append(Fold(train, test, (seed,), seed))
    return folds
