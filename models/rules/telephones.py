"""Rules for telephone numbers in a text, whatever their spelling."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.cues.numbers import NUMBERS, find_numbers
from fraudsieve.features.cues.telephones import GAPS, PHONES
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes

MOBILE, LANDLINE, ABROAD = (NUMBERS.index(name) for name in ("phones_cn", "landlines", "phones_international"))
IS_TELEPHONE = np.array([name in PHONES for name in NUMBERS])
KIND = 10**16
"""Telephone numbers have up to 15 digits; their type is encoded in front of these."""
BLANK, PLUS, ZERO, NINE, LETTER_A, LETTER_Z = map(ord, " +09az")


def find_telephones(texts: CodePoints) -> tuple[Array, Array]:
    """Find the telephone numbers in normalised texts."""
    prefixes = _international_prefixes(texts)
    if len(prefixes):
        codes = texts.codes.copy()
        codes[prefixes], codes[prefixes + 1] = BLANK, PLUS
        texts = CodePoints(codes, texts.offsets)
    spans = find_numbers(texts)
    spans = spans[IS_TELEPHONE[spans[:, 1]]]
    return spans[:, 0], _numbers(texts.codes, spans)


def _international_prefixes(texts: CodePoints) -> Array:
    """Return where 00 begins a group of digits and a country code follows, as in 0044.

    The features of a model do not read these as telephone numbers. Groups that continue other digits or letters are
    left alone: 138 0013 8000 has no country code.
    """
    codes, is_zero = texts.codes, texts.codes == ZERO
    places = np.flatnonzero(is_zero[:-2] & is_zero[1:-1] & (codes[2:] > ZERO) & (codes[2:] <= NINE))
    if not len(places):
        return places
    text = np.searchsorted(texts.offsets, places, "right") - 1
    first = texts.offsets[text]
    before = [np.where(places - back >= first, codes[np.maximum(places - back, 0)], 0) for back in (1, 2, 3)]
    digit, gap = [(code >= ZERO) & (code <= NINE) for code in before], np.isin(before, GAPS)
    joined = digit[0] | (gap[0] & (digit[1] | (gap[1] & digit[2])))  # to the previous group, as in `read_groups`
    letter = (before[0] >= LETTER_A) & (before[0] <= LETTER_Z)
    return np.asarray(places[~joined & ~letter & (places + 2 < texts.offsets[text + 1])])


@compile_kernel()
def _numbers(codes: Array, spans: Array) -> Array:
    numbers = np.empty(spans.shape[0], np.int64)
    for span in range(spans.shape[0]):
        kind, value, n_digits = spans[span, 1], np.int64(0), 0
        for position in range(spans[span, 2], spans[span, 3]):
            code = np.int64(codes[position])
            if 48 <= code <= 57:
                value, n_digits = 10 * value + code - 48, n_digits + 1
        if kind == MOBILE:
            value %= 10**11
        elif kind == ABROAD and value // 10 ** max(n_digits - 2, 0) == 86:  # a landline, written from abroad
            kind, value = LANDLINE, value % 10 ** (n_digits - 2)
        numbers[span] = (kind + 1) * KIND + value
    return numbers


def normalise_telephones(values: Sequence[str]) -> list[int]:
    """Normalise telephone numbers in the same way as those of messages."""
    text, number = find_telephones(fold_codes(pack(values))[0])
    good = np.bincount(text, minlength=len(values)) == 1
    if not good.all():
        position = int(np.flatnonzero(~good)[0])
        problem = "expected a telephone number such as 13800138000 or +44 20 7946 0958"
        raise ValueError(f"values, position {position}: {problem}")
    return [int(value) for value in number]


class TelephoneTable(NamedTuple):
    """Telephone numbers, ascending, and the ranks of their rules."""

    numbers: Array
    ranks: Array

    @classmethod
    def of(cls, ranks: Mapping[int, int]) -> Self:
        """Build the table of normalised numbers."""
        numbers = sorted(ranks)
        return cls(np.array(numbers, np.int64), np.array([ranks[number] for number in numbers], np.int64))

    def ranks_of(self, numbers: Array, no_rule: int) -> Array:
        """Return the rank of the rule that matches each number; `no_rule` if none does."""
        if not len(self.numbers):
            return np.full(len(numbers), no_rule, np.int64)
        at = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return np.where(self.numbers[at] == numbers, self.ranks[at], no_rule)
