"""The pieces of a message that carry its wording score.

A score of `TextModel` is a sum over n-grams. Each occurrence of an n-gram shares its part evenly among the characters
that it covers, the marks of begin and end left out, so the parts of the characters add up to the score. Folding keeps
the order of what it keeps, so every folded character leads back to the character that it came from.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.features.text.fold_rules import DIGITS

from .model import TextModel
from .ngrams import MAX_N, VALUES, hash_ngrams

__all__ = ["character_weights", "sources", "spans"]


@nb.njit(inline="always")
def _share_out(rows: Array, part: Array, length: int, out: Array) -> None:
    """Give each character its share of the n-grams, which come in the order of `hash_ngrams`."""
    stop, k = length + 2, 0  # with the marks
    for at in range(stop):
        for n in range(1, min(MAX_N, stop - at) + 1):
            if n == 1 and (at == 0 or at == stop - 1):
                continue  # a mark alone is none
            first, last = max(at - 1, 0), min(at + n - 1, length)
            if rows[k] >= 0:
                for char in range(first, last):
                    out[char] += part[rows[k]] / (last - first)
            k += 1


@nb.njit(cache=True, nogil=True)
def _weigh_kernel(rows: Array, ends: Array, offsets: Array, weights: Array, output: int, out: Array) -> None:
    times = np.zeros(weights.shape[0], np.int32)
    part = np.empty(weights.shape[0])
    for i in range(offsets.size - 1):
        mine = rows[ends[i] : ends[i + 1]]
        for row in mine:
            if row >= 0:
                times[row] += 1
        square = 0.0
        for row in mine:
            if row >= 0 and times[row]:
                value = VALUES[min(times[row], VALUES.size - 1)]
                square += (value * weights[row, 0]) ** 2
                part[row] = value / times[row] * weights[row, output + 1]
                times[row] = 0
        if square > 0.0:
            mine_out = out[offsets[i] : offsets[i + 1]]
            _share_out(mine, part, offsets[i + 1] - offsets[i], mine_out)
            mine_out /= np.sqrt(square)


def character_weights(wording: TextModel, folded: CodePoints, output: int = 0) -> Array:
    """Share out the wording score of texts among their characters.

    Parameters
    ----------
    wording : TextModel
        The model.
    folded : CodePoints
        Folded texts.
    output : int, default=0
        The output of the model.

    Returns
    -------
    ndarray of float64, shape (n_characters,)
        Those of a text add up to its margin: times the model's scale, the intercept added before, that is `log_odds`.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> buckets = np.unique(hash_ngrams(pack(["ab"]))[0])
    >>> model = TextModel(("spam",), buckets, np.ones((len(buckets), 2), np.float32), np.zeros(1), 1.0)
    >>> character_weights(model, pack(["ab"])).round(6).tolist(), model.log_odds(pack(["ab"]))[0].round(6).tolist()
    ([1.414214, 1.414214], [[2.828427]])
    """
    out = np.zeros(len(folded.codes))
    if not len(wording.buckets):
        return out
    buckets, ends = hash_ngrams(folded)
    rows = np.searchsorted(wording.buckets, buckets).astype(np.int32)
    rows[rows == len(wording.buckets)] = 0
    rows[wording.buckets[rows] != buckets] = -1
    _weigh_kernel(rows, ends, folded.offsets, wording.rows, output, out)
    return out


@nb.njit(cache=True, nogil=True)
def _follow_kernel(folded: Array, single: Array, offsets: Array, digits: Array) -> Array:
    """Match folded characters, in order, with those of raw characters folded one by one; -1 from where none fits."""
    places = np.full(folded.size, -1, np.int64)
    raw, at = 0, 0
    for k in range(folded.size):
        while at < single.size:
            code = single[at]
            spells = code < digits.size and digits[code] < 10 and folded[k] == 48 + digits[code]
            at += 1
            if code == folded[k] or spells:
                while offsets[raw + 1] < at:
                    raw += 1
                places[k] = raw
                break
    return places


def sources(text: str, folded: Array) -> Array | None:
    """Find the raw character that every folded one came from.

    Parameters
    ----------
    text : str
        A text as it came.
    folded : ndarray of uint32, shape (n_folded,)
        The same, folded.

    Returns
    -------
    ndarray of int64, shape (n_folded,), or None
        Positions in `text`, ascending; None where `folded` is not what folding makes of it. Folding takes out
        characters and changes each for itself or, in numbers, into a digit; what it takes out between letters is no
        letter, so that the first that fits is the one.

    Examples
    --------
    >>> text = "f.r.e.e  Ｇift"
    >>> sources(text, fold_codes(pack([text]))[0].codes).tolist()  # "free gift"
    [0, 2, 4, 6, 7, 9, 10, 11, 12]
    """
    single = fold_codes(pack(list(text)))[0]
    places = _follow_kernel(folded, single.codes, single.offsets, DIGITS)
    return None if (places < 0).any() else places


def spans(weights: Array, n: int) -> list[tuple[int, int, float]]:
    """Merge neighbouring characters that say much for the same side, and return the strongest runs.

    Parameters
    ----------
    weights : ndarray of float64, shape (n_characters,)
        The weight of every character of one text. To say much is to weigh more than the mean, without sign, of those
        that weigh anything; those that weigh nothing belong to the run around them.
    n : int
        How many runs.

    Returns
    -------
    list of (start, stop, weight)
        Disjoint, the heaviest first, at most `n`. What is between them is left out.

    Examples
    --------
    >>> spans(np.array([0.5, 0.0, 1.0, -2.0, 0.0, 0.25]), 2)
    [(3, 4, -2.0), (2, 3, 1.0)]
    """
    weighty = np.flatnonzero(weights)
    if not len(weighty):
        return []
    some = weights[weighty]
    side = np.sign(some) * (np.abs(some) >= np.abs(some).mean())
    firsts = np.flatnonzero(np.diff(side, prepend=2.0))
    lasts = np.append(firsts[1:], len(weighty)) - 1
    totals = np.where(side[firsts] == 0, 0.0, np.add.reduceat(some, firsts))
    order = np.argsort(-np.abs(totals), kind="stable")[: min(n, np.count_nonzero(totals))]
    return [(int(weighty[firsts[i]]), int(weighty[lasts[i]]) + 1, float(totals[i])) for i in order]
