"""Metrics computed independently of the library: by scikit-learn, and as the Fraud Detection Handbook defines them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, roc_auc_score, roc_curve

__all__ = ["card_precision_top_k", "plain_figures"]

Array = NDArray[np.float64]
BINS = 15


def plain_figures(is_fraud: NDArray[np.bool_], probability: Array) -> dict[str, float]:
    """Compute the main metrics of a report, under their names there, from true classes and probabilities of fraud.

    Examples
    --------
    >>> plain_figures(np.array([False, False, True]), np.array([0.1, 0.2, 0.9]))["average_precision"]
    1.0
    """
    false_alarms, recalls, _ = roc_curve(is_fraud, probability, drop_intermediate=False)
    return {
        "base_rate": float(is_fraud.mean()),
        "average_precision": float(average_precision_score(is_fraud, probability)),
        "roc_auc": float(roc_auc_score(is_fraud, probability)),
        "brier": float(brier_score_loss(is_fraud, probability)),
        "observed_over_expected": float(is_fraud.sum() / probability.sum()),
        "recall_at_1pct_fpr": float(recalls[false_alarms <= 0.01].max()),
        "macro_f1": float(f1_score(is_fraud, probability >= 0.5, average="macro")),  # "fraud" is the first class
        "ece": _calibration_error(is_fraud, probability),
    }


def _calibration_error(is_fraud: NDArray[np.bool_], probability: Array) -> float:
    """Compute the error over bins of equal mass; a row on an edge is divided between both bins."""
    order = np.argsort(probability, kind="stable")
    sums = {"y": is_fraud[order].astype(float), "p": probability[order]}
    # Rows of equal probability count as their mean.
    _, same = np.unique(sums["p"], return_inverse=True)
    sums["y"] = (np.bincount(same, sums["y"]) / np.bincount(same))[same]
    edges, positions = np.linspace(0, len(order), BINS + 1), np.arange(len(order) + 1)
    of_bins = {name: np.diff(np.interp(edges, positions, np.append(0, np.cumsum(part)))) for name, part in sums.items()}
    return float(np.abs(of_bins["y"] - of_bins["p"]).sum() / len(order))


def card_precision_top_k(rows: pd.DataFrame, top: int = 100) -> float:
    """Compute the mean card precision, day by day, as the Handbook's own code does (chapter 4.3).

    `rows` have ``account_id``, ``day``, ``is_fraud`` and ``probability``; `top` cards are listed per day.

    Examples
    --------
    >>> rows = pd.DataFrame({"account_id": ["a", "b"], "day": [0, 0], "is_fraud": [True, False]})
    >>> rows["probability"] = [0.9, 0.1]
    >>> card_precision_top_k(rows, top=1)
    1.0
    """
    detected: list[str] = []
    precisions = []
    for _, of_day in rows.groupby("day"):  # in the order of the days
        today = of_day[~of_day["account_id"].isin(detected)]
        cards = today.groupby("account_id")[["probability", "is_fraud"]].max()
        listed = cards.sort_values("probability", ascending=False, kind="stable").head(top)
        caught = listed.index[listed["is_fraud"]].tolist()
        precisions.append(len(caught) / top)
        detected += caught
    return float(np.mean(precisions))
