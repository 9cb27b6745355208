"""Spans: the positions of matches in texts, by kind, as returned by the kernels."""

import numpy as np

from fraudsieve._compiled import compile_inlined
from fraudsieve._typing import Array

from .codepoints import CodePoints

TEXT, KIND, BEGIN, END = range(4)
"""Columns of spans."""
SHORTEST = 3
"""Minimum length of a span, that of a custom hotline such as 110. Spans of a kernel do not overlap, so this bounds
their number."""


def new_spans(texts: CodePoints) -> Array:
    """Allocate an array for all spans that a kernel can find."""
    return np.empty((texts.codes.size // SHORTEST, 4), np.int64)


@compile_inlined()
def add_span(spans: Array, n: int, text: int, kind: int, begin: int, end: int) -> int:
    """Fill in row `n` of the spans, and return the number of rows that are filled in.

    Examples
    --------
    >>> spans = np.zeros((2, 4), np.int64)
    >>> add_span(spans, 1, 5, 0, 3, 8), spans.tolist()
    (2, [[0, 0, 0, 0], [5, 0, 3, 8]])
    """
    spans[n, TEXT], spans[n, KIND], spans[n, BEGIN], spans[n, END] = text, kind, begin, end
    return n + 1


def count_spans(spans: Array, n_texts: int, n_kinds: int) -> Array:
    """Count the spans of every kind in every text."""
    if not len(spans):  # the usual case
        return np.zeros((n_texts, n_kinds), np.int64)
    return np.bincount(spans[:, TEXT] * n_kinds + spans[:, KIND], minlength=n_texts * n_kinds).reshape(n_texts, n_kinds)
