"""CatBoost with its defaults and with early stopping, on one core; the time in which it grows trees has a limit."""

import time
from typing import Any, Final

import pandas as pd

from benchmarks.contestants.contestant import Contestant, Fitted, Labels, of_classifier
from benchmarks.contestants.early import PATIENCE, Part, stop_early
from benchmarks.contestants.texts import as_lines, is_chinese
from benchmarks.data.folds import Rows

__all__ = ["CATBOOST", "CATBOOST_EARLY", "COLUMN_MINUTES", "CONTESTANTS", "MINUTES", "TimeLimit"]

CATBOOST: Final = "catboost"
CATBOOST_EARLY: Final = "catboost_early"
MINUTES: Final = 15
"""Processor time that CatBoost may take to train on a fold of texts: its thousand trees took longer on some sets."""
COLUMN_MINUTES: Final = 2
"""The same on columns, for a seed; with early stopping, half of it for the search of the number of trees."""


class TimeLimit:
    """A callback of CatBoost that ends its training when the time is over; the trees so far are the model.

    `seconds` are processor time of this process, from now on.

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


def _fit_texts(texts: list[str], y: Labels, groups: Rows) -> Fitted:
    """Take the text as a text feature; CatBoost splits at spaces, so Chinese is spaced out."""
    chinese = is_chinese(texts)

    def prepare(batch: list[str]) -> pd.DataFrame:
        return pd.DataFrame({"text": as_lines(batch, chinese=True) if chinese else batch})

    fit = {"text_features": ["text"], "callbacks": [TimeLimit(60 * MINUTES)]}
    return of_classifier(_model(0).fit(prepare(texts), y, **fit), prepare)


def _fit_columns(X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
    return of_classifier(_model(seed, **settings).fit(X, y, callbacks=[TimeLimit(60 * COLUMN_MINUTES)]))


def _choose(others: Part, held_back: Part, seed: int) -> dict[str, Any]:
    """Choose the number of trees; the learning rate that CatBoost derived for the search stays that of the fit."""
    model, limit = _model(seed, early_stopping_rounds=PATIENCE), TimeLimit(60 * COLUMN_MINUTES / 2)
    model.fit(*others, eval_set=held_back, callbacks=[limit])
    return {"iterations": model.get_best_iteration() + 1, "learning_rate": model.learning_rate_}


def _model(seed: int, **settings: Any) -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False, **settings)


CONTESTANTS: Final = (
    Contestant(
        CATBOOST,
        ("catboost",),
        needs="catboost",
        place=60,
        first_fold_alone=True,
        fit_texts=_fit_texts,
        fit_columns=_fit_columns,
    ),
    Contestant(CATBOOST_EARLY, ("catboost",), needs="catboost", place=61, fit_early=stop_early(_choose, _fit_columns)),
)
