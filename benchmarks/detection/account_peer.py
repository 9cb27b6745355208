"""The peer of the account sets: LightGBM with its defaults on plain counts, computed with pandas alone."""

from collections.abc import Callable, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.detection.account_folds import Fold

__all__ = ["PEER", "account_counts", "counts_contestant", "running_counts"]

PEER = "lightgbm_counts"


def running_counts(events: pd.DataFrame) -> pd.DataFrame:
    """Count, for every event, the earlier rows of its account and of its counterparty.

    Parameters
    ----------
    events : DataFrame
        ``account_id``, ``counterparty_id`` and optionally ``amount``, in order of time.

    Returns
    -------
    DataFrame of shape (n_events, n_columns)
        Number of rows and of counterparties (or accounts); with amounts their sum and mean, and the row's own.

    Examples
    --------
    >>> running_counts(pd.DataFrame({"account_id": ["a", "a"], "counterparty_id": ["b", "b"]})).iloc[1].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    is_new = (~events.duplicated(["account_id", "counterparty_id"])).astype(np.int64)
    columns: dict[str, Any] = {}
    for entity in ("account_id", "counterparty_id"):
        earlier = events.groupby(entity).cumcount()
        columns[f"{entity}.n"] = earlier
        columns[f"{entity}.distinct"] = is_new.groupby(events[entity]).cumsum() - is_new
        if "amount" in events:
            total = events.groupby(entity)["amount"].cumsum() - events["amount"]
            columns |= {f"{entity}.sum": total, f"{entity}.mean": total / earlier.where(earlier > 0)}
    if "amount" in events:
        columns["amount"] = events["amount"]
    return pd.DataFrame(columns).astype(np.float64)


def account_counts(events: pd.DataFrame, ids: pd.Series, *, sides: Sequence[str]) -> pd.DataFrame:
    """Count all events of accounts.

    Parameters
    ----------
    events : DataFrame
        ``account_id``, ``counterparty_id`` and ``amount``.
    ids : Series of str
        The accounts.
    sides : sequence of str
        ``account_id`` for sent events, ``counterparty_id`` for received ones.

    Returns
    -------
    DataFrame of shape (n_accounts, n_columns)
        By side the number of events and of other accounts, and the sum and mean of amounts.
    """
    parts = []
    for side in sides:
        other = "counterparty_id" if side == "account_id" else "account_id"
        groups = events.groupby(side)
        part = pd.DataFrame({"n": groups.size(), "distinct": groups[other].nunique()})
        part[["sum", "mean"]] = groups["amount"].agg(["sum", "mean"])
        parts.append(part.reindex(ids).add_prefix(f"{side}.").reset_index(drop=True))
    return pd.concat(parts, axis=1).astype(np.float64)


def counts_contestant(counts: pd.DataFrame, y: NDArray[Any]) -> Callable[[Fold], list[NDArray[np.float64]]]:
    """Return the peer: LightGBM with its defaults, on one core.

    Parameters
    ----------
    counts : DataFrame of shape (n_rows, n_columns)
        Columns of the rows.
    y : ndarray of int, shape (n_rows,)
        Labels.

    Returns
    -------
    callable
        Returns the probabilities of the test rows of a fold, once.
    """
    X = counts.to_numpy(np.float64)

    def run(fold: Fold) -> list[NDArray[np.float64]]:
        model = lgb.LGBMClassifier(n_jobs=1, random_state=0, verbosity=-1).fit(X[fold.train], y[fold.train])
        return [np.asarray(model.predict_proba(X[fold.test]))[:, 1]]

    return run
