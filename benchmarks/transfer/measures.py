"""What the scores of one contestant on one target say, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score

from fraudsieve.models.calibration import fit_calibration
from fraudsieve.models.guarantees import allowed_false_positives, draw_of_groups
from fraudsieve.training.attack.recall import strict_threshold
from fraudsieve.training.evaluation.bootstrap import draw_weights
from fraudsieve.training.evaluation.report import calibration_error

__all__ = ["DrawScores", "bootstrap_figures", "figures_of"]

Scores: TypeAlias = NDArray[np.floating[Any]]
Flags: TypeAlias = NDArray[np.bool_]
RATES: Final = {"recall_at_1pct": 0.01, "recall_at_01pct": 0.001}
OWN_RATE: Final = 0.01
LEVEL: Final = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class DrawScores:
    """Scores of one contestant in one draw.

    Parameters
    ----------
    held_back : ndarray of shape (n_held_back,)
        Of the rows of the source that it was not trained on: they set its threshold and its calibration.
    held_back_is_fraud : ndarray of bool of shape (n_held_back,)
        Their labels.
    held_back_groups : ndarray of int of shape (n_held_back,)
        Near-duplicates among them share a number.
    target : ndarray of shape (n_target,)
        Of the target.
    target_is_fraud : ndarray of bool of shape (n_target,)
        Their labels.
    """

    held_back: Scores
    held_back_is_fraud: Flags
    held_back_groups: NDArray[np.int64]
    target: Scores
    target_is_fraud: Flags

    @property
    def own_threshold(self) -> float:
        """The score that 1 % of the source's own legitimate texts exceed."""
        return strict_threshold(self.held_back[~self.held_back_is_fraud], OWN_RATE)

    @property
    def promised_threshold(self) -> float:
        """The score of a point that promises at most 1 % as models of the library do: exceeded by as few near-duplicate
        groups of the source's own legitimate texts as hold with 95 % confidence; infinite if there are too few."""
        legitimate = self.held_back[~self.held_back_is_fraud]
        drawn = np.sort(legitimate[draw_of_groups(self.held_back_groups[~self.held_back_is_fraud])])[::-1]
        allowed = allowed_false_positives(len(drawn), OWN_RATE)
        return float(drawn[allowed]) if allowed >= 0 else float("inf")


def figures_of(draw: DrawScores, years: NDArray[np.int64]) -> dict[str, float]:
    """Compute the figures of one contestant in one draw; the year of a text of the target is 0 if unknown.

    ``recall_at_1pct`` and ``recall_at_01pct`` are at equal false positives on the target's legitimate texts (the first
    also by year), ``flagged`` and ``recall_at_own_1pct`` above the score that 1 % of the source's legitimate texts
    exceed, ``flagged_promised`` and ``recall_promised`` above the score of a point that promises 1 %.

    Examples
    --------
    >>> scores, is_fraud = np.arange(8.0), np.arange(8) >= 4
    >>> figures = figures_of(DrawScores(scores, is_fraud, np.arange(8), scores, is_fraud), np.zeros(8, np.int64))
    >>> figures["recall_at_1pct"], figures["average_precision"], figures["flagged"]
    (1.0, 1.0, 0.0)
    """
    is_fraud, scores = draw.target_is_fraud, draw.target
    thresholds = {name: strict_threshold(scores[~is_fraud], rate) for name, rate in RATES.items()}
    figures = {name: float((scores[is_fraud] > threshold).mean()) for name, threshold in thresholds.items()}
    for year in np.unique(years[is_fraud & (years > 0)]):
        of_year = scores[is_fraud & (years == year)]
        figures[f"recall_at_1pct.{year}"] = float((of_year > thresholds["recall_at_1pct"]).mean())
    figures["average_precision"] = float(average_precision_score(is_fraud, scores))
    figures["roc_auc"] = float(roc_auc_score(is_fraud, scores))
    figures["flagged"] = float((scores[~is_fraud] > draw.own_threshold).mean())
    figures["recall_at_own_1pct"] = float((scores[is_fraud] > draw.own_threshold).mean())
    figures["flagged_promised"] = float((scores[~is_fraud] > draw.promised_threshold).mean())
    figures["recall_promised"] = float((scores[is_fraud] > draw.promised_threshold).mean())
    calibration = fit_calibration(draw.held_back[:, None], draw.held_back_is_fraud.astype(int))
    figures["ece"] = calibration_error(expit(calibration.apply(scores[:, None])[:, 0]), is_fraud)
    return figures


def bootstrap_figures(
    draws: Mapping[str, Sequence[DrawScores]],
    groups: Sequence[NDArray[np.int64]],
    *,
    ours: str,
    replicates: int = 200,
) -> dict[str, dict[str, float]]:
    """Compute 95 % intervals of the recall at equal 1 %, of the share that is flagged, and of the lead over each peer.

    A replicate draws one of the draws and, of its target, as many near-duplicate groups as there are; it is the same
    for all contestants. There is at least one per draw. Names end in ``.low`` and ``.high``.
    """
    per_draw = -(-replicates // len(groups))
    recalls: dict[str, list[float]] = {name: [] for name in draws}
    flagged: dict[str, list[float]] = {name: [] for name in draws}
    for number, of_draw in enumerate(groups):
        for weights in draw_weights(of_draw, per_draw, seed=number):
            for name, of_name in draws.items():
                recall, share = _weighted(of_name[number], weights)
                recalls[name].append(recall)
                flagged[name].append(share)
    figures = {name: _interval("recall_at_1pct", recalls[name]) | _interval("flagged", flagged[name]) for name in draws}
    if ours in draws:
        for peer in [name for name in draws if name != ours]:
            lead = np.array(recalls[ours]) - np.array(recalls[peer])
            figures[ours] |= _interval(f"recall_at_1pct.lead_over_{peer}", lead)
    return figures


def _weighted(draw: DrawScores, weights: NDArray[np.int64]) -> tuple[float, float]:
    """Return the recall at equal 1 % and the share flagged, where each text counts a number of times."""
    is_fraud = draw.target_is_fraud
    legitimate = np.repeat(draw.target[~is_fraud], weights[~is_fraud])
    fraud, times = draw.target[is_fraud], weights[is_fraud]
    if not len(legitimate) or not times.sum():
        return float("nan"), float("nan")
    recall = times[fraud > strict_threshold(legitimate, OWN_RATE)].sum() / times.sum()
    return float(recall), float((legitimate > draw.own_threshold).mean())


def _interval(name: str, values: Any) -> dict[str, float]:
    low, high = np.nanquantile(values, LEVEL)
    return {f"{name}.low": float(low), f"{name}.high": float(high)}
