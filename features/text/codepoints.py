"""Texts as one array of code points, the form that every text kernel reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from fraudsieve._typing import Array


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
