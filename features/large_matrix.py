"""Feature matrices that are too large for memory: their rows are in a file, mapped into memory.

::

    parts      history  history  network  record      a file each, filled in the order of entities
                  |        |        |       |
    joined     [ row 0 | row 1 | row 2 | ...     ]    one file, read from front to back

A mapped matrix is an array like any other. Its pages are in memory while they are used; `release` lets go of them, or
the system does when memory is short. The files have no name, and are gone with their array or their process.
"""

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fraudsieve._typing import Array

if TYPE_CHECKING:
    import pandas as pd  # services do without

MAX_BYTES = 2 << 30
"""Bytes up to which a matrix is in memory."""
BLOCK: Final = 20_000
"""Rows that are computed at a time."""
LARGE_FILES: Final = "/var/tmp"
"""The folder for large temporary files (File Hierarchy Standard 3.0): /tmp is in memory on some systems."""


class MatrixParts(list[Array]):
    """A matrix of float64 without values yet, by parts of its columns, each of shape (n_rows, width).

    Raises OSError if it is large, and the disk has no room for it.
    """

    def __init__(self, n_rows: int, widths: Sequence[int]) -> None:
        self._whole = None if is_large(n_rows, sum(widths)) else np.empty((n_rows, sum(widths)))
        if self._whole is None:
            super().__init__(_mapped(n_rows, width) for width in widths)
        else:
            super().__init__(np.split(self._whole, np.cumsum(widths)[:-1], axis=1))

    def joined(self) -> Array:
        """Return the matrix."""
        if self._whole is not None:
            return self._whole
        out = _mapped(len(self[0]), sum(part.shape[1] for part in self))
        for start in range(0, len(out), BLOCK):
            rows = slice(start, start + BLOCK)
            np.concatenate([part[rows] for part in self], axis=1, out=out[rows])
            release(out, *self)
        return out


def is_large(n_rows: int, n_columns: int) -> bool:
    """Return whether a matrix is in a file."""
    return n_rows * n_columns * 8 > MAX_BYTES


def is_mapped(X: Any) -> bool:
    """Return whether an array or a frame is in a file."""
    return _mapping(X) is not None


def release(*arrays: Array) -> None:
    """Let go of the pages of mapped arrays, which are read from their files when they are used again."""
    for array in arrays:
        mapping = _mapping(array)
        if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapping.madvise(mmap.MADV_DONTNEED)


def blocks_of(matrix: "pd.DataFrame") -> Iterator[Array]:
    """Yield the rows of a matrix, in blocks; an empty matrix is one block."""
    X = matrix.to_numpy()
    for start in range(0, max(len(X), 1), BLOCK):
        yield X[start : start + BLOCK]
        release(X)


def take_rows(matrix: "pd.DataFrame", rows: Array) -> "pd.DataFrame":
    """Return some rows of a matrix."""
    if not is_mapped(matrix):
        return matrix.iloc[rows]
    X, names = matrix.to_numpy(), matrix.columns
    (out,) = MatrixParts(len(rows), [len(names)])
    for start in range(0, len(rows), BLOCK):
        out[start : start + BLOCK] = X[rows[start : start + BLOCK]]
        release(X, out)
    return type(matrix)(out, matrix.index[rows], names, copy=False)


class _Mapping(mmap.mmap):
    """The file of a matrix; other mapped arrays are a user's."""


def _mapping(X: Any) -> _Mapping | None:
    array = X.iloc[:, 0].to_numpy() if hasattr(X, "iloc") and X.ndim == 2 and X.shape[1] else X
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, _Mapping) else None


def _mapped(n_rows: int, n_columns: int) -> Array:
    """Return an array of zeros in a file."""
    size = n_rows * n_columns * 8
    if not size:
        return np.empty((n_rows, n_columns))
    is_usable = "TMPDIR" not in os.environ and os.access(LARGE_FILES, os.W_OK)
    folder = LARGE_FILES if is_usable else tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(size)
            if hasattr(os, "posix_fallocate"):  # otherwise a full disk ends the process with SIGBUS
                os.posix_fallocate(file.fileno(), 0, size)
            return np.ndarray((n_rows, n_columns), np.float64, _Mapping(file.fileno(), size))
    except OSError as error:
        problem = f"{size / 1e9:.1f} GB for a matrix of features: {error.strerror}. Set TMPDIR to another folder"
        raise OSError(error.errno, problem, folder) from error
