"""Folds and groups of messages and of accounts."""

import numpy as np
import pandas as pd
from benchmarks.data.folds import (
    drawn_splits,
    duplicate_groups,
    folds_of,
    schemes_of,
    shuffled_splits,
    stratified_folds,
)

from tests.benchmarks.detection.test_detection import made_up


def test_folds_keep_groups_whole() -> None:
    table = made_up(campaigns=True)
    groups, contestant_groups = schemes_of(table)["campaign"]
    assert contestant_groups is groups
    folds = list(folds_of(table["label"].to_numpy(dtype=object), groups, repeats=2, folds=3))
    assert [(fold.repeat, fold.number) for fold in folds] == [(r, n) for r in range(2) for n in range(3)]
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.test])
    assert sorted(np.concatenate([fold.test for fold in folds[:3]])) == list(range(90))


def test_users_are_kept_apart_and_contestants_receive_duplicates() -> None:
    table = pd.DataFrame({"text": ["hi", "yes", "HI", "no"], "recipient_id": ["u", "u", "v", "w"]})
    fold_groups, contestant_groups = schemes_of(table)["users"]
    assert (fold_groups.tolist(), contestant_groups.tolist()) == ([0, 0, 1, 2], [0, 1, 0, 2])


def test_duplicates_share_a_group() -> None:
    assert duplicate_groups(["Ｗin  now", "hi", "WIN NOW\n", "win-now"]).tolist() == [0, 1, 0, 2]


def test_folds_share_no_row() -> None:
    y = np.arange(50) % 2
    folds = [
        *stratified_folds(y, folds=5, repeats=2),
        *shuffled_splits(np.arange(50), cut=40, repeats=2),
        *drawn_splits(y, repeats=2),
    ]
    for fold in folds:
        assert not set(fold.train.tolist()) & set(fold.test.tolist())
        assert len(fold.test) == 10
