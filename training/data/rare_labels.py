"""Labels of too few rows, which are often misspelt ones."""

import difflib
from collections.abc import Iterable

import pandas as pd

MAX_SHOWN = 5
"""Labels that a note names."""


def nearest_label(name: str, others: Iterable[str]) -> str | None:
    """Return the label that is most like another; None if none is."""
    folded = {other.casefold(): other for other in others if other != name}
    match = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.7)
    return folded[match[0]] if match else None


def rare_labels_note(labels: "pd.Series[str]", min_label_rows: int) -> list[str]:
    """Return a note on labels of too few rows, and which others they may stand for."""
    counts = labels.value_counts()
    rare, common = counts[counts < min_label_rows], counts[counts >= min_label_rows].index
    if rare.empty:
        return []
    named = []
    for name in rare.index[:MAX_SHOWN]:
        meant = nearest_label(name, common)
        named.append(repr(name) if meant is None else f"{name!r} (did you mean {meant!r}?)")
    more = f" and {len(rare) - MAX_SHOWN} more" if len(rare) > MAX_SHOWN else ""
    rows = int(rare.sum())
    one = len(rare) == 1
    return [
        f"{rows:,} row{'' if rows == 1 else 's'} with the label{'' if one else 's'} {', '.join(named)}{more} "
        f"{'is' if rows == 1 else 'are'} rejected, because {'it has' if one else 'they have'} fewer than "
        f"{min_label_rows} rows"
    ]
