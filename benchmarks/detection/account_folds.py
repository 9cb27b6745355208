"""Rows of an account set to train on and to test on, drawn as in its published protocols."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

__all__ = ["Fold", "Rows", "drawn_splits", "shuffled_splits", "stratified_folds"]

Rows: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """Rows to train on and to test on.

    Parameters
    ----------
    train, test : ndarray of int64
        Rows.
    seeds : tuple of int, default=(0,)
        Seeds of fraudsieve's fits; the peer is not random and is fitted once.
    repeat : int, default=0
        Number of the draw that the fold belongs to.
    """

    train: Rows
    test: Rows
    seeds: tuple[int, ...] = (0,)
    repeat: int = 0


def stratified_folds(y: NDArray[Any], *, folds: int, repeats: int) -> list[Fold]:
    """Draw stratified folds several times.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        Labels.
    folds, repeats : int
        Number of folds, and of draws.

    Returns
    -------
    list of Fold
        The number of the repeat is the seed of the folds and of fraudsieve.
    """
    return [
        Fold(train, test, (repeat,), repeat)
        for repeat in range(repeats)
        for train, test in StratifiedKFold(folds, shuffle=True, random_state=repeat).split(y, y)
    ]


def shuffled_splits(rows: Rows, *, cut: int, repeats: int) -> list[Fold]:
    """Shuffle rows several times, and train on the first of them.

    Parameters
    ----------
    rows : ndarray of int64
        Rows.
    cut : int
        Number of rows to train on.
    repeats : int
        Number of draws.

    Returns
    -------
    list of Fold
        Rows in ascending order.

    Examples
    --------
    >>> [fold] = shuffled_splits(np.array([3, 5, 9]), cut=2, repeats=1)
    >>> len(fold.train), len(fold.test)
    (2, 1)
    """
    orders = [np.random.default_rng(seed).permutation(rows) for seed in range(repeats)]
    return [Fold(np.sort(order[:cut]), np.sort(order[cut:]), (seed,), seed) for seed, order in enumerate(orders)]


def drawn_splits(y: NDArray[Any], *, repeats: int) -> list[Fold]:
    """Draw stratified splits 60/20/20, whose middle part is left out.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        Labels.
    repeats : int
        Number of draws.

    Returns
    -------
    list of Fold
    """
    folds = []
    for seed in range(repeats):
        train, rest = train_test_split(np.arange(len(y)), test_size=0.4, stratify=y, random_state=seed)
        _, test = train_test_split(rest, test_size=0.5, stratify=y[rest], random_state=seed)
        folds.append(Fold(train, test, (seed,), seed))
    return folds
