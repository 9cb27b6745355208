"""Metrics of weighted rows, sorted by score once for all replicates of a bootstrap.

Every metric is a few running sums in compiled code. Rows of one score are one step, as in scikit-learn, so that no
metric depends on the order of the rows.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

RANKING_METRICS = (
    "base_rate",
    "average_precision",
    "roc_auc",
    "recall_at_1pct_fpr",
    "ece",
    "brier",
    "observed_over_expected",
    "cost_per_1000",
)
"""Names of the values of `Ranking.metrics`, in their order."""
ECE_BINS = 15
FIXED_RATE = 0.01
"""False positive rate at which the recall is computed."""
UNSEEN = 0.5
"""Number of frauds that every draw adds to those that were found in the sample, as a mean."""
OTHER_KINDS = 10.0
"""Weight of other kinds of frauds than those in the sample, as a number of these. With less, the intervals of average
precision hold the truth too rarely where a fifth of the frauds are of a kind that the model takes for legitimate."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows from the highest score to the lowest. Create it with `Ranking.of`.

    Parameters
    ----------
    order : ndarray of int64, shape (n_rows,)
        Positions of the rows.
    score, is_fraud, loss, cost : ndarray of float64, each of shape (n_rows,)
        In that order: the probability; the truth, 0 or 1; the loss when the row is missed; and the cost of the row.
    starts : ndarray of int64, shape (n_steps + 1,)
        Start of each run of equal scores, and the end.
    weight : ndarray of float64, shape (n_rows,)
        Number of records that each row stands for.
    """

    order: Array
    score: Array
    is_fraud: Array
    loss: Array
    cost: Array
    starts: Array
    weight: Array

    @classmethod
    def of(
        cls,
        probability: Array,
        is_fraud: Array,
        loss: Array | None = None,
        cost: Array | None = None,
        weight: Array | None = None,
    ) -> Self:
        """Sort rows.

        Parameters
        ----------
        probability : ndarray, shape (n_rows,)
            Scores, none of them NaN.
        is_fraud : ndarray of bool, shape (n_rows,)
            The truth.
        loss : ndarray, shape (n_rows,), default=None
            Cost of a missed fraud; None for 1 each. Ignored for legitimate rows.
        cost : ndarray, shape (n_rows,), default=None
            Cost of the decision on each row; None for 0.
        weight : ndarray, shape (n_rows,), default=None
            Number of records that each row stands for, such as the inverse of its inclusion probability; None for 1.

        Returns
        -------
        Ranking
            The sorted rows.

        Raises
        ------
        ValueError
            When there is no row, or a score is NaN.
        """
        if not len(probability) or np.isnan(probability).any():
            n, n_nan = len(probability), int(np.isnan(probability).sum())
            raise ValueError(f"Expected at least one score and no NaN, got {n} scores, {n_nan} of them NaN.")
        order = np.argsort(-probability, kind="stable")
        score, fraud = probability[order].astype(np.float64), is_fraud[order].astype(np.float64)
        lost = fraud if loss is None else fraud * loss[order]
        costs = np.zeros(len(order)) if cost is None else cost[order].astype(np.float64)
        weights = np.ones(len(order)) if weight is None else weight[order].astype(np.float64)
        return cls(order, score, fraud, lost, costs, _starts(score), weights)

    def with_frauds(self, places: Array) -> Self:
        """Return the ranking with a fraud behind each of some ascending places, of the score and the weight there.

        They are the rows from ``n_rows`` on in ``order``.
        """
        n_frauds = self.is_fraud.sum()
        loss = np.full(len(places), self.loss.sum() / n_frauds if n_frauds else 1.0)
        costs = self.cost[places]
        score = np.insert(self.score, places + 1, self.score[places])
        return type(self)(
            np.insert(self.order, places + 1, len(self.order) + np.arange(len(places))),
            score,
            np.insert(self.is_fraud, places + 1, 1.0),
            np.insert(self.loss, places + 1, loss),
            np.insert(self.cost, places + 1, np.where(costs > 0, costs, loss)),
            _starts(score),
            np.insert(self.weight, places + 1, self.weight[places]),
        )

    def metrics(self, weights: Array | None = None) -> Array:
        """Compute `RANKING_METRICS`.

        Parameters
        ----------
        weights : ndarray, shape (n_rows,), default=None
            Number of times that each row counts, in the order of the ranking; None for once each. Each time it stands
            for as many records as its own weight says.

        Returns
        -------
        ndarray of float64, shape (8,)
            NaN where a metric cannot be computed. Average precision, ROC AUC and the recall at a false positive rate
            are those of scikit-learn with ``sample_weight``. ECE: mean absolute gap between the mean probability and
            the share of fraud over 15 bins of equal mass (Naeini et al., 2015; Nixon et al., 2019); a row at the edge
            of two bins is split between them.

        Examples
        --------
        >>> ranking = Ranking.of(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))
        >>> dict(zip(RANKING_METRICS, ranking.metrics(np.array([2, 1, 0])).tolist(), strict=True))["base_rate"]
        0.6666666666666666
        """
        weights = self._weights(weights)
        total, fraud, expected, square, _, cost = _sums(weights, self.is_fraud, self.score, self.loss, self.cost)
        if total <= 0:
            return np.full(len(RANKING_METRICS), np.nan)
        walked = _walk(weights, self.is_fraud, self.starts, fraud, total - fraud, FIXED_RATE)
        gap = _gap(weights, self.is_fraud, self.score, self.starts, total, ECE_BINS)
        ratio = fraud / expected if expected > 0 else np.nan
        return np.array([fraud / total, *walked, gap, square / total, ratio, 1000 * cost / total])

    def calibration_gap(self, n_bins: int = ECE_BINS, weights: Array | None = None) -> float:
        """Return the expected calibration error; see `metrics`."""
        weights = self._weights(weights)
        return float(_gap(weights, self.is_fraud, self.score, self.starts, float(weights.sum()), n_bins))

    def at_alerts(self, alerts: Array, weights: Array | None = None) -> Array:
        """Compute recall and precision when the rows of highest score are flagged.

        Parameters
        ----------
        alerts : ndarray of float64, shape (n_points,)
            Numbers of flagged records, ascending.
        weights : ndarray, shape (n_rows,), default=None
            As for `metrics`.

        Returns
        -------
        ndarray of float64, shape (3, n_points)
            Recall, precision, and the share of the loss that is found. If only a part of the rows of one score is
            flagged, it counts as the mean over all choices of that part.

        Examples
        --------
        >>> ranking = Ranking.of(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))
        >>> ranking.at_alerts(np.array([1.0, 2.0])).tolist()
        [[0.5, 0.5], [1.0, 0.5], [0.5, 0.5]]
        """
        weights = self._weights(weights)
        total, fraud, _, _, loss, _ = _sums(weights, self.is_fraud, self.score, self.loss, self.cost)
        found, value = _found(weights, self.is_fraud, self.loss, self.starts, np.asarray(alerts, np.float64))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([found / np.float64(fraud), found / np.minimum(alerts, total), value / np.float64(loss)])

    def _weights(self, weights: Array | None) -> Array:
        return self.weight if weights is None else self.weight * weights


def _starts(score: Array) -> Array:
    return np.concatenate([[0], np.flatnonzero(np.diff(score)) + 1, [len(score)]]).astype(np.int64)


@compile_kernel()
def _sums(
    weights: Array, is_fraud: Array, score: Array, loss: Array, cost: Array
) -> tuple[float, float, float, float, float, float]:
    total = fraud = expected = square = lost = spent = 0.0
    for i in range(weights.size):
        w = weights[i]
        total += w
        fraud += w * is_fraud[i]
        expected += w * score[i]
        square += w * (is_fraud[i] - score[i]) ** 2
        lost += w * loss[i]
        spent += w * cost[i]
    return total, fraud, expected, square, lost, spent


@compile_kernel()
def _walk(
    weights: Array, is_fraud: Array, starts: Array, fraud: float, clean: float, rate: float
) -> tuple[float, float, float]:
    """Lower the threshold step by step; return average precision, area under the ROC curve and recall at a rate."""
    if fraud <= 0 or clean <= 0:
        return np.nan, np.nan, np.nan
    hits = alarms = precision = area = recall = 0.0
    for step in range(starts.size - 1):
        new_hits = new_alarms = 0.0
        for i in range(starts[step], starts[step + 1]):
            new_hits += weights[i] * is_fraud[i]
            new_alarms += weights[i] * (1.0 - is_fraud[i])
        area += new_alarms * (hits + new_hits / 2)
        hits += new_hits
        alarms += new_alarms
        if new_hits > 0:
            precision += new_hits * hits / (hits + alarms)
        if alarms / clean <= rate:
            recall = hits
    return precision / fraud, area / (fraud * clean), recall / fraud


@compile_kernel()
def _found(weights: Array, is_fraud: Array, loss: Array, starts: Array, alerts: Array) -> tuple[Array, Array]:
    """Sum fraud and its loss over the flagged rows, for every number of alerts."""
    found, value = np.zeros(alerts.size), np.zeros(alerts.size)
    seen = hits = lost = 0.0
    point = 0
    for step in range(starts.size - 1):
        if point == alerts.size:
            return found, value
        new = new_hits = new_lost = 0.0
        for i in range(starts[step], starts[step + 1]):
            new += weights[i]
            new_hits += weights[i] * is_fraud[i]
            new_lost += weights[i] * loss[i]
        while point < alerts.size and new > 0 and alerts[point] < seen + new:
            part = (alerts[point] - seen) / new
            found[point], value[point] = hits + part * new_hits, lost + part * new_lost
            point += 1
        seen, hits, lost = seen + new, hits + new_hits, lost + new_lost
    found[point:], value[point:] = hits, lost
    return found, value


@compile_kernel()
def _gap(weights: Array, is_fraud: Array, score: Array, starts: Array, total: float, n_bins: int) -> float:
    """Fill bins of equal mass from the highest score down, and sum the gaps of their means."""
    n_bins = min(n_bins, weights.size)
    gap = seen = expected = observed = 0.0
    edge = 1
    for step in range(starts.size - 1):
        left = fraud = 0.0
        for i in range(starts[step], starts[step + 1]):
            left += weights[i]
            fraud += weights[i] * is_fraud[i]
        share = fraud / left if left > 0 else 0.0
        while left > 0:
            room = edge * total / n_bins - seen
            part = left if edge == n_bins or left <= room else room
            expected, observed = expected + part * score[starts[step]], observed + part * share
            seen, left = seen + part, left - part
            if part == room and edge < n_bins:
                gap += abs(expected - observed)
                expected = observed = 0.0
                edge += 1
    return (gap + abs(expected - observed)) / total


@dataclass(frozen=True, eq=False)
class UnseenFrauds:
    """Frauds among the records that a sample stands for, of which it may have none.

    A sample of the many records that pass often has very few of the frauds among them. A bootstrap of one without any
    would be certain that there is none. So every draw has a further number of frauds, from the gamma distribution of
    shape 1/2. A count :math:`k` then has the mean and the variance of :math:`\\Gamma(k + 1/2)`, which is Jeffreys'
    posterior of a Poisson mean. The gamma intervals of weighted sums of counts likewise add one (Fay and Feuer,
    Confidence intervals for directly standardized rates, 1997) or half of one (Fay and Kim, the same with mid-p gamma
    intervals, 2017). The frauds have the score and the weight of a row of the sample: with the probability k / (k + 10)
    of one of the k frauds in it, and else of any row, because they may be of a kind that the model does not know. That
    is the next draw from a Polya urn (Blackwell and MacQueen, Ferguson distributions via Polya urn schemes, 1973). Two
    models get them in the same rows.
    """

    # Shape (n_places,). Positions of the rows that stand for several records.
    places: Array
    # Shape (n_places,). The number of records that each stands for.
    weight: Array
    # Shape (n_frauds,). Which of the places are frauds.
    seen: Array

    @classmethod
    def of(cls, weight: Array, is_fraud: Array) -> Self | None:
        """Return where unseen frauds may be; None if no row stands for more than one record."""
        places = np.flatnonzero(weight > 1)
        return cls(places, weight[places], np.flatnonzero(is_fraud[places])) if len(places) else None

    def draw(self, replicates: int, seed: int) -> tuple[Array, Array]:
        """Return, for every draw, which of the places has unseen frauds, and their number."""
        rng = np.random.default_rng([seed, 1])
        chosen, number = rng.integers(0, len(self.places), replicates), rng.gamma(UNSEEN, 1.0, replicates)
        alike = np.flatnonzero(rng.random(replicates) * (OTHER_KINDS + len(self.seen)) < len(self.seen))
        if len(alike):
            chosen[alike] = rng.choice(self.seen, len(alike))
        return chosen, number


@dataclass(frozen=True, eq=False)
class Hidden:
    """Frauds that a sample has not seen, and which of them are in parts and wholes, of shape (n_places, n_shares)."""

    frauds: UnseenFrauds
    parts: Array
    wholes: Array

    def drawn(self, replicates: int, seed: int) -> Array:
        """Return what every draw adds to each part and then to each whole."""
        chosen, number = self.frauds.draw(replicates, seed)
        counted = np.column_stack([self.parts & self.wholes, self.wholes])
        added: Array = counted[chosen] * (number * self.frauds.weight[chosen])[:, None]
        return added
