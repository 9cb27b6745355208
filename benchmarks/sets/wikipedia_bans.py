"""Edits of Wikipedia, and the bans of editors that followed some of them."""

from typing import Final

import numpy as np
import pandas as pd

from benchmarks.columns.counts import running_counts
from benchmarks.columns.declared import FEW_FRAUDS, event_history, rows_of
from benchmarks.data.folds import Fold, Rows
from benchmarks.data.kinds import AccountSet, Published, Scheme, Task
from benchmarks.data.location import load_accounts

__all__ = ["SETS", "published"]


def _parts(n: int) -> tuple[Rows, Rows]:
    return np.arange(int(0.7 * n)), np.arange(int(0.85 * n), n)


def _task() -> Task:
    """Does this edit get the editor banned? In order of time."""
    events = load_accounts("wikipedia_bans")
    protocol = "Rows in order: the first 70 % to train on, the last 15 % to test on."
    return Task("event", events, *_parts(len(events)), protocol)


def published(*, seeds: int = 5) -> Published:
    """Find the edits that got an editor banned, later edits from earlier ones."""
    events = load_accounts("wikipedia_bans")
    y, n = events["label"].to_numpy(np.int64), len(events)
    fold = Fold(*_parts(n), tuple(range(seeds)))
    matrix = event_history(events.drop(columns=["event_id", "label"]), ("1h", "1d", "7d", "all"))
    settings = {**FEW_FRAUDS, "n_rounds": 150, "min_leaf_weight": 1.0}
    scheme = Scheme("", [fold], rows_of(matrix), settings, ("roc_auc", "average_precision"))
    text = (
        f"Rows in order, the first 70 % to train on, the last 15 % to test on ({int(y[fold.test].sum())} bans), the "
        f"15 % between left out. Ours: seeds 0-{seeds - 1}; default views of editor, page and both, windows of 1h, 1d, "
        "7d and all, no labels as features. Published .878 AUC, with 172 text features that are absent here: no bar."
    )
    counts_text = "earlier edits of the editor and of the page, and the numbers of their pages and editors"
    return Published(y, running_counts(events), [scheme], text, n, counts_text)


def _dated_events() -> tuple[pd.DataFrame, str]:
    events = load_accounts("wikipedia_bans")
    return events.assign(label=events["label"].map({0: "legitimate", 1: "fraud"})), "Edits of 30 days."


SETS: Final = (AccountSet("wikipedia_bans", _task, published, _dated_events, place=2),)
