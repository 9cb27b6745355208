"""Near-duplicates: messages with the same text except for names, numbers and links.

The fingerprint of a message is the MinHash of its character 3-grams (Broder, 1997), computed on the folded text with
every digit read as 0. Two messages are near-duplicates if their estimated Jaccard similarity is at least `SIMILAR`.
Candidates share a band of the fingerprint (Leskovec et al., Mining of Massive Datasets, chapter 3). Each is compared
with the first message of its bucket only, so the time is linear in the number of messages.
"""

from collections.abc import Sequence

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes

SIMILAR = 0.6
"""Minimum share of common 3-grams of two messages in one campaign."""
N_HASHES = 64
ROWS_PER_BAND = 4
SHINGLE = 3
CHUNK = 50_000
"""Texts that are folded at a time."""
MULTIPLIER = np.uint64(0xFF51AFD7ED558CCD)
HALF = np.uint64(32)
SEEDS = np.random.default_rng(0).integers(0, 2**63, N_HASHES, dtype=np.uint64)


@compile_kernel()
def _minhash_kernel(codes: Array, offsets: Array, seeds: Array, out: Array) -> None:
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        for first in range(start, max(stop - SHINGLE + 1, start + 1)):
            state = MULTIPLIER
            for j in range(first, min(first + SHINGLE, stop)):
                code = np.uint64(48) if 48 <= codes[j] <= 57 else np.uint64(codes[j])
                state = (state ^ code) * MULTIPLIER
                state ^= state >> HALF
            for k in range(seeds.size):
                out[i, k] = min(out[i, k], np.uint32(((state ^ seeds[k]) * MULTIPLIER) >> HALF))


def fingerprints(texts: CodePoints) -> Array:
    """Compute the MinHash of every text."""
    out = np.full((len(texts), N_HASHES), np.iinfo(np.uint32).max, np.uint32)
    _minhash_kernel(texts.codes, texts.offsets, SEEDS, out)
    return out


@compile_kernel()
def _root(parent: Array, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compile_kernel()
def _hash_band(prints: Array, i: int, band: int) -> np.int64:
    state = MULTIPLIER
    for column in range(band, band + ROWS_PER_BAND):
        state = (state ^ np.uint64(prints[i, column])) * MULTIPLIER
        state ^= state >> HALF
    return np.int64(state >> np.uint64(1))


@compile_kernel()
def _bucket_kernel(prints: Array, band: int, table: Array, slots: Array) -> None:
    """Find the bucket of every message, and its first message: the smallest fingerprint, whatever the order of rows."""
    for i in range(slots.size):
        slot = _hash_band(prints, i, band) & (table.size - 1)
        while True:
            other = table[slot]
            if other < 0:
                break
            differs = 0
            for column in range(band, band + ROWS_PER_BAND):
                differs += prints[i, column] != prints[other, column]
            if differs == 0:
                break
            slot = (slot + 1) & (table.size - 1)
        slots[i] = slot
        if other < 0:
            table[slot] = i
            continue
        column = 0
        while column < prints.shape[1] and prints[i, column] == prints[other, column]:
            column += 1
        if column < prints.shape[1] and prints[i, column] < prints[other, column]:
            table[slot] = i


@compile_kernel()
def _link_kernel(prints: Array, table: Array, slots: Array, parent: Array) -> None:
    """Join each member of a bucket to the first one if they are similar; the lower index is the root."""
    n_hashes = prints.shape[1]
    for i in range(slots.size):
        first = table[slots[i]]
        equal = 0
        for h in range(n_hashes):
            equal += prints[first, h] == prints[i, h]
        if i != first and equal >= SIMILAR * n_hashes:
            low, high = _root(parent, first), _root(parent, i)
            parent[max(low, high)] = min(low, high)


@compile_kernel()
def _root_kernel(parent: Array) -> None:
    for i in range(parent.size):
        parent[i] = _root(parent, i)


def _fingerprints_of(texts: Sequence[str]) -> Array:
    """Return the fingerprints of raw texts, in chunks, so that few texts are held as code points."""
    prints = np.empty((len(texts), N_HASHES), np.uint32)
    for first in range(0, len(texts), CHUNK):
        prints[first : first + CHUNK] = fingerprints(fold_codes(pack(texts[first : first + CHUNK]))[0])
    return prints


def near_duplicate_groups(texts: Sequence[str]) -> Array:
    """Group texts into campaigns: near-duplicates get the same number.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Raw texts.

    Returns
    -------
    ndarray of int64, shape (n_texts,)
        The position of the campaign's first message.

    Examples
    --------
    >>> near_duplicate_groups(["win 100 now at w1.example", "see you at six", "Win 999 now at w2.example"]).tolist()
    [0, 1, 0]
    """
    if not len(texts):
        return np.empty(0, np.int64)
    # Rows are compared by their bytes. This order must never change: it sets the first message of a bucket.
    prints = _fingerprints_of(texts).byteswap(inplace=True)
    parent, slots = np.arange(len(prints)), np.empty(len(prints), np.int64)
    table = np.empty(1 << (2 * len(prints)).bit_length(), np.int64)
    for band in range(0, N_HASHES, ROWS_PER_BAND):
        table.fill(-1)
        _bucket_kernel(prints, band, table, slots)
        _link_kernel(prints, table, slots, parent)
    _root_kernel(parent)
    return parent
