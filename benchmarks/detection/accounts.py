"""Published protocols of accounts and events: fraudsieve and a peer on the same folds, in turn."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import lightgbm, ours
from benchmarks.contestants.contestant import OURS, Scores
from benchmarks.data.folds import Fold
from benchmarks.data.kinds import Published, Scheme
from benchmarks.measures.paired import paired_figures
from benchmarks.measures.scores import METRICS
from benchmarks.runner import Bar, Report, progress

__all__ = ["PEER", "compare_accounts", "contest", "contest_bars", "run_scheme"]

PEER = "lightgbm_counts"
Figures: TypeAlias = dict[str, float]
Run: TypeAlias = Callable[[Fold], Sequence[Scores]]
"""Returns the scores of the test rows of a fold, once per seed."""
_PEER = (
    "lightgbm_counts, in turn on the same rows: LightGBM with its defaults (100 trees, 31 leaves) on {counts}; it is "
    "not random, so it runs once per fold. Bars: at least its value on every metric, and the published figure."
)


def compare_accounts(name: str, published: Published) -> Report:
    """Run every scheme of a published protocol."""
    figures: dict[str, Figures] = {OURS: {}, PEER: {}}
    bars: list[Bar] = []
    for scheme in published.schemes:
        found = run_scheme(published, scheme)
        figures = {contestant: figures[contestant] | part for contestant, part in found.items()}
        bars += contest_bars(found, scheme)
    text = published.text
    if published.counts_text:
        text += " " + _PEER.format(counts=published.counts_text)
    return Report("detection", name, text, published.rows, figures.pop(OURS), figures, bars)


def run_scheme(published: Published, scheme: Scheme, *, label: str = "") -> dict[str, Figures]:
    """Run ours and the peer on every fold of a scheme; lines of progress begin with the label, by default its name."""
    y, counts = published.y, published.counts.to_numpy(np.float64)

    def run_ours(fold: Fold) -> list[Scores]:
        train, test = scheme.columns(fold)
        fits = (ours.fit_columns(train, y[fold.train], seed=seed, **scheme.settings) for seed in fold.seeds)
        return [fitted.score(test) for fitted in fits]

    def run_peer(fold: Fold) -> list[Scores]:
        return [lightgbm.fit_columns(counts[fold.train], y[fold.train]).score(counts[fold.test])]

    own = {name: partial(_of_rows, published, name) for name in scheme.metrics}
    return contest(scheme, own, {OURS: run_ours, PEER: run_peer}, label=label)


def _of_rows(published: Published, name: str, fold: Fold, scores: Scores) -> float:
    if name in published.metrics:
        return published.metrics[name](fold.test, scores)
    return METRICS[name](published.y[fold.test], scores)


def contest(
    scheme: Scheme,
    metrics: Mapping[str, Callable[[Fold, Scores], float]],
    runs: Mapping[str, Run],
    *,
    label: str = "",
) -> dict[str, Figures]:
    """Run contestants on every fold in turn.

    Returns the means of each, over folds first and then over repeats, and ``.std`` over repeats or seeds; of ours also
    the difference, if the scheme has a test share.
    """
    blocks_by_name: dict[str, list[NDArray[Any]]] = {name: [] for name in runs}
    for number, fold in enumerate(scheme.folds):
        for name, run in runs.items():
            start = time.perf_counter()
            values = [[metric(fold, scores) for metric in metrics.values()] for scores in run(fold)]
            blocks_by_name[name].append(np.array(values))
            means = zip(metrics, np.mean(values, axis=0), strict=True)
            summary = ", ".join(f"{part} {value:.4f}" for part, value in means)
            position = f"{label or scheme.name} fold {number + 1}/{len(scheme.folds)}".strip()
            progress(f"{position} {name}: {summary}, {time.perf_counter() - start:.1f} s")
    names = [f"{scheme.name}.{metric}".removeprefix(".") for metric in metrics]
    figures = {name: _summary(names, scheme.folds, blocks) for name, blocks in blocks_by_name.items()}
    if scheme.test_share:
        own, theirs = (np.array([block.mean(axis=0) for block in blocks_by_name[name]]) for name in (OURS, PEER))
        folds = round(1 / scheme.test_share) + 1
        for column, name in enumerate(names):
            figures[OURS] |= paired_figures(name, PEER, own[:, column], theirs[:, column], folds=folds)
    return figures


def _summary(names: Sequence[str], folds: Sequence[Fold], blocks: Sequence[NDArray[Any]]) -> Figures:
    """Average the folds of a repeat, seed by seed; then over repeats and seeds."""
    repeats = np.array([fold.repeat for fold in folds])
    runs = [
        np.mean([blocks[i] for i in np.flatnonzero(repeats == repeat).tolist()], axis=0)
        for repeat in np.unique(repeats)
    ]
    values = np.concatenate(runs)
    figures = dict(zip(names, values.mean(axis=0).tolist(), strict=True))
    if len(values) > 1:
        figures |= {f"{name}.std": float(std) for name, std in zip(names, values.std(axis=0, ddof=1), strict=True)}
    return figures


def contest_bars(figures: Mapping[str, Figures], scheme: Scheme) -> list[Bar]:
    """Check fraudsieve against the bounds of a scheme, the peer's value of every metric, and the published values."""
    own, theirs = figures[OURS], figures[PEER]
    names = {metric: f"{scheme.name}.{metric}".removeprefix(".") for metric in scheme.metrics}
    bars = [Bar.at_least(names[metric], own[names[metric]], bound) for metric, bound in scheme.bounds.items()]
    bars += [Bar.at_least(f"{name}.ahead_of_peer", own[name], theirs[name]) for name in names.values()]
    of_others = {names[metric]: value for metric, value in scheme.published.items()}
    return bars + [Bar.at_least(f"{name}.published", own[name], value) for name, value in of_others.items()]
