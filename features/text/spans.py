"""Spans: where in which text something of a kind was found, the form in which kernels hand on what they find."""

import numpy as np

from fraudsieve._typing import Array

from .codepoints import CodePoints

__all__ = ["SHORTEST", "count_spans", "new_spans"]


SHORTEST = 4
"""No kernel notes a span of fewer characters, and spans of a kernel do not overlap: there are never more than room."""


def new_spans(texts: CodePoints) -> Array:
    """Return room for all spans that a kernel can find.

    Parameters
    ----------
    texts : CodePoints
        The texts.

    Returns
    -------
    ndarray of int64, shape (n_spans, 4)
        A row a span: the text, the kind, where it starts and where it stops; not filled.

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
        What was found.
    n_texts, n_kinds : int
        The shape of the answer.

    Returns
    -------
    ndarray of int64, shape (n_texts, n_kinds)

    Examples
    --------
    >>> count_spans(np.array([[1, 0, 4, 9], [1, 0, 9, 15]]), 2, 2).tolist()
    [[0, 0], [2, 0]]
    """
    if not len(spans):  # most messages
        return np.zeros((n_texts, n_kinds), np.int64)
    return np.bincount(spans[:, 0] * n_kinds + spans[:, 1], minlength=n_texts * n_kinds).reshape(n_texts, n_kinds)
