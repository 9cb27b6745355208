"""The contestants on accounts and events: whole fraudsieve, and each peer on the Handbook's columns and on ours."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.defaults.ours import our_columns
from benchmarks.defaults.sets import Task

from .catboost_peer import fit_catboost
from .handbook_columns import handbook_columns

__all__ = ["COLUMNS", "TABLE_PEERS", "Columns"]

Columns: TypeAlias = Callable[[Task], tuple[pd.DataFrame, pd.DataFrame]]
Fit: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], Any]

COLUMNS: Final[Mapping[str, Columns]] = {"handbook": handbook_columns, "ours": our_columns}
"""What makes the columns of a peer, so that model and features are told apart."""


def _xgboost(X: NDArray[Any], y: NDArray[Any]) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(random_state=0, n_jobs=1).fit(X, y)


def _hist_gradient_boosting(X: NDArray[Any], y: NDArray[Any]) -> Any:
    """A column without a value gets zeros: scikit-learn 1.9 cannot bin it."""
    filled = np.where(np.isnan(X).all(axis=0), 0.0, X)
    return HistGradientBoostingClassifier(random_state=0).fit(filled, y)


_ALL: Final[Mapping[str, Fit]] = {
    "lightgbm": lambda X, y: lgb.LGBMClassifier(n_jobs=1, random_state=0, verbosity=-1).fit(X, y),
    "hist_gradient_boosting": _hist_gradient_boosting,
    "xgboost": _xgboost,
    "catboost": fit_catboost,
}
TABLE_PEERS: Final = {name: fit for name, fit in _ALL.items() if name not in {"xgboost", "catboost"} or find_spec(name)}
"""Those that are installed, with their defaults, by name: called with columns and labels, they return a model."""
