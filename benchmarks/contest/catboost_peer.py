"""CatBoost with its defaults on one core, and a limit on the time in which it grows trees."""

import time
from typing import Any, Final

__all__ = ["CATBOOST", "MINUTES", "TimeLimit", "fit_catboost"]

CATBOOST: Final = "catboost"
MINUTES: Final = 15
"""Processor time that CatBoost may take to train on a fold: its thousand trees took longer on some sets."""


class TimeLimit:
    """A callback of CatBoost that ends its training when the time is over; the trees so far are the model.

    Parameters
    ----------
    seconds : float
        Processor time of this process, from now on.

    Examples
    --------
    >>> TimeLimit(60).after_iteration(None), TimeLimit(0).after_iteration(None)
    (True, False)
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.process_time() + seconds

    def after_iteration(self, info: object) -> bool:
        """Return whether to grow another tree."""
        return time.process_time() < self._end


def fit_catboost(X: Any, y: Any, **columns: Any) -> Any:
    """Train CatBoost.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_columns)
        The columns.
    y : ndarray of shape (n_rows,)
        The labels.
    **columns : list of str
        What CatBoost takes of special columns, such as ``text_features``.

    Returns
    -------
    CatBoostClassifier
        With fewer trees than its thousand if it took `MINUTES`.
    """
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(random_seed=0, thread_count=1, verbose=False, allow_writing_files=False)
    return model.fit(X, y, **columns, callbacks=[TimeLimit(60 * MINUTES)])
