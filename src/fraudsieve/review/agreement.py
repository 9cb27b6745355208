"""How far two people who label the same records agree, beyond what chance alone would give."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.training.evaluation.bootstrap import NORMAL_QUANTILE


@dataclass(frozen=True)
class Agreement:
    """The agreement of two people.

    Parameters
    ----------
    records : int
        Records that both have labelled.
    agreement : float
        The share of these with the same label.
    kappa : float or None
        Cohen's kappa: 1 if they always agree, 0 if they agree as often as by chance. None if it is undefined, because
        both gave one and the same label to all records.
    interval : tuple of float or None
        The 95 % interval of kappa.

    Examples
    --------
    >>> Agreement(2, 0.5, 0.0, (-1.0, 1.0)).agreement
    0.5
    """

    records: int
    agreement: float
    kappa: float | None
    interval: tuple[float, float] | None


def cohen_kappa(first: "pd.Series[Any] | Array", second: "pd.Series[Any] | Array") -> Agreement:
    r"""Compute Cohen's kappa of two people's labels, with its interval.

    Parameters
    ----------
    first, second : Series or ndarray of str, shape (n_records,)
        Labels of the same records, in the same order.

    Returns
    -------
    Agreement
        The share of equal labels, and kappa with its 95 % interval.

    Raises
    ------
    ValueError
        If there are no labels, or not equally many.

    Notes
    -----
    With :math:`p_{ij}` the share of records that the first person labels i and the second one j, the observed agreement
    is :math:`p_o = \sum_i p_{ii}`, the expected one :math:`p_e = \sum_i p_{i.} p_{.i}`, and

    .. math:: \kappa = \frac{p_o - p_e}{1 - p_e}

    Its large-sample variance, on which the interval of :math:`\pm 1.96` standard errors rests, is

    .. math::

        \frac{\sum_i p_{ii} [(1 - p_e) - (p_{i.} + p_{.i})(1 - p_o)]^2
        + (1 - p_o)^2 \sum_{i \ne j} p_{ij} (p_{.i} + p_{j.})^2
        - (p_o p_e - 2 p_e + p_o)^2}{n (1 - p_e)^4}

    The interval is cut at -1 and 1. It is narrow by mistake with few records: if all labels agree, its width is 0. The
    records count equally, whatever their inclusion probabilities: kappa describes the reviewed records.

    References
    ----------
    .. [1] J. Cohen (1960), "A coefficient of agreement for nominal scales", Educational and Psychological Measurement
       20, 37-46.
    .. [2] J. L. Fleiss, J. Cohen and B. S. Everitt (1969), "Large sample standard errors of kappa and weighted kappa",
       Psychological Bulletin 72, 323-327.

    Examples
    --------
    >>> found = cohen_kappa(np.array(["fraud", "fraud", "ham", "ham"]), np.array(["fraud", "ham", "ham", "ham"]))
    >>> found.agreement, found.kappa
    (0.75, 0.5)
    """
    if len(first) != len(second) or len(first) == 0:
        raise ValueError(f"Expected two labels of at least one record, got {len(first)} and {len(second)} labels.")
    codes, names = pd.factorize(np.concatenate([np.asarray(first, object), np.asarray(second, object)]))
    rows, columns = np.split(codes, 2)
    shares = np.bincount(rows * len(names) + columns, minlength=len(names) ** 2).reshape(len(names), -1) / len(rows)
    observed = float(np.trace(shares))
    expected = float(shares.sum(axis=1) @ shares.sum(axis=0))
    if len(names) == 1:
        return Agreement(len(rows), observed, None, None)
    kappa = (observed - expected) / (1 - expected)
    margin = NORMAL_QUANTILE * float(np.sqrt(_variance(shares, observed, expected) / len(rows)))
    return Agreement(len(rows), observed, kappa, (max(kappa - margin, -1.0), min(kappa + margin, 1.0)))


def _variance(shares: Array, observed: float, expected: float) -> float:
    """Return the variance of kappa times the number of records."""
    by_row, by_column = shares.sum(axis=1), shares.sum(axis=0)
    agreed = np.diag(shares) @ ((1 - expected) - (by_row + by_column) * (1 - observed)) ** 2
    sums = (by_column[:, None] + by_row[None, :]) ** 2
    differed = (1 - observed) ** 2 * (shares * sums)[~np.eye(len(shares), dtype=bool)].sum()
    variance = agreed + differed - (observed * expected - 2 * expected + observed) ** 2
    return float(max(variance, 0.0) / (1 - expected) ** 4)
