"""Two common text classifiers as peers. Each chooses its settings inside the training rows."""

import importlib.util
import logging
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from benchmarks.detection.folds import grouped_splits
from benchmarks.machine import one_core

__all__ = ["FastText", "FitPredict", "FitScores", "LinearSvm", "available_peers", "is_chinese"]

Labels: TypeAlias = NDArray[Any]
Groups: TypeAlias = NDArray[np.intp]
FitPredict: TypeAlias = Callable[[list[str], Labels, Groups, list[str]], Labels]
FitScores: TypeAlias = Callable[[list[str], NDArray[np.bool_], Groups], Callable[[list[str]], NDArray[Any]]]
"""Called with texts, whether each is fraud, and groups; returns a function that scores texts, fraud high."""

_INNER_FOLDS = 3
# fastText fills one tenth of its input matrix for each thread (DenseMatrix::uniform), and the rest of it, with the
# remainder of the division, stays uninitialised: fewer than 11 threads lose accuracy or end in NaN.
_FASTTEXT_THREADS = 12
_log = logging.getLogger(__name__)


class LinearSvm:
    """TF-IDF of character 1-4-grams and a linear SVM, as scikit-learn has them.

    ``C`` and ``sublinear_tf`` are those with the best macro-F1 over three inner folds that keep groups whole.

    Parameters
    ----------
    costs : sequence of float, default=(3.0, 10.0)
        Values of ``C`` to try. 1 was tried on 25 training folds of four sets and never chosen; 0.3 is worse still.
    """

    name = "linear_svm"

    def __init__(self, *, costs: Sequence[float] = (3.0, 10.0)) -> None:
        self.costs = costs

    def fit_predict(
        self, texts_train: list[str], y_train: Labels, groups_train: Groups, texts_test: list[str]
    ) -> Labels:
        """Choose settings on the training rows, fit them on all of these, and label the test rows.

        Parameters
        ----------
        texts_train : list of str of length n_train
            Raw texts.
        y_train : ndarray of shape (n_train,)
            Labels.
        groups_train : ndarray of int of shape (n_train,)
            Groups that inner folds keep whole.
        texts_test : list of str of length n_test
            Raw texts.

        Returns
        -------
        ndarray of shape (n_test,)
            Labels.
        """
        return self.fit_labels(texts_train, y_train, groups_train)(texts_test)

    def fit_labels(
        self, texts_train: list[str], y_train: Labels, groups_train: Groups
    ) -> Callable[[list[str]], Labels]:
        """Choose settings and fit them in the same way, and return what labels texts."""
        model, transform = self._fit(texts_train, y_train, groups_train)
        return lambda texts: np.asarray(model.predict(transform(texts)))

    def fit_scores(
        self, texts_train: list[str], is_fraud: NDArray[np.bool_], groups_train: Groups
    ) -> Callable[[list[str]], NDArray[Any]]:
        """Choose settings and fit them in the same way, and return the margin of fraud as a function of texts.

        Parameters
        ----------
        texts_train : list of str of length n_train
            Raw texts.
        is_fraud : ndarray of bool of shape (n_train,)
            Labels.
        groups_train : ndarray of int of shape (n_train,)
            Groups that inner folds keep whole.

        Returns
        -------
        callable
            Texts of length n to margins of shape (n,).
        """
        model, transform = self._fit(texts_train, is_fraud, groups_train)
        return lambda texts: np.asarray(model.decision_function(transform(texts)))

    def _fit(
        self, texts_train: list[str], y_train: Labels, groups_train: Groups
    ) -> tuple[LinearSVC, Callable[[list[str]], Any]]:
        counter = CountVectorizer(analyzer="char", ngram_range=(1, 4))
        counts = counter.fit_transform(texts_train)
        sublinear, cost = self._search(counts, y_train, groups_train)
        _log.info("linear_svm: sublinear_tf=%s, C=%g", sublinear, cost)
        weights = TfidfTransformer(sublinear_tf=sublinear)
        model = LinearSVC(C=cost, random_state=0).fit(weights.fit_transform(counts), y_train)
        return model, lambda texts: weights.transform(counter.transform(texts))

    def _search(self, counts: Any, y: Labels, groups: Groups) -> tuple[bool, float]:
        scores: Counter[tuple[bool, float]] = Counter()
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
                    scores[sublinear, cost] += f1_score(y[test], model.predict(X_test), average="macro")
        return max(scores, key=scores.__getitem__)


