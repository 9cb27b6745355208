"""The contestant: fraudsieve as a user would call it."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.peers import Groups, Labels
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.features.wording.counts import count_ngrams
from fraudsieve.features.wording.fit import fit_text_model

__all__ = ["NAME", "fit_labels", "fit_predict", "fit_scores", "folded", "wording_scorer"]

NAME = "ours"
LEGITIMATE = "ham"
"""The legitimate class of the sets; one set has none."""
SPEED_ITERATIONS = 5  # hashed labels cannot be learned; a few iterations give weights of the right shape

Scores: TypeAlias = NDArray[np.floating[Any]]
TextScorer: TypeAlias = Callable[[list[str]], Scores]


def fit_predict(texts_train: list[str], y_train: Labels, groups_train: Groups, texts_test: list[str]) -> Labels:
    """Fit features and model on the training rows, and label the test rows.

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
    return fit_labels(texts_train, y_train, groups_train)(texts_test)


def fit_labels(texts_train: list[str], y_train: Labels, groups_train: Groups) -> Callable[[list[str]], Labels]:
    """Fit features and model in the same way, and return what labels texts."""
    features, model = _fit(texts_train, y_train, groups_train)
    return lambda texts: np.asarray(model.predict(features.transform(texts)))


def fit_scores(
    texts_train: list[str], is_fraud: NDArray[np.bool_], groups_train: Groups
) -> Callable[[list[str]], Scores]:
    """Fit features and model on the training rows, and return the probability of fraud as a function of texts.

    Parameters
    ----------
    texts_train : list of str of length n_train
        Raw texts.
    is_fraud : ndarray of bool of shape (n_train,)
        Labels.
    groups_train : ndarray of int of shape (n_train,)
        Groups that out-of-fold features keep whole.

    Returns
    -------
    callable
        Texts of length n to probabilities of shape (n,).
    """
    features, model = _fit(texts_train, np.where(is_fraud, "fraud", LEGITIMATE).astype(object), groups_train)
    fraud = model.classes_.tolist().index("fraud")
    return lambda texts: np.asarray(model.predict_proba(features.transform(texts))[:, fraud])


def _fit(texts: list[str], y: Labels, groups: Groups) -> tuple[Any, Any]:
    """Fit features and model as a training run does, with obfuscated copies."""
    from fraudsieve.features import MessageFeatures
    from fraudsieve.models import FraudClassifier
    from fraudsieve.training.attack.augmentation import augment

    augmented = augment(texts, y != LEGITIMATE)
    y, groups = y[augmented.rows], groups[augmented.rows]
    features = MessageFeatures(legitimate=LEGITIMATE).set_output(transform="pandas")
    return features, FraudClassifier().fit(features.fit_transform(augmented.texts, y, groups=groups), y, groups=groups)


def folded(texts: list[str]) -> list[str]:
    """Fold texts ahead of the timing of the wording scores."""
    return fold_codes(pack(texts))[0].unpack()


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
    classes = tuple(str(code) for code in np.unique(y))
    counts = count_ngrams(pack(texts))
    model = fit_text_model(counts, y, classes, C=1.0, min_messages=2, random_state=0, max_iter=SPEED_ITERATIONS)
    return lambda messages: model.log_odds(pack(messages))[0]
