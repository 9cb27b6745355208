"""Speed of fits of the text model, and the macro-F1 that they reach, next to scikit-learn's ``LinearSVC``."""

import time
import warnings
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.svm import LinearSVC

from benchmarks.contestants.contestant import OURS
from benchmarks.data.folds import Rows, grouped_splits
from benchmarks.data.location import load_messages
from benchmarks.machine import one_core
from benchmarks.measures.scores import macro_f1
from benchmarks.runner import Bar, Report, progress
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.features.text.codepoints import CodePoints, pack, select_texts
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.features.wording.fit import (
    COUNT_BITS,
    COUNT_MASK,
    COUNT_VALUES,
    NgramCounts,
    count_ngrams,
    fit_text_model,
)

__all__ = ["run"]

Codes: TypeAlias = NDArray[np.int64]
Margins: TypeAlias = NDArray[np.float64]

RATIOS = {"fbs_sms": 1 / 3, "stoneskipping": 1 / 2}
"""The sets, and the largest share of the processor time of ``LinearSVC`` on each."""
MESSAGES = 20_000
FOLDS = 5
C = 3.0
BEHIND = 0.005
_PROTOCOL = (
    "{rows} folded messages of each set (12 classes, 2 classes); the same n-grams are counted beforehand for all. "
    "Trained on four fifths, near-duplicates together, tested on the rest; one core, in turn. Seconds of the processor "
    "from counts to scores of the test messages. sklearn: TfidfTransformer and LinearSVC as it comes; sklearn_loose: "
    "with tol=.1, the tolerance of liblinear itself. C is 3 for all."
)


def run(*, messages: int = MESSAGES) -> Report:
    """Fit ours and the peers on the same n-grams of two sets.

    Parameters
    ----------
    messages : int, default=20_000
        The most messages of a set.

    Returns
    -------
    Report
        Seconds and macro-F1 by set, and ratios of the seconds.
    """
    figures: dict[str, dict[str, float]] = {}
    used = 0
    for dataset in RATIOS:
        table = load_messages(dataset)
        texts = table["text"].iloc[np.linspace(0, len(table) - 1, min(messages, len(table))).astype(np.intp)]
        y = np.unique(table["label"].loc[texts.index].to_numpy(object), return_inverse=True)[1]
        used += len(texts)
        for name, measured in _measure(texts.tolist(), y).items():
            progress(f"{dataset} {name}: {measured['cpu_seconds']:.2f} s, macro-F1 {measured['macro_f1']:.4f}")
            figures.setdefault(name, {}).update({f"{figure}.{dataset}": value for figure, value in measured.items()})
    own = figures.pop(OURS)
    bars = []
    for dataset in RATIOS:
        theirs = figures["sklearn"]
        own[f"ratio_to_sklearn.{dataset}"] = own[f"cpu_seconds.{dataset}"] / theirs[f"cpu_seconds.{dataset}"]
        bars.append(Bar.at_most(f"ratio_to_sklearn.{dataset}", own[f"ratio_to_sklearn.{dataset}"], RATIOS[dataset]))
        name = f"macro_f1.{dataset}"
        bars.append(Bar.at_least(name, own[name], theirs[name] - BEHIND))
    return Report("fits", ", ".join(RATIOS), _PROTOCOL.format(rows=f"{messages:,}"), used, own, figures, bars)


def _measure(texts: list[str], y: Codes) -> dict[str, dict[str, float]]:
    groups, folded = near_duplicate_groups(texts), fold_codes(pack(texts))[0]
    train, test = next(grouped_splits(y, groups, folds=FOLDS, seed=0))
    counts, tested = count_ngrams(folded, 2), select_texts(folded, test)
    fits: dict[str, Callable[[Rows], Margins]] = {
        OURS: lambda rows: _fit_ours(counts, y, rows, tested),
        "sklearn": lambda rows: _fit_svm(counts, y, rows, test, 1e-4),
        "sklearn_loose": lambda rows: _fit_svm(counts, y, rows, test, 0.1),
    }
    found = {}
    with one_core():
        for name, fit in fits.items():
            fit(train[:: max(len(train) // 100, 1)])  # compiles
            start = time.process_time()
            margins = fit(train)
            seconds = time.process_time() - start
            predicted = (margins[:, 0] > 0).astype(int) if margins.shape[1] == 1 else margins.argmax(axis=1)
            found[name] = {"cpu_seconds": seconds, "macro_f1": macro_f1(y[test], predicted)}
    return found


def _fit_ours(counts: NgramCounts, y: Codes, train: Rows, tested: CodePoints) -> Margins:
    classes = tuple(str(code) for code in range(y.max() + 1))
    model = fit_text_model(counts, y, classes, C=C, min_messages=2, random_state=0, rows=train)
    return np.asarray(model.log_odds(tested)[0])


def _fit_svm(counts: NgramCounts, y: Codes, train: Rows, test: Rows, tol: float) -> Margins:
    values, columns = COUNT_VALUES[counts.packed & COUNT_MASK], (counts.packed >> COUNT_BITS).astype(np.int32)
    matrix = sparse.csr_matrix((values, columns, counts.ends), shape=(len(counts), len(counts.buckets)))
    matrix = matrix[:, np.flatnonzero(matrix[train].getnnz(axis=0) > 1)]
    weights = TfidfTransformer()  # counts are sublinear already
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LinearSVC(C=C, tol=tol, random_state=0).fit(weights.fit_transform(matrix[train]), y[train])
    return np.asarray(model.decision_function(weights.transform(matrix[test]))).reshape(len(test), -1)
