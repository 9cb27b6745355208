"""Speed of the wording scores: folded text to the log-odds of every class, against fastText and scikit-learn."""

import importlib.util
import time
import warnings
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.svm import LinearSVC

from benchmarks.contestants.contestant import OURS, Scores
from benchmarks.contestants.fasttext import FastText, FastTextSettings
from benchmarks.contestants.texts import as_lines
from benchmarks.data.location import load_messages
from benchmarks.runner import Bar, Report, progress
from benchmarks.speed.timing import medians_in_turn
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.features.wording.fit import count_ngrams, fit_text_model

__all__ = ["run", "wording_scorer"]

Codes: TypeAlias = NDArray[np.intp]
Maker: TypeAlias = Callable[[list[str], Codes], Callable[[], object]]

DATASET = "stoneskipping"
MESSAGES = 20_000
ROUNDS = 7
ITERATIONS = 5  # hashed labels cannot be learned; a few iterations give weights of the right shape
RATIO_TO_FASTTEXT = {2: 0.2, 14: 0.4}
_PROTOCOL = (
    "{rows:,} messages, evenly spaced over the file (its first rows have only one class), scored by models fitted on "
    "them; 2 classes are the labels, 14 classes are a hash of the row's number, which is useful for speed only. One "
    "core, one call to warm up, then {rounds} rounds in turn, medians; loading, fitting and compiling are not "
    "included, and are reported separately (seconds_to_ready: fitting and the first call). Texts are folded and, for "
    "fastText, separated by spaces beforehand. fasttext: model.predict on the list, characters, wordNgrams 3, dim "
    "{dim}, 200,000 buckets. sklearn: HashingVectorizer of character 1-4-grams and LinearSVC.decision_function."
)


def run(*, messages: int = MESSAGES, rounds: int = ROUNDS) -> Report:
    """Time all contestants with 2 and with 14 classes.

    Parameters
    ----------
    messages : int, default=20_000
        Number of messages.
    rounds : int, default=7
        Number of rounds.

    Returns
    -------
    Report
        Microseconds per message and ratios.
    """
    table = load_messages(DATASET)
    rows = np.linspace(0, len(table) - 1, min(messages, len(table))).astype(np.intp)
    texts = fold_codes(pack(table["text"].iloc[rows].tolist()))[0].unpack()
    labels = np.unique(table["label"].iloc[rows].to_numpy(dtype=object), return_inverse=True)[1]
    figures: dict[str, dict[str, float]] = {}
    for classes, y in ((2, labels), (14, _hashed_labels(len(texts), 14))):
        for name, measured in _measure(texts, y, classes, rounds=rounds).items():
            figures.setdefault(name, {}).update(measured)
    own = _with_ratios(figures)
    protocol = _PROTOCOL.format(rows=len(texts), rounds=rounds, dim=FastText().dim)
    return Report("wording", DATASET, protocol, len(texts), own, figures, _bars(own))


def _measure(texts: list[str], y: Codes, classes: int, *, rounds: int) -> dict[str, dict[str, float]]:
    calls: dict[str, Callable[[], object]] = {}
    ready: dict[str, float] = {}
    for name, make in _makers().items():
        start = time.perf_counter()
        try:
            calls[name] = make(texts, y)
        except NotImplementedError as error:
            progress(f"{name} is left out: {error}")
            continue
        calls[name]()
        ready[name] = time.perf_counter() - start
        progress(f"{name}, {classes} classes: ready after {ready[name]:.1f} s")
    medians = medians_in_turn(calls, rounds=rounds)
    return {name: _figures(medians[name] / len(texts) * 1e6, ready[name], classes) for name in calls}


def _figures(us_per_message: float, seconds_to_ready: float, classes: int) -> dict[str, float]:
    figures = {f"us_per_message.{classes}": us_per_message, f"seconds_to_ready.{classes}": seconds_to_ready}
    return figures | {"us_per_message": us_per_message} if classes == 2 else figures


def _with_ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    own = figures.pop(OURS, {})
    for peer, theirs in figures.items():
        for classes in (2, 14):
            name = f"us_per_message.{classes}"
            if name in own:
                own[f"ratio_to_{peer}.{classes}"] = own[name] / theirs[name]
    return own


def _bars(own: Mapping[str, float]) -> list[Bar]:
    bounds = {f"ratio_to_fasttext.{classes}": bound for classes, bound in RATIO_TO_FASTTEXT.items()}
    return [Bar.at_most(f"wording.{name}", own[name], bound) for name, bound in bounds.items() if name in own]


def _makers() -> dict[str, Maker]:
    makers: dict[str, Maker] = {OURS: _ours, "fasttext": _fasttext, "sklearn": _sklearn}
    if importlib.util.find_spec("fasttext") is None:
        progress("fastText is left out: it is not installed (pip install 'fraudsieve[bench]').")
        del makers["fasttext"]
    return makers


def _ours(texts: list[str], y: Codes) -> Callable[[], object]:
    scorer = wording_scorer(texts, y)
    return lambda: scorer(texts)


def wording_scorer(texts: list[str], y: Codes) -> Callable[[list[str]], Scores]:
    """Learn the wording scores of folded texts: log-odds of every class, or of one of two."""
    classes = tuple(str(code) for code in np.unique(y))
    counts = count_ngrams(pack(texts))
    model = fit_text_model(counts, y, classes, C=1.0, min_messages=2, random_state=0, max_iter=ITERATIONS)
    return lambda messages: model.log_odds(pack(messages))[0]


def _fasttext(texts: list[str], y: Codes) -> Callable[[], object]:
    lines = as_lines(texts, chinese=True)
    model: Any = FastText().train(lines, y, FastTextSettings(wordNgrams=3, epoch=5, lr=0.5))
    return lambda: model.predict(lines)


def _sklearn(texts: list[str], y: Codes) -> Callable[[], object]:
    vectorizer = HashingVectorizer(analyzer="char", ngram_range=(1, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LinearSVC(max_iter=ITERATIONS, random_state=0).fit(vectorizer.transform(texts), y)
    return lambda: model.decision_function(vectorizer.transform(texts))


def _hashed_labels(rows: int, classes: int) -> Codes:
    return np.array([zlib.crc32(str(row).encode()) % classes for row in range(rows)], dtype=np.intp)
