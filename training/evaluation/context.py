"""What the sheet may know of labelled rows beside their scores: moments, accounts, amounts, and who has a history."""

import numpy as np
import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.models.batch.score import has_history
from fraudsieve.training.data.builders import Builder

from .card_precision import naive_utc

__all__ = ["sheet_context", "with_history"]


def sheet_context(rows: pd.DataFrame, builder: Builder | None = None) -> dict[str, Array | None]:
    """Return what `evaluate` asks for, as far as the rows have it.

    Parameters
    ----------
    rows : DataFrame
        Labelled records.
    builder : MessageFeatures or AccountFeatures, default=None
        What computes their features, with the events that it looks at.

    Returns
    -------
    dict
        ``moments`` (``as_of``), ``accounts`` (``account_id``, where every row has one), ``amounts`` (``amount``, where
        that is a column of numbers) and ``known`` (see `with_history`); None for what is not there.

    Examples
    --------
    >>> found = sheet_context(pd.DataFrame({"text": ["hi"], "as_of": pd.to_datetime(["2026-05-01"])}))
    >>> [name for name, values in found.items() if values is not None]
    ['moments']
    """
    moments = rows["as_of"] if "as_of" in rows and rows["as_of"].notna().any() else None
    whose = rows["account_id"] if "account_id" in rows and rows["account_id"].notna().all() else None
    amounts = rows["amount"] if "amount" in rows and pd.api.types.is_numeric_dtype(rows["amount"]) else None
    return {
        "moments": None if moments is None else naive_utc(moments),
        "accounts": None if whose is None else pd.factorize(whose, sort=True)[0],
        "amounts": None if amounts is None else amounts.to_numpy(np.float64),
        "known": with_history(rows, builder),
    }


def with_history(rows: pd.DataFrame, builder: Builder | None) -> Array | None:
    """Tell which rows have an event of their account before them.

    Parameters
    ----------
    rows : DataFrame
        Records with ``account_id`` and ``as_of``.
    builder : MessageFeatures or AccountFeatures, or None
        With the events that it looks at.

    Returns
    -------
    ndarray of bool, shape (n_rows,), or None
        None where the model looks at no history, or accounts are not known.
    """
    if builder is None or builder.events is None or "account_id" not in rows:
        return None
    matrix = builder.matrix_
    if isinstance(matrix, AccountMatrix):
        looks, timed = bool(matrix.histories), matrix.timed
    else:
        looks, timed = bool(matrix.sender), True
    timed = timed and "as_of" in rows and "occurred_at" in builder.events
    return has_history(rows, builder.events, "as_of" if timed else None) if looks else None
