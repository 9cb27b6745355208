"""Frames of messages, and why their rows are rejected."""

import pandas as pd

from fraudsieve.tables.reader import CheckedTable

__all__ = ["causes", "messages"]


def messages(**columns: object) -> pd.DataFrame:
    """Return three good messages, with columns replaced or added."""
    frame = pd.DataFrame({"message_id": ["a", "b", "c"], "text": ["one", "two", "three"]})
    return frame.assign(**{name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def causes(checked: CheckedTable) -> list[tuple[int, str, str]]:
    """Return the row, the column and the reason of each rejected row."""
    return list(checked.rejected[["row", "column", "reason"]].itertuples(index=False, name=None))
