"""The part of the sheet on types: is a crime called by its name?"""

from typing import Any

import numpy as np
from sklearn.metrics import f1_score, precision_recall_fscore_support

from fraudsieve._typing import Array

from .bootstrap import bootstrap_f1, interval
from .fraud_rows import threshold_at

__all__ = ["type_sheet"]


def type_sheet(
    labels: Array,
    predicted: Array,
    *,
    legitimate: str | None = None,
    probability: Array | None = None,
    groups: Array | None = None,
    replicates: int = 400,
) -> dict[str, Any]:
    """Compute the part of the sheet on types.

    Parameters
    ----------
    labels, predicted : ndarray of str objects, each of shape (n_rows,)
        The truth, and the likeliest class.
    legitimate : str, default=None
        The class that is no crime.
    probability : ndarray, shape (n_rows,), default=None
        Calibrated probability of fraud, where there is a legitimate class.
    groups : ndarray, shape (n_rows,), default=None
        The account or campaign of each row; without them there are no intervals.
    replicates : int, default=400
        How often groups are drawn.

    Returns
    -------
    dict
        ``macro_f1``, ``accuracy``, ``intervals`` (of macro-F1) and ``by_type``: precision, recall, F1, its ``interval``
        and rows of each; and ``caught``, the share that the threshold at 1 % false positives flags, whatever type
        it is taken for.

    Examples
    --------
    >>> sheet = type_sheet(np.array(["scam", "spam"], object), np.array(["spam", "spam"], object))
    >>> round(sheet["macro_f1"], 4), sheet["by_type"]["scam"]["recall"]
    (0.3333, 0.0)
    """
    names = sorted(set(labels) | set(predicted))
    columns = precision_recall_fscore_support(labels, predicted, labels=names, zero_division=0.0)
    by_type: dict[str, dict[str, Any]] = {
        name: {"precision": float(p), "recall": float(r), "f1": float(f), "rows": int(n)}
        for name, p, r, f, n in zip(names, *columns, strict=True)
    }
    caught = _caught(labels, probability, legitimate, names)
    drawn = _drawn(labels, predicted, names, groups, replicates)
    for place, name in enumerate(names):
        by_type[name]["interval"] = None if drawn is None else interval(drawn[:, place])
        by_type[name]["caught"] = caught.get(name)
    return {
        "macro_f1": float(f1_score(labels, predicted, average="macro", zero_division=0.0)),
        "accuracy": float(np.mean(labels == predicted)),
        "intervals": {"macro_f1": None if drawn is None else interval(np.nanmean(drawn, axis=1))},
        "by_type": by_type,
    }


def _drawn(labels: Array, predicted: Array, names: list[str], groups: Array | None, replicates: int) -> Array | None:
    if groups is None or not replicates or len(np.unique(groups)) < 2:
        return None
    place = {name: i for i, name in enumerate(names)}
    truth, said = (np.array([place[name] for name in column]) for column in (labels, predicted))
    return bootstrap_f1(truth, said, groups, replicates=replicates)


def _caught(labels: Array, probability: Array | None, legitimate: str | None, names: list[str]) -> dict[str, float]:
    is_fraud = labels != legitimate
    if legitimate is None or probability is None or is_fraud.all() or not is_fraud.any():
        return {}
    flagged = probability >= threshold_at(probability, is_fraud)[0]
    return {name: float(flagged[labels == name].mean()) for name in names if (labels == name).any()}
