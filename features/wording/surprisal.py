"""How improbable a text is, character by character and pair by pair, under a model of legitimate text.

Camouflage reads as nonsense: a rare homophone, a symbol within a word, a character that never follows the one before
it. None of these need be known in advance; they are improbable. A character has the probability of its smoothed count;
after another it has that of the pair, which falls back on the character's own (Dirichlet smoothing; Zhai and Lafferty,
A Study of Smoothing Methods for Language Models Applied to Information Retrieval, 2004).
"""

from dataclasses import dataclass
from functools import cached_property

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints

__all__ = ["CHAR_BITS", "PAIR_BITS", "SURPRISALS", "CharacterModel", "count_characters"]


SURPRISALS = ("char_mean", "char_std", "char_worst", "pair_mean", "pair_std", "pair_worst")
"""Mean, spread and worst stretch of the surprisal, in nats: of characters, and of characters after the one before."""
CHAR_BITS, PAIR_BITS = 16, 20
"""Characters and pairs are counted in so many buckets, as powers of two."""
STRETCH = 8
"""Characters of a stretch."""
HALF_SEEN = 0.5  # what a character that was never seen counts
UNSEEN_KINDS = 1000.0  # how many such characters are allowed for
PRIOR = 5.0  # how many times the one before counts as seen, with the character's own probability

FIRST, SECOND = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)  # as in `ngrams`
BEGIN = np.uint64(0x110000)
CHAR_SHIFT, PAIR_SHIFT = np.uint64(64 - CHAR_BITS), np.uint64(64 - PAIR_BITS)


@nb.njit(inline="always")
def _char_bucket(code: np.uint64) -> np.int64:
    return np.int64((code * FIRST) >> CHAR_SHIFT)


@nb.njit(inline="always")
def _pair_bucket(before: np.uint64, code: np.uint64) -> np.int64:
    return np.int64(((before * SECOND + code) * FIRST) >> PAIR_SHIFT)


@nb.njit(cache=True, nogil=True)
def _count_kernel(codes: Array, offsets: Array, rows: Array, chars: Array, pairs: Array) -> None:
    for i in rows:
        before = BEGIN
        for at in range(offsets[i], offsets[i + 1]):
            code = np.uint64(codes[at])
            chars[_char_bucket(code)] += 1
            pairs[_pair_bucket(before, code)] += 1
            before = code
        chars[_char_bucket(BEGIN)] += 1  # how often a text begins: what a first character comes after


def count_characters(texts: CodePoints, rows: Array) -> tuple[Array, Array]:
    """Count characters and pairs of some texts.

    Parameters
    ----------
    texts : CodePoints
        Texts.
    rows : ndarray of int64
        Which of them.

    Returns
    -------
    chars : ndarray of uint32, shape (2**CHAR_BITS,)
    pairs : ndarray of uint32, shape (2**PAIR_BITS,)

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> [int(counts.sum()) for counts in count_characters(pack(["hi", "you"]), np.array([1]))]
    [4, 3]
    """
    chars, pairs = np.zeros(1 << CHAR_BITS, np.uint32), np.zeros(1 << PAIR_BITS, np.uint32)
    _count_kernel(texts.codes, texts.offsets, rows, chars, pairs)
    return chars, pairs


@nb.njit(inline="always")
def _spread(values: Array, n: int, row: Array, at: int) -> None:
    """Fill in mean, deviation and worst stretch of the first n values."""
    total, square = 0.0, 0.0
    for k in range(n):
        total += values[k]
        square += values[k] * values[k]
    width = min(n, STRETCH)
    stretch = 0.0
    for k in range(width):
        stretch += values[k]
    worst = stretch
    for k in range(width, n):
        stretch += values[k] - values[k - width]
        worst = max(worst, stretch)
    mean = total / n
    row[at], row[at + 1], row[at + 2] = mean, np.sqrt(max(square / n - mean * mean, 0.0)), worst / width


@nb.njit(cache=True, nogil=True)
def _surprisal_kernel(codes: Array, offsets: Array, chars: Array, pairs: Array, total: float, out: Array) -> None:
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    alone, after = np.empty(longest), np.empty(longest)
    for i in range(offsets.size - 1):
        n = offsets[i + 1] - offsets[i]
        if n == 0:
            continue
        before = BEGIN
        n_before = float(chars[_char_bucket(BEGIN)])
        for k in range(n):
            code = np.uint64(codes[offsets[i] + k])
            n_code = float(chars[_char_bucket(code)])
            share = (n_code + HALF_SEEN) / total
            alone[k] = -np.log(share)
            after[k] = -np.log((pairs[_pair_bucket(before, code)] + PRIOR * share) / (n_before + PRIOR))
            before, n_before = code, n_code
        _spread(alone, n, out[i], 0)
        _spread(after, n, out[i], 3)


@dataclass(frozen=True)
class CharacterModel:
    """Counts of the characters of legitimate text, and of what follows what.

    Parameters
    ----------
    chars : ndarray of uint32, shape (2**CHAR_BITS,)
        By bucket; the mark at the begin of every text is counted too.
    pairs : ndarray of uint32, shape (2**PAIR_BITS,)
        By bucket.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> model = CharacterModel(*count_characters(pack(["see you at six"] * 50), np.arange(50)))
    >>> known, odd = model.surprisal(pack(["you see", "yxu sqe"]))
    >>> bool((odd > known).all())
    True
    """

    chars: Array
    pairs: Array

    @cached_property
    def _total(self) -> float:
        """All that was counted, and half a count for every kind: worked out once, for it takes as long as a message."""
        kinds = float(np.count_nonzero(self.chars)) + UNSEEN_KINDS
        return float(self.chars.sum(dtype=np.float64)) + HALF_SEEN * kinds

    def without(self, chars: Array, pairs: Array) -> "CharacterModel":
        """Return the model of all texts but those that were counted so.

        Parameters
        ----------
        chars, pairs : ndarray of uint32
            From `count_characters`, of texts that the model holds.

        Returns
        -------
        CharacterModel
        """
        return CharacterModel(self.chars - chars, self.pairs - pairs)

    def surprisal(self, texts: CodePoints) -> Array:
        """Measure texts.

        Parameters
        ----------
        texts : CodePoints
            Texts, of the form that was counted.

        Returns
        -------
        ndarray of float64, shape (n_texts, 6)
            `SURPRISALS`, in nats; zeros for an empty text. A stretch is of 8 characters.
        """
        out = np.zeros((len(texts), len(SURPRISALS)))
        _surprisal_kernel(texts.codes, texts.offsets, self.chars, self.pairs, self._total, out)
        return out
