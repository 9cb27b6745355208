"""Texts as one array of code points, the form that every text kernel reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from fraudsieve._typing import Array


@dataclass(frozen=True, slots=True)
class CodePoints:
    """Texts as one array of code points, end to end.

    Parameters
    ----------
    codes : ndarray of uint32, shape (n_characters,)
        The code points of all texts.
    offsets : ndarray of int64, shape (n_texts + 1,)
        Text ``i`` is ``codes[offsets[i]:offsets[i + 1]]``.

    Examples
    --------
    >>> pack(["ab", ""]).offsets.tolist()
    [0, 2, 2]
    """

    codes: Array
    offsets: Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def unpack(self) -> list[str]:
        """Return the texts as strings.

        Returns
        -------
        list of str, length n_texts

        Examples
        --------
        >>> pack(["中奖", "hi"]).unpack()
        ['中奖', 'hi']
        """
        whole = self.codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
        return [whole[a:b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]


def pack(texts: Sequence[str]) -> CodePoints:
    """Convert texts to one array of code points.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Any strings, lone surrogates and NUL bytes included.

    Returns
    -------
    CodePoints

    Examples
    --------
    >>> pack(["hi", "中"]).codes.tolist()
    [104, 105, 20013]
    """
    offsets = np.fromiter(accumulate(map(len, texts), initial=0), np.int64, len(texts) + 1)
    whole = "".join(texts).encode("utf-32-le", "surrogatepass")
    # A copy, since an array that cannot be written to is another type, for which every kernel would be compiled again.
    return CodePoints(np.frombuffer(whole, "<u4").astype(np.uint32), offsets)


def select_texts(texts: CodePoints, rows: Array) -> CodePoints:
    """Select texts, in the order of `rows`.

    Parameters
    ----------
    texts : CodePoints
    rows : ndarray of int64, shape (n_selected,)
        Their positions.

    Returns
    -------
    CodePoints

    Examples
    --------
    >>> select_texts(pack(["ab", "", "c"]), np.array([2, 0])).unpack()
    ['c', 'ab']
    """
    lengths = np.diff(texts.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return CodePoints(texts.codes[np.repeat(texts.offsets[rows], lengths) + within], offsets)
