"""Speed of the message builder: raw text to the whole feature matrix, on one core, next to scikit-learn's hashing."""

from collections.abc import Callable

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from benchmarks.data.location import load_messages
from benchmarks.machine import one_core
from benchmarks.runner import Bar, Report, progress
from benchmarks.speed.timing import medians_in_turn
from fraudsieve.features.cues.matrix import cues_and_shape
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.features.text.pinyin import to_pinyin

__all__ = ["run"]

DATASET = "stoneskipping"
LENGTH = 28
MESSAGES = 50_000
TRAINED = 10_000
ROUNDS = 5
BOUNDS = {"messages_per_second": 100_000.0, "folding_per_second": 500_000.0}
_PROTOCOL = (
    "{rows:,} messages of {length} characters: the file's texts joined and cut. One core; one call to warm up, then "
    "{rounds} rounds in turn, medians. messages: MessageMatrix.compute on Python strings, with the models of wording, "
    "pinyin and characters that MessageFeatures learns from {trained:,} texts of the file (2 classes). folding: "
    "fold_codes on packed texts. The parts are given in microseconds per message. sklearn: HashingVectorizer of "
    "character 1-4-grams, 2**22 columns, on the same strings: n-grams alone, no folding, no model."
)


def run(*, messages: int = MESSAGES, rounds: int = ROUNDS) -> Report:
    """Time the matrix, its parts and the peer.

    Parameters
    ----------
    messages : int, default=50_000
        Number of messages.
    rounds : int, default=5
        Number of rounds.

    Returns
    -------
    Report
        Messages per second.
    """
    table = load_messages(DATASET)
    matrix = _train_matrix(table["text"].tolist(), table["label"].to_numpy(object))
    whole = "".join(table["text"])
    texts = [whole[at : at + LENGTH] for at in range(0, min(messages, len(whole) // LENGTH) * LENGTH, LENGTH)]
    with one_core():
        medians = medians_in_turn(_calls(matrix, texts), rounds=rounds)
    for name, seconds in medians.items():
        progress(f"{name}: {len(texts) / seconds:,.0f} messages per second")
    whole_matrix, peer = medians.pop("messages"), medians.pop("sklearn")
    own = {"messages_per_second": len(texts) / whole_matrix, "folding_per_second": len(texts) / medians["folding"]}
    bars = [Bar.at_least(name, own[name], bound) for name, bound in BOUNDS.items()]
    own |= {f"us_per_message.{name}": seconds / len(texts) * 1e6 for name, seconds in medians.items()}
    own["ratio_to_sklearn"] = whole_matrix / peer
    protocol = _PROTOCOL.format(rows=len(texts), length=LENGTH, rounds=rounds, trained=TRAINED)
    peers = {"sklearn": {"messages_per_second": len(texts) / peer}}
    return Report("messages", DATASET, protocol, len(texts), own, peers, bars)


def _train_matrix(texts: list[str], labels: np.ndarray) -> MessageMatrix:
    rows = np.linspace(0, len(texts) - 1, min(TRAINED, len(texts))).astype(np.intp)
    features = MessageFeatures(legitimate="ham", n_folds=2, n_jobs=1)
    return features.fit([texts[row] for row in rows], labels[rows]).matrix_


def _calls(matrix: MessageMatrix, texts: list[str]) -> dict[str, Callable[[], object]]:
    raw = pack(texts)
    folded = fold_codes(raw)[0]
    pinyin = to_pinyin(folded)
    vectorizer = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=1 << 22)
    calls: dict[str, Callable[[], object]] = {
        "messages": lambda: matrix.compute(texts),
        "packing": lambda: pack(texts),
        "folding": lambda: fold_codes(raw),
        "cues": lambda: cues_and_shape(folded),
        "sklearn": lambda: vectorizer.transform(texts),
    }
    if matrix.wording is not None:
        calls["wording"] = lambda: matrix.wording and matrix.wording.log_odds(folded)
    if matrix.pinyin is not None:
        calls["pinyin"] = lambda: matrix.pinyin and matrix.pinyin.log_odds(pinyin)
    if matrix.characters:
        calls["surprisal"] = lambda: [
            m.surprisal(form) for m, form in zip(matrix.characters, (raw, folded), strict=True)
        ]
    return calls
