"""Plain counts, the columns of the peer on published protocols, computed with pandas alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["account_counts", "running_counts"]


def running_counts(events: pd.DataFrame) -> pd.DataFrame:
    """Count, for every event in order of time, the earlier rows of its account and of its counterparty.

    The columns are numbers of rows and of counterparties (or accounts); with amounts their sum and mean, and the own.

    Examples
    --------
    >>> running_counts(pd.DataFrame({"account_id": ["a", "a"], "counterparty_id": ["b", "b"]})).iloc[1].tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    is_new = (~events.duplicated(["account_id", "counterparty_id"])).astype(np.int64)
    columns: dict[str, Any] = {}
    for entity in ("account_id", "counterparty_id"):
        earlier = events.groupby(entity).cumcount()
        columns[f"{entity}.n"] = earlier
        columns[f"{entity}.distinct"] = is_new.groupby(events[entity]).cumsum() - is_new
        if "amount" in events:
            total = events.groupby(entity)["amount"].cumsum() - events["amount"]
            columns |= {f"{entity}.sum": total, f"{entity}.mean": total / earlier.where(earlier > 0)}
    if "amount" in events:
        columns["amount"] = events["amount"]
    return pd.DataFrame(columns).astype(np.float64)


def account_counts(events: pd.DataFrame, ids: pd.Series, *, sides: Sequence[str]) -> pd.DataFrame:
    """Count all events of accounts by side: ``account_id`` for sent events, ``counterparty_id`` for received ones.

    The columns are the number of events and of other accounts, and the sum and mean of amounts.
    """
    parts = []
    for side in sides:
        other = "counterparty_id" if side == "account_id" else "account_id"
        groups = events.groupby(side)
        part = pd.DataFrame({"n": groups.size(), "distinct": groups[other].nunique()})
        part[["sum", "mean"]] = groups["amount"].agg(["sum", "mean"])
        parts.append(part.reindex(ids).add_prefix(f"{side}.").reset_index(drop=True))
    return pd.concat(parts, axis=1).astype(np.float64)
