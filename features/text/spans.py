"""Spans: the positions of matches in texts, by kind, as returned by the kernels."""

import numpy as np

from fraudsieve._typing import Array

from .codepoints import CodePoints

__all__ = ["SHORTEST", "count_spans", "new_spans"]


SHORTEST = 4
"""Minimum length of a span. Spans of a kernel do not overlap, so this bounds their number."""


def new_spans(texts: CodePoints) -> Array:
    """Allocate an array for all spans that a kernel can find.

    Parameters
    ----------
    texts : CodePoints
        The texts.

    Returns
    -------
    ndarray of int64, shape (n_spans, 4)
        One row per span: the text, the kind, where it starts and where it stops; not filled.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> new_spans(pack(["12345678"])).shape
    (2, 4)
    """
    return np.empty((texts.codes.size // SHORTEST, 4), np.int64)


def count_spans(spans: Array, n_texts: int, n_kinds: int) -> Array:
    """Count the spans of every kind in every text.

    Parameters
    ----------
    spans : ndarray of int64, shape (n_spans, 4)
        The spans.
    n_texts, n_kinds : int
        The shape of the result.

    Returns
    -------
    ndarray of int64, shape (n_texts, n_kinds)

    Examples
    --------
    >>> count_spans(np.array([[1, 0, 4, 9], [1, 0, 9, 15]]), 2, 2).tolist()
    [[0, 0], [2, 0]]
    """
    if not len(spans):  # the usual case
        return np.zeros((n_texts, n_kinds), np.int64)
    return np.bincount(spans[:, 0] * n_kinds + spans[:, 1], minlength=n_texts * n_kinds).reshape(n_texts, n_kinds)
