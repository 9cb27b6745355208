"""The calibrated strangeness of a model in its folder: ``unlike_training.npz``, which holds numbers only."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.strangeness.columns import MAX_STRANGENESS_COLUMNS
from fraudsieve.models.strangeness.tails import LEVELS, Tails
from fraudsieve.models.strangeness.unlike_training import MAX_VALUES, UnlikeTraining

from .arrays import pack_arrays, read_arrays

__all__ = ["UNLIKE_FILE", "read_unlike", "unlike_files", "unlike_mismatch"]

UNLIKE_FILE: Final = "unlike_training.npz"


def unlike_files(unlike: UnlikeTraining | None) -> dict[str, bytes]:
    """Return the file that holds the arrays; none without them.

    Examples
    --------
    >>> unlike_files(None)
    {}
    """
    if unlike is None:
        return {}
    tails = unlike.tails
    arrays = {"columns": tails.columns, "knots": tails.knots, "missing": tails.missing}
    arrays |= {"values": unlike.values, "shares": unlike.shares, "usual": unlike.usual}
    return {UNLIKE_FILE: pack_arrays(arrays | {"scale": np.float64(unlike.scale)})}


def read_unlike(files: Mapping[str, bytes], n_columns: int) -> UnlikeTraining | None:
    """Read the arrays of a model with so many columns; None if the folder has none.

    Raises
    ------
    ArtifactError
        If an array is not one that such a model has.
    """
    if UNLIKE_FILE not in files:
        return None
    of_column, of_value = 8 * MAX_STRANGENESS_COLUMNS, 8 * MAX_VALUES
    sizes = {"columns": of_column, "knots": of_column * len(LEVELS), "missing": of_column}
    sizes |= {"values": of_value, "shares": of_value, "usual": 8 * n_columns, "scale": 8}
    try:
        arrays = read_arrays(files[UNLIKE_FILE], sizes)
    except ValueError as error:
        raise ArtifactError(UNLIKE_FILE, str(error), "Export the model again.") from None
    tails = Tails(arrays["columns"], np.ascontiguousarray(arrays["knots"]), arrays["missing"])
    return UnlikeTraining(tails, arrays["values"], arrays["shares"], float(arrays["scale"]), arrays["usual"])


def unlike_mismatch(unlike: UnlikeTraining | None, n_columns: int) -> str | None:
    """Return what is wrong with the arrays, or None; the kernel does not check bounds."""
    if unlike is None:
        return None
    tails, n_used, n_values = unlike.tails, len(unlike.tails.columns), len(unlike.values)
    parts = (tails.columns, tails.knots, tails.missing, unlike.values, unlike.shares, unlike.usual)
    shapes = ((n_used,), (n_used, len(LEVELS)), (n_used,), (n_values,), (n_values,), (n_columns,))
    types = ["int64", *["float64"] * 5]
    if tuple(part.shape for part in parts) != shapes or [part.dtype.name for part in parts] != types or not n_values:
        return "the arrays of unlike_training do not fit each other"
    if n_used and not (tails.columns.min() >= 0 and tails.columns.max() < n_columns):
        return "unlike_training uses columns that the model does not have"
    # With shares out of order, a stranger record would have a lower share.
    ascending = (tails.knots, 0.0), (unlike.values[None], 1e-300), (unlike.shares[None], 1e-300)
    is_sound = (
        all(bool((np.diff(part, axis=1) >= step).all()) for part, step in ascending)
        and all(bool(np.isfinite(part).all()) for part in (tails.knots, unlike.values))
        and all(bool(((part >= 0) & (part <= 1)).all()) for part in (tails.missing, unlike.shares))
        and 0 < unlike.scale < float("inf")
        and not np.isinf(unlike.usual).any()
    )
    return None if is_sound else "unlike_training has numbers out of order, or out of bounds"
