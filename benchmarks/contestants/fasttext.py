"""fastText on characters if texts are Chinese, else on lower-case words and, if that helps, their parts."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.contestants.contestant import MESSAGES, Contestant, Fitted, Labels, Scores
from benchmarks.contestants.texts import as_lines, is_chinese
from benchmarks.data.folds import Rows, grouped_splits
from benchmarks.machine import one_core
from benchmarks.measures.scores import macro_f1

__all__ = ["CONTESTANTS", "FastText", "FastTextSettings"]

_INNER_FOLDS = 3
# fastText fills one tenth of its input matrix for each thread (DenseMatrix::uniform), and the rest of it, with the
# remainder of the division, stays uninitialised: fewer than 11 threads lose accuracy or end in NaN.
_THREADS = 12
_log = logging.getLogger(__name__)


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
    """Chooses settings by macro-F1 on the first of three inner folds of the training rows that keep groups whole.

    Training runs on one core; with its several threads (see the source) it repeats nearly, not exactly.

    Parameters
    ----------
    dim : int, default=16
        Width. On these data 16 was as good as 50, in less than half the time.
    bucket : int, default=200_000
        Rows for hashed n-grams.
    """

    def __init__(self, *, dim: int = 16, bucket: int = 200_000) -> None:
        self.dim = dim
        self.bucket = bucket

    def fit(self, texts: list[str], y: Labels, groups: Rows) -> Fitted:
        """Choose settings, and fit them on all training rows; labels may have any characters, scores are log-odds."""
        chinese = is_chinese(texts)
        classes, codes = np.unique(y, return_inverse=True)
        lines = as_lines(texts, chinese=chinese)
        settings = self._search(lines, codes, groups, CHINESE_GRID if chinese else SPACED_GRID)
        _log.info("fasttext: %s", settings)
        model = self.train(lines, codes, settings)
        return Fitted(
            lambda others: np.asarray(classes[_predict(model, as_lines(others, chinese=chinese))]),
            lambda others: _log_odds(model, as_lines(others, chinese=chinese)),
        )

    def train(self, lines: list[str], codes: Rows, settings: FastTextSettings) -> Any:
        """Train on prepared lines and classes from 0, on one core; the model's labels are ``__label__0`` and so on."""
        import fasttext

        with tempfile.TemporaryDirectory() as folder, one_core():
            path = Path(folder) / "train.txt"
            rows = (f"__label__{code} {line}\n" for code, line in zip(codes, lines, strict=True))
            path.write_text("".join(rows), encoding="utf-8", newline="\n")
            return fasttext.train_supervised(
                str(path),
                dim=self.dim,
                bucket=self.bucket,
                thread=_THREADS,
                seed=0,
                verbose=0,
                **vars(settings),
            )

    def _search(
        self, lines: list[str], codes: Rows, groups: Rows, grid: Sequence[FastTextSettings]
    ) -> FastTextSettings:
        train, test = next(grouped_splits(codes, groups, folds=_INNER_FOLDS, seed=0))
        train_lines, test_lines = [lines[i] for i in train], [lines[i] for i in test]

        def score(settings: FastTextSettings) -> float:
            model = self.train(train_lines, codes[train], settings)
            return macro_f1(codes[test], _predict(model, test_lines))

        return max(grid, key=score)


def _predict(model: Any, lines: list[str]) -> Rows:
    # A list goes through multilinePredict, which works with NumPy 2.
    predicted, _ = model.predict(lines)
    return np.array([int(labels[0].removeprefix("__label__")) for labels in predicted], dtype=np.intp)


def _log_odds(model: Any, lines: list[str]) -> Scores:
    """Return the log-odds of class 1 of two; 0 for an empty line, for which fastText predicts nothing."""
    labels, chances = model.predict(lines, k=2)
    odds = np.zeros(len(lines))
    for i, (names, values) in enumerate(zip(labels, chances, strict=True)):
        if len(names) == 2:
            by_name = dict(zip(names, values, strict=True))
            odds[i] = np.log(by_name["__label__1"]) - np.log(by_name["__label__0"])
    return odds


CONTESTANTS: Final = (
    Contestant(
        "fasttext",
        ("fasttext-numpy2-wheel", "numpy"),
        MESSAGES,
        needs="fasttext",
        place=20,
        settings="fasttext: dim 16, 200,000 buckets; Chinese: characters, 50 epochs, wordNgrams 3 at lr .5 or 1, "
        "or 2 at lr 1; "
        "else lower-case words, lr .5, wordNgrams 1 or 2, 10 or 25 epochs, parts of words of 2-4 or none; by "
        "macro-F1 on the first of 3 such inner folds. 12 threads on one core (with fewer than 11 it leaves a part "
        "of its weights unset), so it repeats nearly, not exactly.",
        fit_texts=FastText().fit,
    ),
)
