"""TF-IDF of character 1-4-grams and a linear SVM, as scikit-learn has them."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.svm import LinearSVC

from benchmarks.contestants.contestant import MESSAGES, Contestant, Fitted, Labels
from benchmarks.data.folds import Rows, grouped_splits
from benchmarks.measures.scores import macro_f1

__all__ = ["CONTESTANTS", "LinearSvm"]

_INNER_FOLDS = 3
_log = logging.getLogger(__name__)


class LinearSvm:
    """Chooses ``C`` and ``sublinear_tf`` by macro-F1 over three inner folds that keep groups of training rows whole.

    Parameters
    ----------
    costs : sequence of float, default=(3.0, 10.0)
        Values of ``C`` to try. 1 was tried on 25 training folds of four sets and never chosen; 0.3 is worse still.
    """

    def __init__(self, *, costs: Sequence[float] = (3.0, 10.0)) -> None:
        self.costs = costs

    def fit(self, texts: list[str], y: Labels, groups: Rows) -> Fitted:
        """Choose settings, and fit them on all training rows; scores are margins."""
        counter = CountVectorizer(analyzer="char", ngram_range=(1, 4))
        counts = counter.fit_transform(texts)
        sublinear, cost = self._search(counts, y, groups)
        _log.info("linear_svm: sublinear_tf=%s, C=%g", sublinear, cost)
        weights = TfidfTransformer(sublinear_tf=sublinear)
        model = LinearSVC(C=cost, random_state=0).fit(weights.fit_transform(counts), y)

        def prepare(others: list[str]) -> Any:
            return weights.transform(counter.transform(others))

        return Fitted(
            lambda others: np.asarray(model.predict(prepare(others))),
            lambda others: np.asarray(model.decision_function(prepare(others))),
        )

    def _search(self, counts: Any, y: Labels, groups: Rows) -> tuple[bool, float]:
        scores: dict[tuple[bool, float], float] = defaultdict(float)
        for train, test in grouped_splits(y, groups, folds=_INNER_FOLDS, seed=0):
            # Without n-grams that only the inner test rows have, this is what a TfidfVectorizer would learn.
            present = np.flatnonzero(counts[train].getnnz(axis=0))
            for sublinear in (False, True):
                weights = TfidfTransformer(sublinear_tf=sublinear)
                X_train = weights.fit_transform(counts[train][:, present])
                X_test = weights.transform(counts[test][:, present])
                for cost in self.costs:
                    # liblinear's own tolerance: a third of the time, the same order of settings.
                    model = LinearSVC(C=cost, tol=0.1, random_state=0).fit(X_train, y[train])
                    scores[sublinear, cost] += macro_f1(y[test], model.predict(X_test))
        return max(scores, key=scores.__getitem__)


CONTESTANTS: Final = (
    Contestant(
        "linear_svm",
        ("scikit-learn",),
        MESSAGES,
        place=10,
        settings="linear_svm: TF-IDF of character 1-4-grams, LinearSVC; C 3 or 10 and sublinear_tf on or off, by "
        "macro-F1 over 3 inner folds of the training rows that keep groups whole (tolerance .1 in that search).",
        fit_texts=LinearSvm().fit,
    ),
)
