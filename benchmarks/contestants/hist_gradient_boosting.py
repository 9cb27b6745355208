"""Scikit-learn's boosted trees with their defaults; of texts, on singular vectors of TF-IDF: they take none sparse."""

from typing import Any, Final

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.contestants.contestant import Contestant, Fitted, Labels, of_classifier
from benchmarks.contestants.texts import tfidf_vectorizer
from benchmarks.data.folds import Rows

__all__ = ["CONTESTANTS"]

COMPONENTS: Final = 100


def _fit_texts(texts: list[str], y: Labels, groups: Rows) -> Fitted:
    vectors = tfidf_vectorizer()
    counts = vectors.fit_transform(texts)
    svd = TruncatedSVD(min(COMPONENTS, counts.shape[1] - 1), random_state=0)
    model = HistGradientBoostingClassifier(random_state=0).fit(svd.fit_transform(counts), y)
    return of_classifier(model, lambda others: svd.transform(vectors.transform(others)))


def _fit_columns(X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
    """A column without a value gets zeros: scikit-learn 1.9 cannot bin it."""
    filled = np.where(np.isnan(X).all(axis=0), 0.0, X)
    return of_classifier(HistGradientBoostingClassifier(random_state=seed, **settings).fit(filled, y))


CONTESTANTS: Final = (
    Contestant("hist_gradient_boosting", ("scikit-learn",), place=40, fit_texts=_fit_texts, fit_columns=_fit_columns),
)
