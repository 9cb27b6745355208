"""The contestant: fraudsieve as a user would call it."""

import unicodedata
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import Groups, Labels

__all__ = ["NAME", "fit_predict", "folded", "wording_scorer"]

NAME = "ours"

Scores: TypeAlias = NDArray[np.floating[Any]]


def fit_predict(texts_train: list[str], y_train: Labels, groups_train: Groups, texts_test: list[str]) -> Labels:
    """Fit features and model on the training rows, label the test rows.

    Parameters
    ----------
    texts_train : list of str of length n_train
        Raw texts.
    y_train : ndarray of shape (n_train,)
        Labels.
    groups_train : ndarray of int of shape (n_train,)
        Groups that out-of-fold features keep whole.
    texts_test : list of str of length n_test
        Raw texts.

    Returns
    -------
    ndarray of shape (n_test,)
        Labels.
    """
    from fraudsieve.features import MessageFeatures
    from fraudsieve.models import FraudClassifier

    features = MessageFeatures(random_state=0)
    X_train = features.fit_transform(texts_train, y_train, groups=groups_train)
    model = FraudClassifier(random_state=0).fit(X_train, y_train)
    return np.asarray(model.predict(features.transform(texts_test)))


def folded(texts: list[str]) -> list[str]:
    """Fold texts ahead of the timing of the wording scores; for now compatibility forms and case alone."""
    return [unicodedata.normalize("NFKC", text).casefold() for text in texts]


def wording_scorer(texts: list[str], y: Groups) -> Callable[[list[str]], Scores]:
    """Learn the wording scores.

    Parameters
    ----------
    texts : list of str of length n_texts
        Folded texts.
    y : ndarray of int of shape (n_texts,)
        Classes as numbers from 0.

    Returns
    -------
    callable
        Folded texts of length n to log-odds of shape (n, n_classes), or (n,) for two classes.
    """
    raise NotImplementedError("The wording kernel is not wired into the benchmark yet.")
