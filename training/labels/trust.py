"""Trust in the sources of labels: which label of a subject counts, and how often it was replaced."""

from typing import Any

import pandas as pd

from fraudsieve.features.label_trust import Trust, label_as_of, labels_that_counted

__all__ = ["Trust", "label_as_of", "reversals"]


def reversals(
    labels: pd.DataFrame, cutoff: Any = None, *, trust: Trust | None = None, by_source: bool = False
) -> pd.DataFrame:
    """Count how often the label that counts was replaced by a different one.

    Parameters
    ----------
    labels : DataFrame, shape (n_labels, any)
    cutoff : datetime, default=None
        Only labels known strictly before it are used; None uses all labels.
    trust : Trust, default=None
        Weights of sources; None gives all the same weight.
    by_source : bool, default=False
        Whether to count separately by the source of the label that was replaced.

    Returns
    -------
    DataFrame, shape (n_pairs, 3 or 4)
        ``from``, ``to``, ``source`` if `by_source` is true, and ``count``, in descending order of the count.

    Examples
    --------
    >>> labels = pd.DataFrame({"subject_id": ["a", "a", "b"], "label": ["spam", "legitimate", "spam"],
    ...     "labelled_at": ["2026-05-01", "2026-05-09", "2026-05-01"]})
    >>> reversals(labels).to_dict("records")
    [{'from': 'spam', 'to': 'legitimate', 'count': 1}]
    """
    counting = labels_that_counted(labels, cutoff, trust=trust)
    before = counting.groupby("subject_id", sort=False)[["label", "source"]].shift()
    changed = before["label"].notna() & (before["label"] != counting["label"])
    pairs = pd.DataFrame({"from": before["label"], "to": counting["label"], "source": before["source"]})[changed]
    names = ["from", "to", "source"] if by_source else ["from", "to"]
    counts = pairs.groupby(names, observed=True, dropna=False).size().reset_index(name="count")
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)
