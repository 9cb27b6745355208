"""Attribution of the score of a text model to characters and text spans.

A score of `TextModel` is a sum over n-grams. The contribution of each occurrence of an n-gram is divided equally among
the characters that it covers, excluding the start and end marks. The weights of the characters therefore add up to the
score. Folding preserves the order of characters, so each folded character can be traced back to a raw one.
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import DIGITS, OTHER_DIGIT, USES, fold_codes

from .model import MAX_N, VALUES, Raw, TextModel, find_rows, hash_ngrams, least_raw, longest, raw_texts, without_texts


@compile_inlined()
def _least_folded(length: int, least: Array) -> int:
    """Fill in the length of the shortest n-gram of each position, and return the length with the marks."""
    least[: length + 2] = 1
    least[0] = least[length + 1] = 2  # a single mark is none
    return length + 2


@compile_inlined()
def _distribute(rows: Array, contributions: Array, least: Array, stop: int, out: Array) -> None:
    """Add to each character its share of the n-grams, which are in the order of `hash_ngrams`."""
    # `position` and `stop` count the marks, but `first` and `last` do not: an n-gram at 1 begins with character 0.
    #
    #   marked        ^    a    b    $          length 2, stop 4
    #   ^ab           [         ]               at 0, n 3: first 0, last 2; a and b get a half each
    #   b$                      [    ]          at 2, n 2: first 1, last 2; b gets all
    k = 0
    for position in range(stop):
        for n in range(least[position], min(MAX_N, stop - position) + 1):
            first, last = max(position - 1, 0), min(position + n - 1, stop - 2)
            if rows[k] >= 0:
                for char in range(first, last):
                    out[char] += contributions[rows[k]] / (last - first)
            k += 1


@compile_kernel()
def _weigh_kernel(
    rows: Array, ends: Array, offsets: Array, raw: Raw, weights: Array, shares: Array, out: Array
) -> None:
    """Fill in the weights of the characters of all folded texts, and behind them those of all raw texts."""
    raw_offsets, times = raw[1], np.zeros(weights.shape[0], np.int32)
    contributions = np.empty(weights.shape[0])
    least = np.empty(max(longest(offsets), longest(raw_offsets)) + 2, np.int64)
    for i in range(offsets.size - 1):
        text_rows = rows[ends[i] : ends[i + 1]]
        for row in text_rows:
            if row >= 0:
                times[row] += 1
        square = 0.0
        for row in text_rows:
            if row >= 0 and times[row]:
                value = VALUES[min(times[row], VALUES.size - 1)]
                square += (value * weights[row, 0]) ** 2
                weight = 0.0
                for output in range(shares.shape[1]):
                    weight += shares[i, output] * weights[row, output + 1]
                contributions[row] = value / times[row] * weight
                times[row] = 0
        if square > 0.0:
            n_folded, raw_out = offsets[i + 1] - offsets[i], out[offsets[-1] + raw_offsets[i] :]
            stop = _least_folded(n_folded, least)
            _distribute(text_rows[: MAX_N * n_folded], contributions, least, stop, out[offsets[i] :])
            if raw_offsets[i + 1] > raw_offsets[i]:
                stop = least_raw(raw, i, least)
                _distribute(text_rows[MAX_N * n_folded :], contributions, least, stop, raw_out)
            length = np.sqrt(square)
            for position in range(offsets[i], offsets[i + 1]):
                out[position] /= length
            for position in range(raw_offsets[i + 1] - raw_offsets[i]):
                raw_out[position] /= length


def character_weights(model: TextModel, folded: CodePoints, shares: Array, raw: CodePoints | None = None) -> Array:
    """Attribute a weighted sum of the outputs of texts to their characters."""
    raw = without_texts(len(folded)) if raw is None else raw
    out = np.zeros(len(folded.codes) + len(raw.codes))
    if not len(model.buckets):
        return out
    buckets, ends = hash_ngrams(folded, raw)
    rows = find_rows(buckets, model.table)
    _weigh_kernel(rows, ends, folded.offsets, raw_texts(raw), model.rows, shares, out)
    return out


@compile_kernel()
def _match_kernel(folded: Array, single: Array, offsets: Array, digits: Array, uses: Array) -> Array:
    """Match folded characters, in order, to raw characters folded one at a time; -1 after the first mismatch."""
    #   raw           f  .  R  .  e  .  e       `single` is f . r . e . e, folded one by one; `offsets` divide it
    #   folded        f     r     e     e       without the signs between letters
    #   positions     0     2     4     6       `position` and `raw` only move on, so this is one pass over both
    positions = np.full(folded.size, -1, np.int64)
    raw, position = 0, 0
    for k in range(folded.size):
        while position < single.size:
            code = single[position]
            spells = code < digits.size and digits[code] < 10 and folded[k] == 48 + digits[code]
            stands = code < uses.size and uses[code] > OTHER_DIGIT and folded[k] == uses[code]
            position += 1
            if code == folded[k] or spells or stands:
                while offsets[raw + 1] < position:
                    raw += 1
                positions[k] = raw
                break
    return positions


def source_positions(text: str, folded: Array) -> Array | None:
    """Find the raw character that each folded character came from."""
    single = fold_codes(pack(list(text)))[0]
    positions = _match_kernel(folded, single.codes, single.offsets, DIGITS, USES)
    return None if (positions < 0).any() else positions


def spans(weights: Array, n: int) -> list[tuple[int, int, float]]:
    """Merge neighbouring characters with large weights of the same sign, and return the strongest text spans."""
    positions = np.flatnonzero(weights)
    if not len(positions):
        return []
    nonzero = weights[positions]
    side = np.sign(nonzero) * (np.abs(nonzero) >= np.abs(nonzero).mean())
    firsts = np.flatnonzero(np.diff(side, prepend=2.0))
    lasts = np.append(firsts[1:], len(positions)) - 1
    totals = np.where(side[firsts] == 0, 0.0, np.add.reduceat(nonzero, firsts))
    order = np.argsort(-np.abs(totals), kind="stable")[: min(n, np.count_nonzero(totals))]
    return [(int(positions[firsts[i]]), int(positions[lasts[i]]) + 1, float(totals[i])) for i in order]
