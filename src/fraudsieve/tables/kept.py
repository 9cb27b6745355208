"""Columns of an input that are written beside its results, as they were given."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fraudsieve.exceptions import SchemaError

from .column_names import describe_columns, nearest_column, other_columns
from .formats.files import storable
from .formats.loaded import LoadedTable


def kept_columns(loaded: LoadedTable, names: Sequence[str], rejected: pd.Series, origin: str) -> pd.DataFrame:
    """Return columns of a table, by the names that it gives them, without its rejected rows."""
    frame, given = loaded.frame, list(loaded.frame.columns)
    for name in names:
        if given.count(name) != 1:
            near = nearest_column(name, map(str, given))
            hint = f" (did you mean {near!r}?)" if near is not None and near != name else ""
            problem = f"expected one column {name!r} to keep, {describe_columns(given, header=loaded.header)}{hint}"
            others = other_columns(given, header=loaded.header)
            raise SchemaError(origin, problem, "Keep columns by the names that they have in the input.", columns=others)
    is_good = np.ones(len(frame), np.bool_)
    is_good[rejected.to_numpy(np.int64)] = False
    return storable_frame(frame.loc[is_good, list(names)])


def storable_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that Parquet can hold: cells of mixed types, also those of several tables, become strings."""
    return pd.DataFrame({name: storable(frame[name]).to_pandas(integer_object_nulls=True) for name in frame})
