"""The contestant on account sets: features and model as a user would declare them, in the same way for all sets."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.detection.account_contest import Contestant
from benchmarks.detection.account_folds import Fold, Rows
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.default_views import default_histories
from fraudsieve.features.history.batch import history_features
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.history.measures import LABEL_MEASURES
from fraudsieve.features.network.declaration import Network
from fraudsieve.models import FraudClassifier

__all__ = [
    "FEW_FRAUDS",
    "MANY_FRAUDS",
    "account_history",
    "account_network",
    "event_history",
    "event_labels",
    "graph_profiles",
    "ours_contestant",
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

    Parameters
    ----------
    events : DataFrame
        ``account_id``, ``counterparty_id``, ``occurred_at``, optionally ``amount``, and further identifiers (``_id``).
    windows : tuple of str
        Windows of the views.

    Returns
    -------
    DataFrame of shape (n_events, n_columns)
        Computed strictly before the event, except its own amount; without measures of the clock.
    """
    views = default_histories([str(name) for name in events.columns], subject="event")
    views = tuple(replace(view, windows=windows, measures=_without_clock(view)) for view in views)
    features = AccountFeatures(events, subject="event", history=views)
    features.set_output(transform="pandas")
    subjects = events[[name for name in _SUBJECT if name in events]]
    matrix: pd.DataFrame = features.fit_transform(subjects)
    return matrix.drop(columns=["rhythm__hour", "rhythm__weekday"])


def _without_clock(view: History) -> tuple[str, ...]:
    return tuple(measure for measure in view.measures if measure not in _CLOCK)


def event_labels(events: pd.DataFrame, rows: Rows, *, delay: pd.Timedelta) -> pd.DataFrame:
    """Compute label measures of every event's account, counterparty and pair, from the labels of some rows.

    Parameters
    ----------
    events : DataFrame
        ``account_id``, ``counterparty_id``, ``occurred_at`` and ``label``.
    rows : ndarray of int64
        The rows whose labels become known: the training rows.
    delay : Timedelta
        Label delay after the event; a label counts only for later events, so no row uses its own.

    Returns
    -------
    DataFrame of shape (n_events, n_columns)
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
    """Compute the default views of accounts, as of just after their own last event.

    Parameters
    ----------
    events : DataFrame
        ``account_id``, ``counterparty_id``, ``occurred_at`` and ``amount``.
    ids : Series of str
        The accounts; each has an event.
    sides : sequence of str
        ``account_id`` for sent events, ``counterparty_id`` also for received ones.

    Returns
    -------
    DataFrame of shape (n_accounts, n_columns)
    """
    last = pd.concat([events.set_index(side)["occurred_at"] for side in sides]).groupby(level=0).max()
    as_of = last.reindex(ids).to_numpy() + np.timedelta64(1, "us")
    views = default_histories([str(name) for name in events.columns], subject="account")[: len(sides)]
    views = tuple(replace(view, windows=_ACCOUNT_WINDOWS) for view in views)
    subjects = pd.DataFrame({"account_id": ids.to_numpy(), "as_of": as_of})
    return pd.DataFrame(history_features(events, subjects, views), columns=list(history_columns(views)))


def account_network(
    events: pd.DataFrame,
    ids: pd.Series,
    y: NDArray[Any],
    fold: Fold,
    *,
    network: Network,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute the network over all events, with the labels of the training accounts.

    Parameters
    ----------
    events : DataFrame
        ``account_id`` and ``counterparty_id``.
    ids : Series of str
        The accounts.
    y : ndarray of int, shape (n_accounts,)
        Labels; those of the test rows are not used.
    fold : Fold
        The rows to train on and to test on.
    network : Network
        Measures to compute; the prior is replaced by the rate of the training rows.

    Returns
    -------
    train, test : DataFrame
        For a training account from the labels of the other folds of five; for a test account from all.
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
    """Return the profiles of accounts, and the number of other accounts that each is linked to.

    Parameters
    ----------
    profiles : DataFrame
        ``account_id`` and columns of numbers.
    links : DataFrame
        ``account_id`` and ``counterparty_id``.

    Returns
    -------
    DataFrame of shape (n_accounts, n_columns)
    """
    features = AccountFeatures(links, accounts=profiles, history=(), network=Network(labels=False))
    features.set_output(transform="pandas")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There are no times")
        matrix: pd.DataFrame = features.fit_transform(profiles[["account_id"]])
    return matrix[[name for name in matrix if str(name).startswith("profile__") or name == "network__degree"]]


def ours_contestant(
    y: NDArray[Any], matrices: Callable[[Fold], tuple[pd.DataFrame, pd.DataFrame]], settings: Mapping[str, Any]
) -> Contestant:
    """Return fraudsieve as a contestant: `FraudClassifier` on one core.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        Labels.
    matrices : callable
        Returns the columns of the training rows and of the test rows of a fold.
    settings : mapping
        Parameters of the classifier.

    Returns
    -------
    callable
        Returns the probabilities of the test rows of a fold, once per seed.
    """

    def run(fold: Fold) -> list[NDArray[np.float64]]:
        train, test = (matrix.to_numpy(np.float64) for matrix in matrices(fold))
        models = [FraudClassifier(**settings, random_state=seed, n_jobs=1) for seed in fold.seeds]
        return [np.asarray(model.fit(train, y[fold.train]).predict_proba(test))[:, 1] for model in models]

    return run
