"""A world in which the probability of fraud of every record is known, and the settings of a small model of it."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = ["RATE", "SETTINGS", "Draw", "draw"]

RATE = 0.05
"""The promised rate of false positives."""
SETTINGS = {
    "thresholds.false_positive_rates": (RATE,),
    "split.kind": "time",
    "split.gap_days": 0.0,
    "history.network": False,
    "history.views": ({"windows": ["1d"], "measures": ["count"]},),
    "model.refit": True,
    "model.n_rounds": 40,
    "model.n_seeds": 1,
    "evaluate.replicates": 0,
    "track.enabled": False,
    "n_jobs": 1,
}
START = pd.Timestamp("2026-01-01", tz="UTC")


class Draw(NamedTuple):
    """Records of the world, and the probability of fraud of each."""

    records: pd.DataFrame
    truth: list[float]


def draw(rng: np.random.Generator, n: int, first_day: int, odds: float = -3.3) -> Draw:
    """Draw records of accounts that have one record each; two of three columns tell fraud."""
    x = rng.normal(size=(n, 3))
    truth = [1 / (1 + math.exp(-(odds + 1.6 * one + 1.0 * abs(other)))) for one, other, _ in x.tolist()]
    times = START + pd.to_timedelta(np.sort(first_day + rng.uniform(0, 40, n)), unit="D")
    columns = {f"x{place}": x[:, place] for place in range(3)}
    names = [f"{first_day}-{number}" for number in range(n)]
    labels = np.where(rng.random(n) < truth, "fraud", "legitimate").astype(object)
    ids = {"event_id": names, "account_id": names, "occurred_at": times, "kind": "payment"}
    return Draw(pd.DataFrame({**ids, **columns, "label": labels, "labelled_at": times}), truth)
