"""Surprisal of the characters and character pairs of a text, under a model of legitimate text.

Obfuscation is improbable: a rare homophone, a symbol within a word, a character that never follows the previous one.
Surprisal detects it without a list of known tricks. The probability of a character is its smoothed count. The
probability of a pair falls back on that of its second character (Dirichlet smoothing; Zhai and Lafferty, A Study of
Smoothing Methods for Language Models Applied to Information Retrieval, 2004).
"""

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack, select_texts
from fraudsieve.features.text.fold import fold_codes

SURPRISALS = ("char_mean", "char_std", "char_worst", "pair_mean", "pair_std", "pair_worst")
"""Mean, standard deviation and worst stretch of the surprisal in nats, of characters and of pairs."""
CHAR_BITS, PAIR_BITS = 16, 20
"""Numbers of buckets for characters and pairs, as powers of two."""
CHAR_COLUMNS, PAIR_COLUMNS = INT_0, INT_0 + 3
"""First columns of the characters and of the pairs. Each plain constant would compile `_summarise` again."""
STRETCH = 8
"""Length of a stretch, in characters."""
UNSEEN_COUNT = 0.5  # the count of an unseen character
UNSEEN_KINDS = 1000.0  # assumed number of unseen characters
PRIOR = 5.0  # weight of the probability of the character alone, in counts

FIRST, SECOND = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F)  # as in `ngrams`
BEGIN = np.uint64(0x110000)
CHAR_SHIFT, PAIR_SHIFT = np.uint64(64 - CHAR_BITS), np.uint64(64 - PAIR_BITS)
TABLE = files("fraudsieve.features.wording") / "data" / "background.npz"


@compile_inlined()
def _char_bucket(code: np.uint64) -> np.int64:
    return np.int64((code * FIRST) >> CHAR_SHIFT)


@compile_inlined()
def _pair_bucket(before: np.uint64, code: np.uint64) -> np.int64:
    return np.int64(((before * SECOND + code) * FIRST) >> PAIR_SHIFT)


@compile_kernel()
def _count_kernel(codes: Array, offsets: Array, rows: Array, chars: Array, pairs: Array) -> None:
    for i in rows:
        before = BEGIN
        for position in range(offsets[i], offsets[i + 1]):
            code = np.uint64(codes[position])
            chars[_char_bucket(code)] += 1
            pairs[_pair_bucket(before, code)] += 1
            before = code
        chars[_char_bucket(BEGIN)] += 1  # the mark that precedes the first character


def count_characters(texts: CodePoints, rows: Array) -> tuple[Array, Array]:
    """Count the characters and pairs of selected texts."""
    chars, pairs = np.zeros(1 << CHAR_BITS, np.uint32), np.zeros(1 << PAIR_BITS, np.uint32)
    _count_kernel(texts.codes, texts.offsets, rows, chars, pairs)
    return chars, pairs


@compile_kernel()
def _pair_kernel(before: Array, after: Array, times: Array, chars: Array, pairs: Array) -> None:
    for k in range(times.size):
        first, second = np.uint64(before[k]), np.uint64(after[k])
        chars[_char_bucket(first)] += times[k]
        pairs[_pair_bucket(first, second)] += times[k]


def count_pairs(before: Array, after: Array, times: Array) -> tuple[Array, Array]:
    """Add up pairs of characters that are counted already."""
    chars, pairs = np.zeros(1 << CHAR_BITS, np.uint32), np.zeros(1 << PAIR_BITS, np.uint32)
    _pair_kernel(before, after, times, chars, pairs)
    return chars, pairs


@compile_inlined()
def _summarise(values: Array, n: int, row: Array, position: int) -> None:
    """Fill in the mean, standard deviation and worst stretch of the first n values."""
    # The sum of a stretch moves on by one value; stretches of 3 in place of 8:
    #
    #   values      1   5   2   0   4
    #   stretch            8   7   6              1 + 5 + 2, then - 1 + 0, then - 5 + 4
    #
    # A text that is shorter than a stretch is one stretch.
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
    row[position], row[position + 1], row[position + 2] = (
        mean,
        np.sqrt(max(square / n - mean * mean, 0.0)),
        worst / width,
    )


PRIOR_SHARE, ALONE, BEFORE = range(3)
"""Columns that are computed for each character: its weighted share, its surprisal, and its smoothed count before
another character."""


