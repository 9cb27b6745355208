"""CatBoost with its defaults on one core, and a limit on the time in which it grows trees."""

import time
from typing import Any, Final

import pandas as pd

from benchmarks.contestants.contestant import Contestant, Fitted, Labels, of_classifier
from benchmarks.contestants.texts import as_lines, is_chinese
from benchmarks.data.folds import Rows

__all__ = ["CATBOOST", "CONTESTANTS", "MINUTES", "TimeLimit"]

CATBOOST: Final = "catboost"
MINUTES: Final = 15
"""Processor time that CatBoost may take to train on a fold: its thousand trees took longer on some sets."""


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

    return of_classifier(_fit(prepare(texts), y, text_features=["text"]), prepare)


def _fit_columns(X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
    return of_classifier(_fit(X, y, seed=seed, **settings))


def _fit(X: Any, y: Any, *, seed: int = 0, text_features: list[str] | None = None, **settings: Any) -> Any:
    from catboost import CatBoostClassifier

    fixed: dict[str, Any] = {"thread_count": 1, "verbose": False, "allow_writing_files": False}
    model = CatBoostClassifier(random_seed=seed, **fixed, **settings)
    return model.fit(X, y, text_features=text_features, callbacks=[TimeLimit(60 * MINUTES)])


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
)
