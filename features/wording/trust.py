"""How much evidence of fraud counts in texts that the text model hardly knows.

A few known n-grams are weak evidence: at full weight, a filter trained on advertisements flags ordinary chat. But a
lack of evidence of fraud is not evidence of fraud. So the lead of fraud over the legitimate class is multiplied by a
power of the known share, and a text that speaks for the legitimate class keeps its log-odds, or unknown text would get
even odds. Which type of fraud it is was not in doubt: all types move alike.

    log-odds      legitimate 1     gambling 5    loans 4       the lead is 4; the weight of the evidence .25
    weighed       legitimate 1     gambling 2    loans 1       the lead is 1
"""

from typing import Final

import numpy as np

from fraudsieve._typing import Array

TRUST: Final = 4.0
"""The exponent for models with a legitimate class: higher values flag less ordinary chat at equal recall."""
USUAL: Final = 0.95
"""The share of the training texts whose known share is not above the usual one. A set of a few hundred texts knows few
n-grams of any text; without this, evidence of fraud would lose most of its weight there."""
LEAST_SHARE: Final = 0.05
"""The lowest usual share: below it, hardly any n-gram occurs in two texts."""


def weigh_by_known_share(log_odds: Array, known_share: Array, trust: float, legitimate: int) -> Array:
    """Weigh the evidence of fraud in log-odds by a power of the share of n-grams that the model knows."""
    if not trust:
        return log_odds.copy()
    weights = known_share**trust
    if log_odds.shape[1] == 1:
        return np.asarray(np.where(_is_fraud(log_odds, legitimate), weights[:, None] * log_odds, log_odds))
    base = log_odds[:, legitimate]
    lost = (1.0 - weights) * np.maximum(log_odds.max(axis=1) - base, 0.0)
    weighed = log_odds - lost[:, None]
    weighed[:, legitimate] = base
    return np.asarray(weighed)


def trusted_shares(shares: Array, log_odds: Array, known_share: Array, trust: float, legitimate: int) -> Array:
    """Return the shares of log-odds in a sum of weighed log-odds, which says what an n-gram adds to that sum."""
    if not trust:
        return shares
    weights = known_share**trust
    if log_odds.shape[1] == 1:
        return shares * np.where(_is_fraud(log_odds, legitimate), weights[:, None], 1.0)
    texts, highest = np.arange(len(log_odds)), log_odds.argmax(axis=1)
    moved = (1.0 - weights) * (shares.sum(axis=1) - shares[:, legitimate])
    trusted = shares.copy()
    trusted[texts, highest] -= moved
    trusted[:, legitimate] += moved
    return trusted


def _is_fraud(log_odds: Array, legitimate: int) -> Array:
    """Return whether the log-odds of one output speak for fraud; the output may be that of the legitimate class."""
    return np.asarray(log_odds < 0 if legitimate == 0 else log_odds > 0)