@compile_kernel()
def _describe_chars(chars: Array, total: float, described: Array) -> None:
    for bucket in range(chars.size):
        n_code = float(chars[bucket])
        share = (n_code + UNSEEN_COUNT) / total
        described[bucket, PRIOR_SHARE] = PRIOR * share
        described[bucket, ALONE] = -np.log(share)
        described[bucket, BEFORE] = n_code + PRIOR


@compile_kernel()
def _surprisal_kernel(codes: Array, offsets: Array, described: Array, pairs: Array, out: Array) -> None:
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    alone, after = np.empty(longest), np.empty(longest)
    for i in range(offsets.size - 1):
        n = offsets[i + 1] - offsets[i]
        if n == 0:
            continue
        before = BEGIN
        n_before = described[_char_bucket(BEGIN), BEFORE]
        for k in range(n):
            code = np.uint64(codes[offsets[i] + k])
            bucket = _char_bucket(code)
            alone[k] = described[bucket, ALONE]
            after[k] = (pairs[_pair_bucket(before, code)] + described[bucket, PRIOR_SHARE]) / n_before
            before, n_before = code, described[bucket, BEFORE]
        for k in range(n):  # a separate loop, so that the counts of several pairs are fetched at a time
            after[k] = -np.log(after[k])
        _summarise(alone, n, out[i], CHAR_COLUMNS)
        _summarise(after, n, out[i], PAIR_COLUMNS)


@dataclass(frozen=True)
class CharacterModel:
    """Counts of the characters and character pairs of legitimate text."""

    # Shape (2**CHAR_BITS,). Counts by bucket; the start mark of each text is counted too.
    chars: Array
    # Shape (2**PAIR_BITS,). Counts by bucket.
    pairs: Array

    def __reduce__(self) -> tuple[type["CharacterModel"], tuple[Array, Array]]:
        return type(self), (self.chars, self.pairs)  # without what is cached

    @cached_property
    def _described(self) -> Array:
        """The columns of each character, cached because computing them takes as long as scoring hundreds of
        messages."""
        kinds = float(np.count_nonzero(self.chars)) + UNSEEN_KINDS
        total = float(self.chars.sum(dtype=np.float64)) + UNSEEN_COUNT * kinds
        described = np.zeros((len(self.chars), 4))  # rows of four numbers do not cross cache lines
        _describe_chars(self.chars, total, described)
        return described

    def plus(self, chars: Array, pairs: Array) -> "CharacterModel":
        """Return the model with more text."""
        return CharacterModel(self.chars + chars, self.pairs + pairs)

    def without(self, chars: Array, pairs: Array) -> "CharacterModel":
        """Return the model without some of its texts."""
        return CharacterModel(self.chars - chars, self.pairs - pairs)

    def surprisal(self, texts: CodePoints) -> Array:
        """Compute the surprisal of texts.

        Returns the columns of `SURPRISALS`, in nats; zeros for an empty text. A stretch has 8 characters.
        """
        out = np.zeros((len(texts), len(SURPRISALS)))
        _surprisal_kernel(texts.codes, texts.offsets, self._described, self.pairs, out)
        return out


def surprisal_out_of_fold(
    texts: CodePoints,
    legitimate: npt.NDArray[np.bool_],
    folds: Array,
    background: CharacterModel | None = None,
) -> tuple[CharacterModel, Array]:
    """Fit a character model of legitimate texts, and compute the surprisal of all texts out of fold."""
    model = CharacterModel(*count_characters(texts, np.flatnonzero(legitimate)))
    model = model if background is None else model.plus(background.chars, background.pairs)
    surprisal = np.empty((len(texts), len(SURPRISALS)))
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        others = model.without(*count_characters(texts, rows[legitimate[rows]]))
        surprisal[rows] = others.surprisal(select_texts(texts, rows))
    return model, surprisal


@cache
def chinese_background() -> tuple[CharacterModel, CharacterModel]:
    """Return the counts of everyday Chinese text."""
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        before, code, times = stored["before"], stored["code"], stored["times"].astype(np.uint32)
    raw = CharacterModel(*count_pairs(before, code, times))
    return raw, CharacterModel(*count_pairs(_folded(before), _folded(code), times))


def _folded(codes: Array) -> Array:
    """Fold characters one at a time; those that do not become one character stay as they are."""
    kinds, position = np.unique(codes, return_inverse=True)
    folded = fold_codes(pack([chr(code) if code < BEGIN else "" for code in kinds.tolist()]))[0]
    is_one = np.diff(folded.offsets) == 1
    kinds[is_one] = folded.codes[folded.offsets[:-1][is_one]]
    return np.asarray(kinds[position])
