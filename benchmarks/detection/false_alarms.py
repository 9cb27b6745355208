"""False alarms of a spam filter on ordinary chat: trained on one set, tested on legitimate messages of another."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from benchmarks.contestants.contestant import OURS, FitTexts
from benchmarks.data.folds import duplicate_groups, folds_of
from benchmarks.data.kinds import LEGITIMATE
from benchmarks.runner import Bar, Report, progress

__all__ = ["BOUNDS", "compare_chat"]

RATE = 0.01
BOUNDS = {"recall": 0.93, "flagged": 0.015}
_PROTOCOL = (
    "Trained on {spam}. {folds} stratified folds there that keep exact duplicates together give out-of-fold "
    "scores; the threshold is the score that {rate:.0%} of its legitimate messages exceed, and recall the share of "
    "its spam above it. Then fitted on all of {spam}: flagged is the share of {chat}, real legitimate chat, "
    "above that threshold. Scores: ours is the probability, linear_svm the margin, fasttext the log-odds."
)


def compare_chat(
    spam: pd.DataFrame,
    chat: pd.DataFrame,
    contestants: Mapping[str, FitTexts],
    *,
    names: tuple[str, str] = ("mudou_sms", "nus_sms_zh"),
    folds: int = 5,
) -> Report:
    """Fit every contestant on labelled messages, and compute the share that it flags of legitimate chat."""
    texts, is_spam = spam["text"].tolist(), (spam["label"] != LEGITIMATE).to_numpy()
    groups = duplicate_groups(texts)
    figures: dict[str, dict[str, float]] = {}
    for name, fit in contestants.items():
        scores = np.empty(len(texts))
        for fold in folds_of(is_spam, groups, repeats=1, folds=folds):
            fitted = fit([texts[i] for i in fold.train], is_spam[fold.train], groups[fold.train])
            scores[fold.test] = fitted.score([texts[i] for i in fold.test])
        threshold = np.quantile(scores[~is_spam], 1 - RATE)
        flagged = fit(texts, is_spam, groups).score(chat["text"].tolist()) > threshold
        figures[name] = {"recall": float((scores[is_spam] > threshold).mean()), "flagged": float(flagged.mean())}
        progress(f"{name}: recall {figures[name]['recall']:.4f}, {figures[name]['flagged']:.4f} of the chat flagged")
    own = figures.pop(OURS, {})
    bars = []
    if own:
        bars = [Bar.at_least("recall", own["recall"], BOUNDS["recall"])]
        bars += [Bar.at_most("flagged", own["flagged"], BOUNDS["flagged"])]
    protocol = _PROTOCOL.format(spam=names[0], chat=names[1], folds=folds, rate=RATE)
    return Report("detection", names[1], protocol, len(spam) + len(chat), own, figures, bars)
