"""XGBoost with its defaults, and with early stopping; of texts, on TF-IDF of character n-grams."""

from typing import Any, Final

import numpy as np
from scipy import sparse

from benchmarks.contestants.contestant import Contestant, Fitted, Labels, of_classifier
from benchmarks.contestants.early import MOST_ROUNDS, PATIENCE, Part, stop_early
from benchmarks.contestants.texts import tfidf_vectorizer
from benchmarks.data.folds import Rows

__all__ = ["CONTESTANTS"]


def _fit_texts(texts: list[str], y: Labels, groups: Rows) -> Fitted:
    vectors = tfidf_vectorizer()
    classes, codes = np.unique(y, return_inverse=True)
    of_codes = _fit_columns(sparse.csr_matrix(vectors.fit_transform(texts)), codes)
    return Fitted(
        lambda others: np.asarray(classes[of_codes.label(vectors.transform(others))]),
        lambda others: of_codes.score(vectors.transform(others)),
    )


def _fit_columns(X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
    from xgboost import XGBClassifier

    return of_classifier(XGBClassifier(random_state=seed, n_jobs=1, **settings).fit(X, y))


def _choose(others: Part, held_back: Part, seed: int) -> dict[str, Any]:
    from xgboost import XGBClassifier

    model = XGBClassifier(random_state=seed, n_jobs=1, n_estimators=MOST_ROUNDS, early_stopping_rounds=PATIENCE)
    model.fit(*others, eval_set=[held_back], verbose=False)
    return {"n_estimators": model.best_iteration + 1}


CONTESTANTS: Final = (
    Contestant(
        "xgboost",
        ("xgboost", "scikit-learn"),
        needs="xgboost",
        place=50,
        fit_texts=_fit_texts,
        fit_columns=_fit_columns,
    ),
    Contestant("xgboost_early", ("xgboost",), needs="xgboost", place=51, fit_early=stop_early(_choose, _fit_columns)),
)