@dataclass(frozen=True)
class FastTextSettings:
    """Settings of fastText, with its names."""

    wordNgrams: int
    epoch: int
    lr: float
    minn: int = 0
    maxn: int = 0


CHINESE_GRID = (FastTextSettings(2, 50, 1.0), FastTextSettings(3, 50, 0.5), FastTextSettings(3, 50, 1.0))
SPACED_GRID = tuple(
    FastTextSettings(n, epoch, 0.5, minn, maxn) for minn, maxn in ((0, 0), (2, 4)) for n in (1, 2) for epoch in (10, 25)
)


class FastText:
    """fastText on characters if texts are Chinese, else on lower-case words and, if that helps, their parts.

    Settings are those with the best macro-F1 on the first of three inner folds that keep groups whole. Training runs
    on one core; with its several threads (see the source) it repeats nearly, not exactly.

    Parameters
    ----------
    dim : int, default=16
        Width. On these data 16 was as good as 50, in less than half the time.
    bucket : int, default=200_000
        Rows for hashed n-grams.
    """

    name = "fasttext"

    def __init__(self, *, dim: int = 16, bucket: int = 200_000) -> None:
        self.dim = dim
        self.bucket = bucket

    def fit_predict(
        self, texts_train: list[str], y_train: Labels, groups_train: Groups, texts_test: list[str]
    ) -> Labels:
        """Choose settings on the training rows, fit them on all of these, and label the test rows.

        Parameters
        ----------
        texts_train : list of str of length n_train
            Raw texts.
        y_train : ndarray of shape (n_train,)
            Labels, with any characters.
        groups_train : ndarray of int of shape (n_train,)
            Groups that inner folds keep whole.
        texts_test : list of str of length n_test
            Raw texts.

        Returns
        -------
        ndarray of shape (n_test,)
            Labels.
        """
        return self.fit_labels(texts_train, y_train, groups_train)(texts_test)

    def fit_labels(
        self, texts_train: list[str], y_train: Labels, groups_train: Groups
    ) -> Callable[[list[str]], Labels]:
        """Choose settings and fit them in the same way, and return what labels texts."""
        chinese = is_chinese(texts_train)
        classes, codes = np.unique(y_train, return_inverse=True)
        model = self._fit(as_lines(texts_train, chinese=chinese), codes, groups_train, chinese=chinese)
        return lambda texts: np.asarray(classes[_predict(model, as_lines(texts, chinese=chinese))])

    def fit_scores(
        self, texts_train: list[str], is_fraud: NDArray[np.bool_], groups_train: Groups
    ) -> Callable[[list[str]], NDArray[Any]]:
        """Choose settings and fit them in the same way, and return the log-odds of fraud as a function of texts.

        Parameters
        ----------
        texts_train : list of str of length n_train
            Raw texts.
        is_fraud : ndarray of bool of shape (n_train,)
            Labels.
        groups_train : ndarray of int of shape (n_train,)
            Groups that inner folds keep whole.

        Returns
        -------
        callable
            Texts of length n to log-odds of shape (n,).
        """
        chinese = is_chinese(texts_train)
        lines = as_lines(texts_train, chinese=chinese)
        model = self._fit(lines, is_fraud.astype(np.intp), groups_train, chinese=chinese)
        return lambda texts: _log_odds(model, as_lines(texts, chinese=chinese))

    def _fit(self, lines: list[str], codes: Groups, groups: Groups, *, chinese: bool) -> Any:
        settings = self._search(lines, codes, groups, CHINESE_GRID if chinese else SPACED_GRID)
        _log.info("fasttext: %s", settings)
        return self.train(lines, codes, settings)

    def train(self, lines: list[str], codes: Groups, settings: FastTextSettings) -> Any:
        """Train a model on prepared lines, on one core.

        Parameters
        ----------
        lines : list of str of length n_lines
            Tokens separated by spaces.
        codes : ndarray of int of shape (n_lines,)
            Classes as numbers from 0.
        settings : FastTextSettings
            The settings.

        Returns
        -------
        fasttext model
            With labels ``__label__0`` and so on.
        """
        import fasttext

        with tempfile.TemporaryDirectory() as folder, one_core():
            path = Path(folder) / "train.txt"
            rows = (f"__label__{code} {line}\n" for code, line in zip(codes, lines, strict=True))
            path.write_text("".join(rows), encoding="utf-8", newline="\n")
            return fasttext.train_supervised(
                str(path),
                dim=self.dim,
                bucket=self.bucket,
                thread=_FASTTEXT_THREADS,
                seed=0,
                verbose=0,
                **vars(settings),
            )

    def _search(
        self, lines: list[str], codes: Groups, groups: Groups, grid: Sequence[FastTextSettings]
    ) -> FastTextSettings:
        train, test = next(grouped_splits(codes, groups, folds=_INNER_FOLDS, seed=0))
        train_lines, test_lines = [lines[i] for i in train], [lines[i] for i in test]

        def score(settings: FastTextSettings) -> float:
            model = self.train(train_lines, codes[train], settings)
            return float(f1_score(codes[test], _predict(model, test_lines), average="macro"))

        return max(grid, key=score)


