"""The distance from the training rows, in the model folder: ``unlike_training.npz``, which contains only numbers."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from fraudsieve.exceptions import ArtifactError
from fraudsieve.models.unlike_training.compared_columns import MAX_COMPARED_COLUMNS
from fraudsieve.models.unlike_training.distance import TrainingDistance
from fraudsieve.models.unlike_training.shares import MAX_VALUES, UnlikeTraining

from .arrays import pack_arrays, read_arrays

UNLIKE_FILE: Final = "unlike_training.npz"
OF_DISTANCE: Final = ("columns", "center", "scale", "precision", "missing")
MAX_MAGNITUDE: Final = 1e9
"""Bound of the numbers of the distance; sums of products of larger ones could overflow."""


def unlike_files(unlike: UnlikeTraining | None) -> dict[str, bytes]:
    """Return the file that holds the arrays; none without them."""
    if unlike is None:
        return {}
    arrays = {name: getattr(unlike.distance, name) for name in OF_DISTANCE}
    arrays |= {"values": unlike.values, "shares": unlike.shares, "usual": unlike.usual}
    return {UNLIKE_FILE: pack_arrays(arrays | {"scale_beyond": np.float64(unlike.scale)})}


def read_unlike(files: Mapping[str, bytes], n_columns: int) -> UnlikeTraining:
    """Read the arrays of a model with the given number of columns."""
    of_column, of_value = 8 * MAX_COMPARED_COLUMNS, 8 * MAX_VALUES
    sizes = dict.fromkeys(OF_DISTANCE, of_column) | {"precision": of_column * MAX_COMPARED_COLUMNS}
    sizes |= {"values": of_value, "shares": of_value, "usual": 8 * n_columns, "scale_beyond": 8}
    try:
        arrays = read_arrays(files[UNLIKE_FILE], sizes)
    except ValueError as error:
        raise ArtifactError(UNLIKE_FILE, str(error), "Export the model again.") from None
    # The kernel reads rows of the matrix, and is compiled for this order alone.
    distance = TrainingDistance(**{name: np.ascontiguousarray(arrays[name]) for name in OF_DISTANCE})
    return UnlikeTraining(distance, arrays["values"], arrays["shares"], float(arrays["scale_beyond"]), arrays["usual"])


def unlike_mismatch(unlike: UnlikeTraining | None, n_columns: int) -> str | None:
    """Return what is wrong with the arrays, or None; the kernel does not check bounds."""
    if unlike is None:
        return None
    distance, n_used, n_values = unlike.distance, len(unlike.distance.columns), len(unlike.values)
    parts = (*(getattr(distance, name) for name in OF_DISTANCE), unlike.values, unlike.shares, unlike.usual)
    shapes = ((n_used,), (n_used,), (n_used,), (n_used, n_used), (n_used,), (n_values,), (n_values,), (n_columns,))
    types = ["int64", *["float64"] * 7]
    if tuple(part.shape for part in parts) != shapes or [part.dtype.name for part in parts] != types or not n_values:
        return "the arrays of unlike_training do not fit each other"
    if n_used and not (distance.columns.min() >= 0 and distance.columns.max() < n_columns):
        return "unlike_training uses columns that the model does not have"
    # With shares out of order, a more unfamiliar record would have a lower share.
    is_valid = (
        all(bool((np.abs(part) <= MAX_MAGNITUDE).all()) for part in (*parts[1:4], unlike.values))
        and all(bool((np.diff(part) > 0).all()) for part in (unlike.values, unlike.shares))
        and all(bool(((part >= 0) & (part <= 1)).all()) for part in (distance.missing, unlike.shares))
        and bool((distance.scale > 0).all())
        and 0 < unlike.scale < float("inf")
        and not np.isinf(unlike.usual).any()
    )
    return None if is_valid else "unlike_training has numbers out of order, or out of bounds"
