"""LightGBM on the singular vectors of TF-IDF: what many teams build first."""

from collections.abc import Callable
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.detection.peers import Groups

__all__ = ["SvdTrees", "tfidf_vectorizer"]


def tfidf_vectorizer(max_features: int = 100_000) -> TfidfVectorizer:
    """Return TF-IDF of the most frequent character 1-4-grams, not yet fitted."""
    return TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, min_df=2, max_features=max_features)


class SvdTrees:
    """TF-IDF of character 1-4-grams, its truncated SVD, and LightGBM with its defaults.

    Parameters
    ----------
    n_components : int, default=100
        Number of singular vectors.
    max_features : int, default=100_000
        Number of n-grams, the most frequent ones.
    n_rounds : int, default=200
        Boosting rounds, at a learning rate of .05.
    """

    name = "lightgbm_svd"

    def __init__(self, *, n_components: int = 100, max_features: int = 100_000, n_rounds: int = 200) -> None:
        self.n_components = n_components
        self.max_features = max_features
        self.n_rounds = n_rounds

    def fit_scores(
        self, texts_train: list[str], is_fraud: NDArray[np.bool_], groups_train: Groups
    ) -> Callable[[list[str]], NDArray[Any]]:
        """Fit on the training rows, and return the log-odds of fraud as a function of texts.

        Parameters
        ----------
        texts_train : list of str of length n_train
            Raw texts.
        is_fraud : ndarray of bool of shape (n_train,)
            Labels.
        groups_train : ndarray of int of shape (n_train,)
            Not used: nothing is chosen.

        Returns
        -------
        callable
            Texts of length n to log-odds of shape (n,).
        """
        vectors = tfidf_vectorizer(self.max_features)
        counts = vectors.fit_transform(texts_train)
        svd = TruncatedSVD(min(self.n_components, counts.shape[1] - 1), random_state=0)
        data = lgb.Dataset(svd.fit_transform(counts), is_fraud.astype(int), params={"verbosity": -1})
        params = {"objective": "binary", "learning_rate": 0.05, "num_threads": 1, "seed": 0, "verbosity": -1}
        booster = lgb.train(params, data, self.n_rounds)
        return lambda texts: np.asarray(booster.predict(svd.transform(vectors.transform(texts)), raw_score=True))