def available_peers() -> dict[str, FitPredict]:
    """Return the installed peers by name; fastText is an extra."""
    peers: dict[str, FitPredict] = {LinearSvm.name: LinearSvm().fit_predict}
    if importlib.util.find_spec("fasttext") is not None:
        peers[FastText.name] = FastText().fit_predict
    return peers


def is_chinese(texts: Sequence[str]) -> bool:
    """Return whether most letters of the texts are Chinese characters.

    Examples
    --------
    >>> is_chinese(["您的账户 expires"]), is_chinese(["your account 过期"])
    (False, False)
    >>> is_chinese(["您的账户已过期 URL"])
    True
    """
    letters = [char for text in texts for char in text if char.isalpha()]
    return sum("一" <= char <= "鿿" for char in letters) > len(letters) / 2


def as_lines(texts: Sequence[str], *, chinese: bool) -> list[str]:
    """Prepare texts for fastText: tokens separated by spaces, one line each.

    Parameters
    ----------
    texts : sequence of str of length n_texts
        Raw texts.
    chinese : bool
        Whether a token is a character (a space becomes ``_``), or a lower-case word.

    Returns
    -------
    list of str of length n_texts
        Lines.

    Examples
    --------
    >>> as_lines(["贷款 URL"], chinese=True), as_lines(["Win\\nNOW"], chinese=False)
    (['贷 款 _ U R L'], ['win now'])
    """
    if chinese:
        return [" ".join("_" if char.isspace() or char == "\0" else char for char in text) for text in texts]
    return [" ".join(text.replace("\0", " ").lower().split()) for text in texts]


def _predict(model: Any, lines: list[str]) -> Groups:
    # A list goes through multilinePredict, which works with NumPy 2.
    predicted, _ = model.predict(lines)
    return np.array([int(labels[0].removeprefix("__label__")) for labels in predicted], dtype=np.intp)


def _log_odds(model: Any, lines: list[str]) -> NDArray[Any]:
    """Return the log-odds of class 1 of two; 0 for an empty line, for which fastText predicts nothing."""
    labels, chances = model.predict(lines, k=2)
    odds = np.zeros(len(lines))
    for i, (names, values) in enumerate(zip(labels, chances, strict=True)):
        if len(names) == 2:
            by_name = dict(zip(names, values, strict=True))
            odds[i] = np.log(by_name["__label__1"]) - np.log(by_name["__label__0"])
    return odds
