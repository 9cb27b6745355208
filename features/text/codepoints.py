"""Texts as one array of code points, the form that every text kernel reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from fraudsieve._compiled import compile_inlined
from fraudsieve._typing import Array

TEXT, KIND, BEGIN, END = range(4)
"""Columns of spans."""
SHORTEST = 3
"""Minimum length of a span, that of a custom hotline such as 110. Spans of a kernel do not overlap, so this bounds
their number."""


@dataclass(frozen=True, slots=True)
class CodePoints:
    """Texts as one array of code points, end to end."""

    # Shape (n_characters,). The code points of all texts.
    codes: Array
    # Shape (n_texts + 1,). Text `i` is `codes[offsets[i]:offsets[i + 1]]`.
    offsets: Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def unpack(self) -> list[str]:
        """Return the texts as strings."""
        whole = self.codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
        return [whole[a:b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]


def pack(texts: Sequence[str]) -> CodePoints:
    """Convert texts to one array of code points."""
    offsets = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)
    whole = "".join(texts).encode("utf-32-le", "surrogatepass")
    # A copy, since an array that cannot be written to is another type, for which every kernel would be compiled again.
    return CodePoints(np.frombuffer(whole, "<u4").astype(np.uint32), offsets)


def select_texts(texts: CodePoints, rows: Array) -> CodePoints:
    """Select texts, in the order of `rows`."""
    lengths = np.diff(texts.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return CodePoints(texts.codes[np.repeat(texts.offsets[rows], lengths) + within], offsets)


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
