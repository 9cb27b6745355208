"""Figures of the reviews of one arm and seed: what was found, the truth, and what the labels say of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.training.evaluation.fraud_rows import FraudRows

from .weeks import Traffic, Week

__all__ = ["HALF", "Figures", "over_seeds", "quality_figures", "type_figures"]

Figures = dict[str, float]
HALF: Final = 0.5
REPLICATES: Final = 400


def quality_figures(traffic: Traffic, weeks: Sequence[Week]) -> Figures:
    """Return the frauds found, and the average precision and its estimates, of each week and of all together.

    ``plain`` and ``weighted`` are absent where they cannot be computed; ``weighted`` without an audit, too.
    ``plain_error_of_a_week`` is the mean of the errors of the weeks.
    """
    found, figures = 0, Figures()
    for number, week in enumerate(weeks, 1):
        found += int(traffic.is_fraud[week.rows[week.reviewed]].sum())
        values = {"found": float(found)} | _estimates(traffic, [week])
        figures |= {f"{name}.{number}": value for name, value in values.items()}
    totals = {"found": float(found)} | _estimates(traffic, weeks, interval=True)
    for name in ("plain_error", "weighted_error"):
        errors = [figures[f"{name}.{number}"] for number in range(1, len(weeks) + 1) if f"{name}.{number}" in figures]
        totals |= {f"{name}_of_a_week": float(np.mean(errors))} if errors else {}
    return figures | totals


def _estimates(traffic: Traffic, weeks: Sequence[Week], *, interval: bool = False) -> Figures:
    """Return the average precision of the scores of some weeks, its estimates from the reviews, and their errors."""
    probability, rows = (np.concatenate([getattr(week, name) for week in weeks]) for name in ("probability", "rows"))
    truth = FraudRows(probability, traffic.is_fraud[rows]).average_precision() or 0.0
    figures: Figures = {"truth": truth}
    labelled = _labelled(traffic, weeks)
    kinds = {"plain": labelled.plain} | ({"weighted": labelled} if all(week.covers for week in weeks) else {})
    for name, of_kind in kinds.items():
        estimate = of_kind.average_precision()
        if estimate is not None:
            figures |= {name: estimate, f"{name}_error": abs(estimate - truth)}
        if interval and (replicates := of_kind.bootstrap(of_kind.ranking())) is not None:
            low, high = replicates.intervals()["average_precision"] or (np.nan, np.nan)
            figures |= {f"{name}_low": low, f"{name}_high": high, f"{name}_holds": float(low <= truth <= high)}
    return figures


def _labelled(traffic: Traffic, weeks: Sequence[Week]) -> FraudRows:
    """Return the reviewed records with their labels and weights."""
    rows = np.concatenate([week.rows[week.reviewed] for week in weeks])
    probability = np.concatenate([week.probability[week.reviewed] for week in weeks])
    weight = 1 / np.concatenate([week.inclusion for week in weeks])
    return FraudRows(probability, traffic.is_fraud[rows], traffic.groups[rows], REPLICATES, weight)


def type_figures(traffic: Traffic, is_late: Array, weeks: Sequence[Week], seed: int) -> Figures:
    """Return when a type that comes late is found, and what was found of it and of all fraud.

    Parameters
    ----------
    traffic : Traffic
        With a threshold.
    is_late : ndarray of bool, shape (n_records,)
        Records of the type.
    weeks : sequence of Week
    seed : int
        Of the order in which the records of a draw are looked at.

    Returns
    -------
    dict of str to float
        ``first_find``: reviews from the first week of the type on until one is of the type. ``half``: reviews until
        the first model that flags half of the type's messages of a week. ``half_kept``: the same, if all later models
        do so too. Each is absent if it never comes to that.
        ``recall``: the share of the type's messages of the last week that the model flags.
    """
    rng, reviews, figures = np.random.default_rng(seed), 0, Figures()
    found = found_late = 0
    for week in weeks:
        late, reviewed = is_late[week.rows], rng.permutation(week.reviewed)
        found += int(traffic.is_fraud[week.rows[reviewed]].sum())
        if not late.any() and not reviews:
            continue
        if late.any():
            recall = float((week.probability[late] >= (traffic.threshold or 0.0)).mean())
            figures["recall"] = recall
            if recall >= HALF:
                figures.setdefault("half", float(reviews))
                figures.setdefault("half_kept", float(reviews))
            else:
                figures.pop("half_kept", None)
        hits = np.flatnonzero(late[reviewed])
        if len(hits):
            figures.setdefault("first_find", float(reviews + hits[0] + 1))
        found_late += len(hits)
        reviews += len(reviewed)
    return figures | {"found": float(found), "found_of_type": float(found_late)}


def over_seeds(runs: Sequence[Mapping[str, float]]) -> dict[str, list[float | None]]:
    """Return the values of all seeds by figure; None where a seed has none.

    Examples
    --------
    >>> over_seeds([{"found": 3.0}, {"found": 4.0, "half": 100.0}])
    {'found': [3.0, 4.0], 'half': [None, 100.0]}
    """
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: [run.get(name) for run in runs] for name in names}
