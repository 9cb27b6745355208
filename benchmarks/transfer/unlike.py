"""`unlike_training` on records like those of training, and on other languages, emoji and random characters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

from benchmarks.data.location import load_messages
from benchmarks.runner import Bar, Report, progress
from benchmarks.sets.table import message_sets_of
from fraudsieve.features import MessageFeatures
from fraudsieve.models import FraudClassifier
from fraudsieve.training.split_model import fit_unlike

__all__ = ["fit_shares", "random_texts", "unlike_sets"]

Shares = NDArray[np.float64]
Texts = Sequence[str] | NDArray[np.object_]

LANGUAGES: Final[Mapping[str, str]] = {name: one.language for name, one in message_sets_of("unlike").items()}
TRAINED_ON: Final = tuple(message_sets_of("unlike_source"))
ROWS, OTHERS = 8000, 1500
LIMIT = 0.99
EMOJI: Final = ("\U0001f44d", "\U0001f600", "\u2764\ufe0f", "\U0001f602\U0001f602", "\U0001f680\U0001f680\U0001f680")
_PROTOCOL = (
    "Text features, fitted on a random half of a set (at most {rows} messages), calibrated on a quarter of it. ks: "
    "Kolmogorov-Smirnov statistic of unlike_training on the last quarter against the uniform distribution; noise: its "
    "critical value at .01, for two samples. above.SET: the share of the messages of SET above {limit}; auc.SET: the "
    "AUC of unlike_training for SET (at most {others} messages) against the last quarter. emoji, random: {emoji} texts "
    "of emoji, 200 texts of 40 characters from U+0000 to U+00FF."
)


def unlike_sets(trained_on: Sequence[str] = TRAINED_ON) -> Report:
    """Measure `unlike_training` of models of the shared sets on each other."""
    figures: dict[str, float] = {}
    bars: list[Bar] = []
    n_rows = 0
    for name in trained_on:
        progress(f"fitting {name}")
        frame = load_messages(name)
        frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))[:ROWS]]
        n_rows += len(frame)
        shares, held_out = fit_shares(frame["text"].to_numpy(object), frame["label"].to_numpy(object))
        noise = 1.63 * np.sqrt(2 / len(held_out))
        figures[f"{name}.ks"], figures[f"{name}.noise"] = float(kstest(held_out, "uniform").statistic), float(noise)
        bars.append(Bar.at_most(f"{name}.ks", figures[f"{name}.ks"], float(noise)))
        for other, texts in _others(name).items():
            values = shares(texts)
            figures[f"{name}.above.{other}"] = float((values > LIMIT).mean())
            truth = np.repeat([0, 1], [len(held_out), len(values)])
            figures[f"{name}.auc.{other}"] = float(roc_auc_score(truth, np.concatenate([held_out, values])))
            if LANGUAGES.get(other, "none") != LANGUAGES[name]:
                bars.append(Bar.at_least(f"{name}.above.{other}", figures[f"{name}.above.{other}"], LIMIT))
    protocol = _PROTOCOL.format(rows=ROWS, others=OTHERS, limit=LIMIT, emoji=len(EMOJI))
    return Report("transfer", "unlike", protocol, n_rows, figures, bars=bars)


def fit_shares(texts: NDArray[np.object_], labels: NDArray[np.object_]) -> tuple[Callable[[Texts], Shares], Shares]:
    """Fit on half of messages in random order, calibrate on a quarter; return the shares, and the last quarter's."""
    n = len(texts)
    train, calibration, test = np.split(np.arange(n), [n // 2, 3 * n // 4])
    features = MessageFeatures(legitimate="ham").set_output(transform="pandas")
    matrix = features.fit_transform(texts[train], labels[train])
    trees = FraudClassifier(n_rounds=1, n_jobs=1).fit(matrix, labels[train]).ensemble_
    unlike = fit_unlike(features.matrix_, trees, matrix, features.transform(texts[calibration]))
    if unlike is None:
        raise ValueError("Expected columns of surprisal and shape, got none.")

    def shares(of: Texts) -> Shares:
        return unlike.apply(features.transform(np.array(of, object)).to_numpy(np.float64))

    return shares, shares(texts[test])


def _others(name: str) -> dict[str, Texts]:
    others: dict[str, Texts] = {}
    for other in LANGUAGES:
        if other != name:
            frame = load_messages(other)
            others[other] = frame["text"].sample(min(OTHERS, len(frame)), random_state=0).to_numpy(object)
    return others | {"emoji": EMOJI, "random": random_texts()}


def random_texts(n: int = 200, length: int = 40) -> list[str]:
    """Return texts of random characters from U+0000 to U+00FF.

    Examples
    --------
    >>> len(random_texts(3)[0])
    40
    """
    codes = np.random.default_rng(0).integers(0, 256, (n, length))
    return ["".join(map(chr, row)) for row in codes.tolist()]
