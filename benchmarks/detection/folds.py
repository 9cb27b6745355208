"""Training and test rows: duplicates, schemes, and the folds of every repeat."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

__all__ = ["Fold", "duplicate_groups", "folds_of", "grouped_splits", "schemes_of"]

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Fold:
    """The rows of one fold of one repeat.

    Parameters
    ----------
    repeat, number : int
        Numbers of the repeat and of the fold, from 0.
    train, test : ndarray of int
        Positions of the rows.
    """

    repeat: int
    number: int
    train: Indices
    test: Indices


def duplicate_groups(texts: list[str]) -> Indices:
    """Number the texts; texts that differ only in case, width or spaces share a number.

    Parameters
    ----------
    texts : list of str of length n_texts
        Raw texts.

    Returns
    -------
    ndarray of int of shape (n_texts,)
        Numbers in the order of first appearance.

    Examples
    --------
    >>> duplicate_groups(["Win  NOW", "hello", "win now "]).tolist()
    [0, 1, 0]
    """
    keys = [" ".join(unicodedata.normalize("NFKC", text).casefold().split()) for text in texts]
    return pd.factorize(np.array(keys, dtype=object))[0]


def schemes_of(table: pd.DataFrame) -> dict[str, tuple[Indices, Indices]]:
    """Return the schemes to split a table, each with the groups of every row: for the folds, and for the contestants.

    Parameters
    ----------
    table : DataFrame
        Messages. With a ``campaign`` column: schemes ``campaign`` and ``random`` (a row is its own group); with a
        ``recipient_id``: ``users``, which are kept apart by the folds alone; else ``grouped`` (exact duplicates
        together).

    Returns
    -------
    dict of str to tuple of ndarray of int of shape (n_messages,)
        By scheme, the groups that no fold may split, and the groups that contestants receive.
    """
    if "campaign" in table:
        campaigns, rows = pd.factorize(table["campaign"])[0], np.arange(len(table))
        return {"campaign": (campaigns, campaigns), "random": (rows, rows)}
    duplicates = duplicate_groups(table["text"].tolist())
    if "recipient_id" in table:
        return {"users": (pd.factorize(table["recipient_id"])[0], duplicates)}
    return {"grouped": (duplicates, duplicates)}


def folds_of(y: NDArray[Any], groups: Indices, *, repeats: int, folds: int) -> Iterator[Fold]:
    """Split the rows into stratified folds, several times, shuffled with the repeat's number as seed.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels.
    groups : ndarray of int of shape (n_rows,)
        Groups that stay whole.
    repeats, folds : int
        Number of repeats and of folds.

    Yields
    ------
    Fold
        Every fold of every repeat.
    """
    for repeat in range(repeats):
        for number, (train, test) in enumerate(grouped_splits(y, groups, folds=folds, seed=repeat)):
            yield Fold(repeat, number, train, test)


def grouped_splits(y: NDArray[Any], groups: Indices, *, folds: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Split the rows into stratified folds once and keep groups whole; only stratified if no rows share a group.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels.
    groups : ndarray of int of shape (n_rows,)
        Groups that stay whole.
    folds : int
        Number of folds.
    seed : int
        Seed of the shuffle.

    Yields
    ------
    (ndarray of int, ndarray of int)
        Positions of the training rows and of the test rows.
    """
    if len(np.unique(groups)) == len(groups):
        yield from StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y)
    else:
        yield from StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(y, y, groups)
