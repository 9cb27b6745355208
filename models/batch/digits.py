"""Digits of scores for people: six that count, and no probability on the other side of a threshold."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import pandas as pd

from fraudsieve._typing import Array

DIGITS: Final = 6
SHARES: Final = ("probability", "false_positive_rate", "unlike_training")
MAX_DECIMALS: Final = 22
"""Up to here a power of ten is a float without error."""


def shorten_scores(scores: pd.DataFrame, thresholds: Sequence[float], keep: Collection[str] = ()) -> pd.DataFrame:
    """Return scores with six digits, for CSV; columns of the input (`keep`) have their own.

    Shares have six digits of the share or of its complement, whichever is smaller, so that the highest scores stay
    distinct. A share that would pass a threshold keeps all of its digits.
    """
    shares = [name for name in map(str, scores) if name in SHARES or name.startswith("probability__")]
    odds = [name for name in map(str, scores) if name.endswith("_log_odds") and name not in keep]
    limits = np.sort(np.asarray(thresholds, np.float64))
    short = {name: _shorten(scores[name].to_numpy(np.float64), limits) for name in shares}
    return scores.assign(**short, **{name: scores[name].round(DIGITS) for name in odds})


def _shorten(values: Array, limits: Array) -> Array:
    smaller = np.minimum(values, 1 - values)
    with np.errstate(divide="ignore", invalid="ignore"):
        decimals = np.nan_to_num(DIGITS - 1 - np.floor(np.log10(smaller)), posinf=0, neginf=0)
    scale = 10.0 ** np.clip(decimals, 0, MAX_DECIMALS)
    short = np.round(values * scale) / scale
    tiny = decimals > MAX_DECIMALS
    short[tiny] = np.char.mod(f"%.{DIGITS - 1}e", values[tiny]).astype(np.float64)
    passes = np.searchsorted(limits, short, "right") != np.searchsorted(limits, values, "right")
    return np.where(passes, values, short)
