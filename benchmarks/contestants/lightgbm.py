"""LightGBM as it comes and with early stopping, on columns; and on singular vectors of TF-IDF, as many teams do."""

from typing import Any, Final

import lightgbm as lgb
import numpy as np
from sklearn.decomposition import TruncatedSVD

from benchmarks.contestants.contestant import Contestant, Fitted, Labels, Scores, of_classifier
from benchmarks.contestants.early import MOST_ROUNDS, PATIENCE, Part, stop_early
from benchmarks.contestants.texts import tfidf_vectorizer
from benchmarks.data.folds import Rows

__all__ = ["CONTESTANTS", "SvdTrees", "fit_columns"]


def fit_columns(X: Any, y: Labels, *, seed: int = 0, **settings: Any) -> Fitted:
    """Fit LightGBM with its defaults, but for the settings, on one core."""
    return of_classifier(lgb.LGBMClassifier(n_jobs=1, random_state=seed, verbosity=-1, **settings).fit(X, y))


def _choose(others: Part, held_back: Part, seed: int) -> dict[str, Any]:
    params = {"objective": "binary", "num_threads": 1, "seed": seed, "verbosity": -1}
    data = lgb.Dataset(*others, params=params)
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    booster = lgb.train(params, data, MOST_ROUNDS, [data.create_valid(*held_back)], callbacks=[stop])
    return {"n_estimators": booster.best_iteration}


class SvdTrees:
    """TF-IDF of character 1-4-grams, its truncated SVD, and LightGBM with its defaults; nothing is chosen.

    Parameters
    ----------
    n_components : int, default=100
        Number of singular vectors.
    n_rounds : int, default=200
        Boosting rounds, at a learning rate of .05.
    """

    def __init__(self, *, n_components: int = 100, n_rounds: int = 200) -> None:
        self.n_components = n_components
        self.n_rounds = n_rounds

    def fit(self, texts: list[str], y: Labels, groups: Rows) -> Fitted:
        """Fit two classes, the second of which is fraud; scores are log-odds."""
        vectors = tfidf_vectorizer()
        counts = vectors.fit_transform(texts)
        svd = TruncatedSVD(min(self.n_components, counts.shape[1] - 1), random_state=0)
        classes, codes = np.unique(y, return_inverse=True)
        data = lgb.Dataset(svd.fit_transform(counts), codes, params={"verbosity": -1})
        params = {"objective": "binary", "learning_rate": 0.05, "num_threads": 1, "seed": 0, "verbosity": -1}
        booster = lgb.train(params, data, self.n_rounds)

        def score(others: list[str]) -> Scores:
            return np.asarray(booster.predict(svd.transform(vectors.transform(others)), raw_score=True))

        return Fitted(lambda others: classes[(score(others) > 0).astype(int)], score)


CONTESTANTS: Final = (
    Contestant("lightgbm", ("lightgbm",), place=35, fit_columns=fit_columns),
    Contestant("lightgbm_early", ("lightgbm",), place=36, fit_early=stop_early(_choose, fit_columns)),
    Contestant(
        "lightgbm_svd", ("lightgbm", "scikit-learn"), frozenset({"transfer"}), place=30, fit_texts=SvdTrees().fit
    ),
)
