"""Calibration of a model's log-odds to probabilities.

Two classes: beta calibration (Kull, Silva Filho and Flach, 2017), ``a ln p - b ln(1 - p) + c`` with a and b above zero.
More classes: temperature scaling (Guo et al., 2017). Both are smooth and strictly monotone in the log-odds, and so
create no ties, unlike isotonic regression. With two classes, the order of the records stays the same. With more, the
most probable class of each record stays the same, but the order of the records by a probability can change.
"""

from dataclasses import dataclass

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

PRIOR = 1.0
"""Weight of the prior on no change, for calibration slices of a few rows."""
SLOPES = (1e-3, 1e3)
"""Bounds of a slope; those of the fit are exp(-6) and exp(6). A slope below zero would reverse the ranking."""
MAX_SHIFT = 50.0
"""Bound of a shift; that of the fit is 6."""


@dataclass(frozen=True)
class Calibration:
    """A calibration of log-odds; the default changes nothing.

    Parameters
    ----------
    low : float, default=1.0
        Slope of ``ln p``, which matters where p is small; with more than two classes, the inverse temperature.
    high : float, default=1.0
        Slope of ``-ln(1 - p)``, which matters where p is large; not used with more than two classes.
    shift : float, default=0.0
        Added to the log-odds; not used with more than two classes.

    Examples
    --------
    >>> Calibration(low=2.0, high=2.0, shift=1.0).apply(np.array([[0.5]])).round(6).tolist()
    [[2.0]]
    """

    low: float = 1.0
    high: float = 1.0
    shift: float = 0.0

    @property
    def problem(self) -> str | None:
        """What is wrong with the parameters; None if all of them are within their bounds."""
        slopes = (self.low, self.high)
        if not all(isinstance(number, int | float) for number in (*slopes, self.shift)):
            return "expected three numbers, got another type"
        if not all(SLOPES[0] <= slope <= SLOPES[1] for slope in slopes) or not abs(self.shift) <= MAX_SHIFT:
            return (
                f"expected slopes from {SLOPES[0]:g} to {SLOPES[1]:g}, and a shift of at most {MAX_SHIFT:g}, got others"
            )
        return None

    def apply(self, log_odds: Array) -> Array:
        """Calibrate log-odds.

        Parameters
        ----------
        log_odds : ndarray, shape (n_rows, n_outputs)
            One column for two classes, otherwise one per class.

        Returns
        -------
        ndarray of float64, shape (n_rows, n_outputs)
        """
        if log_odds.shape[1] > 1:
            return self.low * log_odds
        positive, negative = log_sigmoids(log_odds)
        return self.low * positive - self.high * negative + self.shift


def log_sigmoids(values: Array) -> tuple[Array, Array]:
    """Return ``-ln(1 + exp(-values))`` and ``-ln(1 + exp(values))`` without overflow."""
    tail = np.log1p(np.exp(-np.abs(values)))
    return np.minimum(values, 0) - tail, np.minimum(-values, 0) - tail


@compile_kernel(error_model="numpy")
def _softmax_kernel(log_odds: Array, out: Array) -> None:
    """Replace five NumPy calls by one: for a single row each takes longer than the arithmetic."""
    for i in range(log_odds.shape[0]):
        highest, total = -np.inf, 0.0
        for k in range(log_odds.shape[1]):
            highest = max(highest, log_odds[i, k])
        for k in range(log_odds.shape[1]):
            out[i, k] = np.exp(log_odds[i, k] - highest)
            total += out[i, k]
        for k in range(log_odds.shape[1]):
            out[i, k] /= total


def probabilities(log_odds: Array) -> Array:
    """Return the probability of every class."""
    if log_odds.shape[1] == 1:
        return np.asarray(np.exp(np.concatenate(log_sigmoids(log_odds)[::-1], axis=1)))
    shares = np.empty(log_odds.shape)
    _softmax_kernel(np.asarray(log_odds, np.float64), shares)
    return shares


def fit_calibration(log_odds: Array, y: Array, sample_weight: Array | None = None) -> Calibration:
    """Fit a calibration by maximum likelihood on rows that the model was not trained on.

    Parameters
    ----------
    log_odds : ndarray, shape (n_rows, n_outputs)
        The model's uncalibrated log-odds.
    y : ndarray of int, shape (n_rows,)
        Positions of the true classes.
    sample_weight : ndarray, shape (n_rows,), default=None
        Weights; all ones by default.

    Returns
    -------
    Calibration
        The maximum-likelihood calibration, with a weak prior on no change; rows of one class change nothing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=(20_000, 1))
    >>> y = (rng.random(20_000) < 1 / (1 + np.exp(-2 * z[:, 0] - 1))).astype(int)
    >>> fitted = fit_calibration(z, y)
    >>> round(fitted.low), round(fitted.high), round(fitted.shift)
    (2, 2, 1)
    """
    from scipy.optimize import minimize

    if len(np.unique(y)) < 2:
        return Calibration()
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    binary = log_odds.shape[1] == 1
    start = np.zeros(3 if binary else 1)

    def build(point: Array) -> Calibration:
        low, high = np.exp(point[0]), np.exp(point[1] if binary else point[0])
        return Calibration(float(low), float(high), float(point[2] if binary else 0.0))

    def loss(point: Array) -> float:
        odds = build(point).apply(log_odds)
        if binary:
            terms = -log_sigmoids(np.where(y == 1, 1, -1) * odds[:, 0])[0]
        else:
            top = odds.max(axis=1)
            terms = top + np.log(np.exp(odds - top[:, None]).sum(axis=1)) - odds[np.arange(len(y)), y]
        return float(weights @ terms + PRIOR * (point**2).sum())

    return build(minimize(loss, start, method="L-BFGS-B", bounds=[(-6, 6)] * len(start)).x)
