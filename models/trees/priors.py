"""Log-odds of the class frequencies of training rows, and of the rates at which they were drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fraudsieve._typing import Array


def class_log_odds(codes: Array, weights: Array) -> Array:
    """Return the log-odds of the class frequencies: one output for two classes."""
    shares = np.bincount(codes, weights=weights) / weights.sum()
    return per_output(np.log(np.maximum(shares, 1e-12)))


def per_output(logs: Array) -> Array:
    """Return log-odds from one logarithm per class: one output for two classes."""
    return np.asarray(logs[1:] - logs[:1] if len(logs) == 2 else logs)


def log_rates(rates: Mapping[Any, float], classes: Array) -> Array:
    """Return the logarithm of the rate at which the rows of each class were drawn, after a check."""
    if not set(rates) <= set(classes.tolist()):
        raise ValueError(f"class_rates: expected classes of y, {classes.tolist()}, got another one.")
    found = np.array([rates.get(name, 1.0) for name in classes.tolist()], np.float64)
    if not ((found > 0) & (found <= 1)).all():
        raise ValueError(f"class_rates: expected rates above 0 and at most 1, got {found.tolist()}.")
    return np.log(found)
