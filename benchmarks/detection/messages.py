"""Messages: fraudsieve and the peers on the same folds of every scheme, in turn."""

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from benchmarks.contestants.contestant import OURS, FitTexts, Labels, settings_of
from benchmarks.data.folds import Fold, Rows, folds_of, schemes_of
from benchmarks.measures.paired import paired_figures
from benchmarks.measures.scores import macro_f1
from benchmarks.runner import Bar, Report, progress

__all__ = ["compare", "scheme_bars"]

CLEARLY_AHEAD = 0.01
NOT_BEHIND = 0.005


@dataclass
class _Record:
    """Results of one contestant under one scheme, fold by fold."""

    scores: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def add(self, score: float, seconds: float, cpu_seconds: float) -> None:
        self.scores.append(score)
        self.seconds.append(seconds)
        self.cpu_seconds.append(cpu_seconds)

    def figures(self, scheme: str) -> dict[str, float]:
        """Return means, and the standard deviation of the macro-F1 with more than one fold."""
        found = {
            f"{scheme}.macro_f1": float(np.mean(self.scores)),
            f"{scheme}.seconds_per_fold": float(np.mean(self.seconds)),
            f"{scheme}.cpu_seconds_per_fold": float(np.mean(self.cpu_seconds)),
        }
        if len(self.scores) > 1:
            found[f"{scheme}.macro_f1.std"] = float(np.std(self.scores, ddof=1))
        return found


def compare(
    dataset: str,
    table: pd.DataFrame,
    contestants: Mapping[str, FitTexts],
    *,
    repeats: int = 3,
    folds: int = 5,
    ahead: Sequence[str] = (),
) -> Report:
    """Run every contestant on every fold of every scheme of ``text``, ``label`` and what `schemes_of` reads.

    `repeats` is how often the folds are drawn; on the schemes of `ahead`, ours must be ahead of the better peer.
    Without ours there are only peers.
    """
    figures: dict[str, dict[str, float]] = {name: {} for name in contestants}
    bars: list[Bar] = []
    for scheme, groups in schemes_of(table).items():
        records = _run_scheme(scheme, table, groups, contestants, repeats=repeats, folds=folds)
        for name, measured in _scheme_figures(scheme, records, folds=folds).items():
            figures[name] |= measured
        bars += _bars_of(scheme, figures, ahead=scheme in ahead)
    own = figures.pop(OURS, {})
    protocol = _protocol(contestants, repeats=repeats, folds=folds)
    return Report("detection", dataset, protocol, len(table), own, figures, bars)


def _run_scheme(
    scheme: str,
    table: pd.DataFrame,
    groups: tuple[Rows, Rows],
    contestants: Mapping[str, FitTexts],
    *,
    repeats: int,
    folds: int,
) -> dict[str, _Record]:
    texts, y = table["text"].tolist(), table["label"].to_numpy(dtype=object)
    records = {name: _Record() for name in contestants}
    fold_groups, contestant_groups = groups
    for fold in folds_of(y, fold_groups, repeats=repeats, folds=folds):
        for name, fit in contestants.items():
            score, seconds, cpu_seconds = _run_fold(fold, texts, y, contestant_groups, fit)
            records[name].add(score, seconds, cpu_seconds)
            position = f"{scheme} repeat {fold.repeat + 1}/{repeats} fold {fold.number + 1}/{folds}"
            progress(f"{position} {name}: macro-F1 {score:.4f}, {seconds:.1f} s (CPU {cpu_seconds:.1f} s)")
    return records


def _run_fold(fold: Fold, texts: list[str], y: Labels, groups: Rows, fit: FitTexts) -> tuple[float, float, float]:
    train_texts, test_texts = [texts[i] for i in fold.train], [texts[i] for i in fold.test]
    start, cpu_start = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        # Some classes of these data have fewer members than there are inner folds.
        warnings.filterwarnings("ignore", message="The least populated class")
        predicted = fit(train_texts, y[fold.train], groups[fold.train]).label(test_texts)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    return macro_f1(y[fold.test], predicted), seconds, cpu_seconds


def _scheme_figures(scheme: str, records: Mapping[str, _Record], *, folds: int) -> dict[str, dict[str, float]]:
    figures = {name: record.figures(scheme) for name, record in records.items()}
    scores = {name: np.array(record.scores) for name, record in records.items()}
    for peer in [name for name in scores if OURS in scores and name != OURS]:
        figures[OURS] |= paired_figures(scheme, peer, scores[OURS], scores[peer], folds=folds)
    return figures


def _bars_of(scheme: str, figures: Mapping[str, Mapping[str, float]], *, ahead: bool) -> list[Bar]:
    means = {name: measured[f"{scheme}.macro_f1"] for name, measured in figures.items()}
    own = means.pop(OURS, None)
    if own is None:
        return []
    return scheme_bars(scheme, own, means, ahead=ahead)


def scheme_bars(scheme: str, ours: float, theirs: Mapping[str, float], *, ahead: bool) -> list[Bar]:
    """Check that our macro-F1 is not behind the better peer's by more than .005 and, if `ahead`, is .01 ahead."""
    if not theirs:
        return []
    best = max(theirs.values())
    bars = [Bar.at_least(f"{scheme}.macro_f1", ours, best + CLEARLY_AHEAD)] if ahead else []
    return [*bars, Bar.at_least(f"{scheme}.not_behind", ours, best - NOT_BEHIND)]


def _protocol(contestants: Mapping[str, FitTexts], *, repeats: int, folds: int) -> str:
    sentences = [
        f"{folds} stratified folds, {repeats} repeats (shuffled, seeds from 0); campaign, users and grouped keep "
        "campaigns, recipients or exact duplicates (after NFKC, case folding and collapsed spaces) together, random "
        "does not.",
        f"In turn on every fold: {', '.join(contestants)}. Macro-F1 is the mean over folds and repeats; seconds "
        "include the choice of settings, fitting and labelling; cpu_seconds add up all cores.",
        "Folds of one repeat share training rows: .se takes them as independent, .se_corrected after Nadeau and "
        "Bengio does not.",
    ]
    return " ".join([*sentences, *settings_of("detection", contestants)])
