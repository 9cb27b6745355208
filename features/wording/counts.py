"""Counts of the hashed n-grams of training texts, four bytes per n-gram of a text.

One pass over the texts counts the n-grams, and all folds read the same counts. A float matrix would take eight more
bytes per n-gram, and a copy per fold.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

from .ngrams import BITS, MAX_TIMES, hash_ngrams, without_texts

COUNT_BITS = 7
"""Low bits of a packed n-gram: how often the text has it. The other bits are its column."""
COUNT_MASK = np.uint32((1 << COUNT_BITS) - 1)
COUNT_VALUES = np.concatenate([[0], 1 + np.log(np.arange(1, MAX_TIMES + 1, dtype=np.float32))]).astype(np.float32)
"""``1 + ln(times)`` by the number of times."""
CHUNK = 1 << 20  # characters whose n-grams are packed at a time


@dataclass(frozen=True, eq=False)
class NgramCounts:
    """The n-grams of texts, each with its number of occurrences, text after text."""

    # Shape (n_ngrams,). The column of an n-gram and, in the lowest `COUNT_BITS` bits, how often the text has it, at
    # most `MAX_TIMES`. The columns of a text ascend.
    packed: Array
    # Shape (n_texts + 1,). The n-grams of text `i` are `packed[ends[i]:ends[i + 1]]`.
    ends: Array
    # Shape (n_columns,). The bucket of each column, ascending.
    buckets: Array

    def __len__(self) -> int:
        return len(self.ends) - 1


def count_ngrams(texts: CodePoints, min_messages: int = 1, raw: CodePoints | None = None) -> NgramCounts:
    """Count the hashed n-grams of every text, with its raw n-grams if there are raw texts: see `hash_ngrams`."""
    raw = without_texts(len(texts)) if raw is None else raw
    chunks = [_count_chunk(texts, raw, first, last) for first, last in pairwise(_bounds(texts.offsets))]
    messages = np.zeros(1 << BITS, np.int64)
    for packed, _ in chunks:
        messages += np.bincount(packed >> COUNT_BITS, minlength=len(messages))
    is_kept = messages >= max(1, min(min_messages, len(texts)))
    return _keep_columns(chunks, is_kept, int(messages[is_kept].sum()))


def _bounds(offsets: Array) -> list[int]:
    """Return the positions of texts at which chunks of about `CHUNK` characters begin, and their number."""
    n_chunks = max(int(offsets[-1]) // CHUNK, 1)
    begins = np.searchsorted(offsets, np.arange(n_chunks) * (offsets[-1] / n_chunks))
    bounds: list[int] = np.unique([0, *np.minimum(begins, len(offsets) - 1), len(offsets) - 1]).tolist()
    return bounds


@compile_kernel()
def _pack_kernel(buckets: Array, ends: Array, packed: Array, begins: Array) -> None:
    """Sort the n-grams of each text, and pack those that are equal into one with its number of occurrences."""
    # `packed` is the column, here still the bucket, and the number of occurrences; `n` runs on over all texts.
    #
    #   buckets    7  3  7 |  3          ends      0  3  4
    #   sorted     3  7  7 |  3
    #   packed    3,1  7,2 | 3,1         begins    0  2  3
    #
    # The slice of `buckets` is sorted in place: the caller needs it no longer.
    n = INT_0
    for i in range(ends.size - 1):
        begins[i] = n
        own = buckets[ends[i] : ends[i + 1]]
        own.sort()
        times = 0
        for k in range(own.size):
            times += 1
            if k + 1 == own.size or own[k + 1] != own[k]:
                packed[n] = np.uint32(own[k] << COUNT_BITS | min(times, MAX_TIMES))
                n += 1
                times = 0
    begins[ends.size - 1] = n


def _count_chunk(texts: CodePoints, raw: CodePoints, first: int, last: int) -> tuple[Array, Array]:
    """Return the packed n-grams of some texts, with buckets for columns, and where those of each text begin."""
    buckets, ends = hash_ngrams(_slice(texts, first, last), _slice(raw, first, last))
    packed, begins = np.empty(ends[-1], np.uint32), np.empty(len(ends), np.int64)
    _pack_kernel(buckets, ends, packed, begins)
    return packed[: begins[-1]].copy(), begins


def _slice(texts: CodePoints, first: int, last: int) -> CodePoints:
    offsets = texts.offsets[first : last + 1]
    return CodePoints(texts.codes[offsets[0] : offsets[-1]], offsets - offsets[0])


def _keep_columns(chunks: list[tuple[Array, Array]], is_kept: Array, n_kept: int) -> NgramCounts:
    """Number the buckets that are kept, and join the chunks; each is freed as it is joined."""
    column_of = (np.cumsum(is_kept) - 1).astype(np.uint32)
    packed, ends, position = np.empty(n_kept, np.uint32), [np.zeros(1, np.int64)], 0
    while chunks:
        chunk, begins = chunks.pop(0)
        kept = is_kept[chunk >> COUNT_BITS]
        ends.append(position + np.concatenate([[0], np.cumsum(kept)])[begins[1:]])
        chunk = chunk[kept]
        packed[position : position + len(chunk)] = column_of[chunk >> COUNT_BITS] << COUNT_BITS | chunk & COUNT_MASK
        position += len(chunk)
    return NgramCounts(packed, np.concatenate(ends), np.flatnonzero(is_kept).astype(np.int32))
