"""The choice of the settings, by cross-validation over rings: one recipe for all event sets."""

from dataclasses import replace
from itertools import product
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.cases.metrics import b_cubed_of_actions, pairs_of_actions
from benchmarks.cases.ours import FlaggedLinks, link_set
from benchmarks.cases.peers import event_peers
from benchmarks.cases.sets import EVENT_SETS, PROTOCOLS, FlaggedSet, load_events
from benchmarks.runner import Bar, Report, progress
from fraudsieve._typing import Array
from fraudsieve.cases import CaseSettings

__all__ = ["choose_settings"]

FOLDS: Final = 5
GRID: Final = {
    "resolution": (0.0045, 0.006),
    "against": (0.3, 0.4, 0.45, 0.55),
    "same_sender": (0.75, 0.85),
    "closure": (1.67, 2.0),
    "coherence": (0.35, 0.75),
}
METRICS: Final = ("b3.f", "pairwise.f")
ALLOWED: Final = np.array([0.005, 0.0])
"""How far behind the script each metric may be, as the bars say."""
NEAR: Final = 0.001
"""Shortfalls that differ by less are equal."""
PROTOCOL: Final = (
    "Rings are dealt to five folds. For each fold the settings are chosen from a grid by the actions of rings of the "
    "other folds: first those that are behind the script (time_cpm) on no event set by more than the bars allow (.005 "
    "in B-cubed F, 0 in pairwise F), or by least, so that no set pays for another; of these, the largest mean lead. "
    "held_out is their F on the actions of the fold, averaged over folds. chosen: the settings that all rings choose."
)


def choose_settings() -> Report:
    """Choose from a grid, and print what the choice is worth on rings that it has not seen.

    Returns
    -------
    Report
    """
    names = [(name, protocol) for name in EVENT_SETS for protocol in PROTOCOLS[name]]
    sets = [load_events(name, protocol) for name, protocol in names]
    candidates: list[dict[str, Any]] = [dict(zip(GRID, values, strict=True)) for values in product(*GRID.values())]
    folds = [_fold_of(one.rings) for one in sets]
    # F by metric in each fold, and over all rings
    scores = np.empty((len(candidates), len(sets), len(METRICS), FOLDS + 1))
    for k, candidate in enumerate(candidates):
        for m, one in enumerate(sets):
            links = link_set(one, replace(CaseSettings(window_days=one.window_days), **candidate))
            scores[k, m] = _fold_scores(links, links.cases(seed=1), folds[m])
        progress(f"{candidate}: {scores[k, :, :, -1].round(3).tolist()}")
    script = np.stack([_script_scores(one, fold) for one, fold in zip(sets, folds, strict=True)])
    held_out = _held_out(scores, script)
    best = candidates[_choose(scores - script, [FOLDS])]
    figures = {
        f"held_out.{'.'.join(name)}{'' if metric == METRICS[0] else f'.{metric}'}": value
        for name, values in zip(names, held_out, strict=True)
        for metric, value in zip(METRICS, values, strict=True)
    }
    figures |= {f"chosen.{name}": value for name, value in best.items()}
    bars = [Bar.at_least(f"held_out.amlgentex.{protocol}", figures[f"held_out.amlgentex.{protocol}"], 0.72)
            for protocol in ("noisy", "true")]  # fmt: skip
    return Report("cases", "choice", PROTOCOL, sum(len(one.actions) for one in sets), figures, bars=bars)


def _fold_of(rings: pd.Series) -> Array:
    """Deal rings to folds; -1 for an action without a ring."""
    codes = pd.factorize(rings, sort=True)[0]
    dealt = np.random.default_rng(0).permutation(int(codes.max()) + 1) % FOLDS
    return np.where(codes >= 0, dealt[codes], -1)


def _script_scores(flagged: FlaggedSet, fold: Array) -> Array:
    links = link_set(flagged, CaseSettings())
    return _fold_scores(links, event_peers(flagged, seed=1)["time_cpm"], fold)


def _fold_scores(links: FlaggedLinks, cases: Array, fold: Array) -> Array:
    """Return the F of the actions of each fold and of all rings, by metric."""
    precision, recall = b_cubed_of_actions(links.rings, cases)
    fold = pd.Series(fold, links.set.actions["action_id"]).reindex(links.actions.frame["action_id"]).to_numpy()
    masks = [*(fold == k for k in range(FOLDS)), fold >= 0]
    together, in_case, in_ring = pairs_of_actions(links.rings, cases)
    b_cubed = [(precision[mask].mean(), recall[mask].mean()) for mask in masks]
    pairs = [(together[mask].sum() / max(others[mask].sum(), 1) for others in (in_case, in_ring)) for mask in masks]
    return np.array([[2 * p * r / (p + r) for p, r in means] for means in (b_cubed, pairs)])


def _choose(leads: Array, folds: list[int]) -> int:
    """Return the candidate that falls short by least, and of several the one with the largest mean lead."""
    means = leads[..., folds].mean(axis=-1)
    shortfall = np.minimum(means + ALLOWED, 0.0).min(axis=(1, 2))
    return int(np.where(shortfall > shortfall.max() - NEAR, means.mean(axis=(1, 2)), -np.inf).argmax())


def _held_out(scores: Array, script: Array) -> Array:
    """Return, for each set and metric, the mean over folds of the F of the candidate that the other folds choose."""
    values = []
    for fold in range(FOLDS):
        others = [k for k in range(FOLDS) if k != fold]
        values.append(scores[_choose(scores - script, others), ..., fold])
    return np.asarray(np.mean(values, axis=0))
