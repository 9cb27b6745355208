"""S-FFSD: anonymised payments, most of them labelled; time is an order."""

from typing import Final

import numpy as np
import pandas as pd

from benchmarks.columns.counts import running_counts
from benchmarks.columns.declared import MANY_FRAUDS, event_history, with_labels
from benchmarks.data.folds import Fold, Rows, shuffled_splits
from benchmarks.data.kinds import AccountSet, Published, Scheme, Task
from benchmarks.data.location import load_accounts

__all__ = ["SETS", "published"]

_PROTOCOL = (
    "The labelled rows are trained and tested on; the unlabelled ones feed the histories. Time is the order, in "
    "seconds: windows of 100, 1,000 and 10,000 steps and all, no measures of the clock. temporal: the first 80 % of "
    "the labelled rows to train on, {seeds} seeds of ours. random: {seeds} permutations 80/20, one seed of ours each. "
    "Ours in both: default views of sender, receiver and pair, and the labels of earlier training rows of these; in "
    "temporal a label is known only a test period after its event, so that training rows see labels as old as test "
    "rows do. That and the settings won on AUC and AP among labels of sender, receiver and pair, of the receiver, or "
    "none, by 7 or 15 leaves, on three later slices of the training rows (.891 / .474 against .889-.891 / .464-.474: "
    "in effect a tie). Published for random: .846 / .694."
)
_COUNTS = (
    "earlier payments of the sender and of the receiver, with how many others, the sum and mean of their amounts, and "
    "the event's own amount"
)
METRICS: Final = ("roc_auc", "average_precision")


def _labelled(events: pd.DataFrame) -> tuple[Rows, int]:
    """Return the labelled rows, and how many of them are trained on."""
    rows = np.flatnonzero(events["label"] >= 0)
    return rows, int(0.8 * len(rows))


def _task() -> Task:
    """Is this payment fraud? The last fifth of the labelled rows."""
    events = load_accounts("s_ffsd")
    rows, cut = _labelled(events)
    events["label"] = events["label"].astype("Int8").where(events["label"] >= 0)
    protocol = "The first 80 % of the labelled rows to train on, the rest to test on; time is an order, in seconds."
    return Task("event", events, rows[:cut], rows[cut:], protocol)


def published(*, seeds: int = 5) -> Published:
    """Find fraudulent payments, later ones from earlier ones and at random."""
    events = load_accounts("s_ffsd")
    rows, cut = _labelled(events)
    whole = events.rename(columns={"location": "location_id"}).drop(columns=["event_id", "label", "kind"])
    matrix = event_history(whole, ("100s", "1000s", "10000s", "all"))
    temporal = Fold(rows[:cut], rows[cut:], tuple(range(seeds)))
    tested = events["occurred_at"].iloc[temporal.test]
    late = with_labels(events, matrix, pd.Timedelta(tested.max() - tested.min()))
    at_once = with_labels(events, matrix, pd.Timedelta(0))
    shuffled, of_others = shuffled_splits(rows, cut=cut, repeats=seeds), {"roc_auc": 0.846, "average_precision": 0.694}
    schemes = [
        Scheme("temporal", [temporal], late, MANY_FRAUDS, METRICS),
        Scheme("random", shuffled, at_once, MANY_FRAUDS, METRICS, of_others, test_share=0.25),
    ]
    y, text = events["label"].to_numpy(np.int64), _PROTOCOL.format(seeds=seeds)
    return Published(y, running_counts(events), schemes, text, len(rows), _COUNTS)


def _dated_events() -> tuple[pd.DataFrame, str]:
    events = load_accounts("s_ffsd")
    named = events["label"].map({0: "legitimate", 1: "fraud"})
    return events.assign(label=named), "Time is an order, in seconds; unlabelled rows are history."


SETS: Final = (AccountSet("s_ffsd", _task, published, _dated_events, place=3),)
