"""Columns of accounts and events as a user would declare them, in the same way for all published protocols."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.folds import Fold, Rows
from benchmarks.data.kinds import Matrices
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.default_views import default_histories
from fraudsieve.features.history.declaration import LABEL_MEASURES, History, history_columns
from fraudsieve.features.history.history_batch import history_features
from fraudsieve.features.network.declaration import Network

__all__ = [
    "FEW_FRAUDS",
    "MANY_FRAUDS",
    "account_history",
    "account_network",
    "event_history",
    "event_labels",
    "graph_profiles",
    "just_after_last",
    "rows_of",
    "with_labels",
    "with_network",
]

# Chosen inside training parts: many small trees with a low learning rate if there are few frauds.
FEW_FRAUDS: Mapping[str, Any] = {
    "n_rounds": 300,
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_leaf_rows": 20,
    "min_leaf_weight": 0.001,
    "feature_fraction": 0.3,
    "row_fraction": 0.8,
    "l2": 1.0,
}
MANY_FRAUDS: Mapping[str, Any] = {
    **FEW_FRAUDS,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_leaf_rows": 50,
    "feature_fraction": 0.6,
}
# If an order replaces time, these would be absolute time.
_CLOCK = ("night", "weekend", "hour_entropy")
_LABELLED: Mapping[str, str | tuple[str, ...]] = {
    "account": "account_id",
    "counterparty": "counterparty_id",
    "pair": ("account_id", "counterparty_id"),
}
_SUBJECT = ("account_id", "counterparty_id", "occurred_at", "amount")
# Windows end with the account's own last event, so none of them reveals the date.
_ACCOUNT_WINDOWS = ("1h", "1d", "7d", "30d", "all")
_NETWORK_WEIGHT = 2.0
_LABEL_WEIGHT = 10.0


def event_history(events: pd.DataFrame, windows: tuple[str, ...]) -> pd.DataFrame:
    """Compute the default views of every event: of its account, its counterparty, and the two together.

    All are strictly before the event, except its own amount; measures of the clock are left out.
    """
    views = default_histories([str(name) for name in events.columns], subject="event")
    views = tuple(
        replace(view, windows=windows, measures=_without_clock(view))
        for view in views
        if {*view.entities} <= {*_SUBJECT}
    )
    features = AccountFeatures(events, subject="event", history=views)
    features.set_output(transform="pandas")
    subjects = events[[name for name in _SUBJECT if name in events]]
    matrix: pd.DataFrame = features.fit_transform(subjects)
    return matrix.drop(columns=["rhythm__hour", "rhythm__weekday"])


def _without_clock(view: History) -> tuple[str, ...]:
    return tuple(measure for measure in view.measures if measure not in _CLOCK)


def event_labels(events: pd.DataFrame, rows: Rows, *, delay: pd.Timedelta) -> pd.DataFrame:
    """Compute label measures of every event's account, counterparty and pair, from the labels of the training rows.

    A label becomes known `delay` after its event and counts only for later events, so no row uses its own.
    """
    labelled = events.iloc[rows]
    labels = labelled[["account_id", "counterparty_id"]].assign(
        labelled_at=labelled["occurred_at"] + delay, is_fraud=labelled["label"].astype(np.float64)
    )
    prior = (float(labels["is_fraud"].mean()), _LABEL_WEIGHT)
    views = [
        History(("all",), entity=of, measures=LABEL_MEASURES, prior=prior, name=name) for name, of in _LABELLED.items()
    ]
    return pd.DataFrame(history_features(events, None, views, labels=labels), columns=list(history_columns(views)))


def account_history(events: pd.DataFrame, ids: pd.Series, *, sides: Sequence[str]) -> pd.DataFrame:
    """Compute the default views of accounts, each with an event, as of just after their own last one.

    `sides` are ``account_id`` for sent events, and ``counterparty_id`` also for received ones.
    """
    views = default_histories([str(name) for name in events.columns], subject="account")[: len(sides)]
    views = tuple(replace(view, windows=_ACCOUNT_WINDOWS) for view in views)
    subjects = pd.DataFrame({"account_id": ids.to_numpy(), "as_of": just_after_last(events, ids, sides)})
    return pd.DataFrame(history_features(events, subjects, views), columns=list(history_columns(views)))


def just_after_last(events: pd.DataFrame, ids: pd.Series, sides: Sequence[str]) -> NDArray[np.datetime64]:
    """Return the moment just after the last event of each account, on any of the sides."""
    last = pd.concat([events.set_index(side)["occurred_at"] for side in sides]).groupby(level=0).max()
    return np.asarray(last.reindex(ids).to_numpy() + np.timedelta64(1, "us"))


def account_network(
    events: pd.DataFrame,
    ids: pd.Series,
    y: NDArray[Any],
    fold: Fold,
    *,
    network: Network,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute the network over all events, with the labels of the training accounts; those of the test are not used.

    Columns of a training account are from the labels of the other folds of five, of a test account from all. The prior
    is the rate of the training rows.
    """
    train, test = (pd.DataFrame({"account_id": ids.iloc[rows].to_numpy()}) for rows in (fold.train, fold.test))
    features = AccountFeatures(
        events[["account_id", "counterparty_id"]],
        account_labels=train.assign(is_fraud=y[fold.train]),
        history=(),
        network=replace(network, prior=(float(y[fold.train].mean()), _NETWORK_WEIGHT)),
    ).set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There are no times")  # left out on purpose
        return features.fit_transform(train), features.transform(test)


def graph_profiles(profiles: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Return the profiles of accounts, and the number of other accounts that each is linked to."""
    features = AccountFeatures(links, accounts=profiles, history=(), network=Network(labels=False))
    features.set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There are no times")
        matrix: pd.DataFrame = features.fit_transform(profiles[["account_id"]])
    return matrix[[name for name in matrix if str(name).startswith("profile__") or name == "network__degree"]]


def rows_of(matrix: pd.DataFrame) -> Callable[[Fold], Matrices]:
    """Return the rows of columns that use no labels and so are the same for every fold."""
    X = matrix.to_numpy(np.float64)
    return lambda fold: (X[fold.train], X[fold.test])


def with_labels(events: pd.DataFrame, matrix: pd.DataFrame, delay: pd.Timedelta) -> Callable[[Fold], Matrices]:
    """Return columns of events with label measures from the training rows of a fold."""

    def columns(fold: Fold) -> Matrices:
        return rows_of(pd.concat([matrix, event_labels(events, fold.train, delay=delay)], axis=1))(fold)

    return columns


def with_network(
    events: pd.DataFrame, ids: pd.Series, y: NDArray[Any], sides: Sequence[str], network: Network
) -> Callable[[Fold], Matrices]:
    """Return columns of accounts with the network that the labels of the training rows of a fold give."""
    history = account_history(events, ids, sides=sides)

    def columns(fold: Fold) -> Matrices:
        parts = zip((fold.train, fold.test), account_network(events, ids, y, fold, network=network), strict=True)
        train, test = (
            np.hstack([part.to_numpy(np.float64) for part in (history.iloc[rows], links)]) for rows, links in parts
        )
        return train, test

    return columns
