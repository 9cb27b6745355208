"""Look-alikes of brands in messages with a link: ``paypal-login.com``, ``paypa1.com``, ``icbc.shop.com``.

The user supplies the brands. The domains of a brand and their subdomains are not look-alikes; without declared domains,
its name under any public suffix is its own.
The time is bounded by the length of the messages with a host, times the number of brands.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

from fraudsieve._compiled import INT_0, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import is_alnum
from fraudsieve.features.text.codepoints import BEGIN, END, KIND, TEXT
from fraudsieve.features.text.fold import fold_text

from .links import HOST
from .suffixes import Suffixes, find_rule, hash_span, split_host

BrandTables: TypeAlias = tuple[Array, Array, Array, Array]
"""The names of brands, packed, and where they end; whether each owns its name under every suffix; and their domains."""
BRANDS = ("lookalike_brands",)
DOT, HYPHEN, S = map(ord, ".-s")
SHORTEST_WORD = 5
"""Minimum length of brands that words are compared with: too many words are one edit from shorter ones."""
VALID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])")


def check_brands(brands: Sequence[str]) -> tuple[str, ...]:
    """Fold and check brands."""
    if isinstance(brands, str) or not all(isinstance(brand, str) for brand in brands):
        raise TypeError("Expected a sequence of brands as strings. Pass a tuple: brands=('paypal', 'icbc').")
    folded = tuple(dict.fromkeys(fold_text(brand) for brand in brands))
    invalid = [brand for brand in folded if len(brand) < 3 or not VALID.fullmatch(brand)]
    if invalid:
        form = "3 to 63 characters a-z, 0-9 and hyphens, as in a host without its suffix"
        raise ValueError(f"Expected brands of {form}; {len(invalid)} of {len(folded)} are not. Remove these brands.")
    return folded


@compile_part()
def _is_brand(codes: Array, begin: int, end: int, brand: Array) -> bool:
    if end - begin != brand.size:
        return False
    for k in range(brand.size):  # noqa: SIM110 - a generator does not compile
        if codes[begin + k] != brand[k]:
            return False
    return True


@compile_part()
def _one_edit(codes: Array, begin: int, end: int, brand: Array) -> bool:
    """Return whether a span becomes the brand by one inserted, deleted or replaced character."""
    # What is equal from the left and from the right leaves one character of the longer one:
    #
    #   span    p a y p a 1        p a y p a a l
    #   brand   p a y p a l        p a y p a l
    #   head    5                  5                 tail 0, and 1; 6 - 5 - 0 = 1, and 7 - 5 - 1 = 1
    size, other = end - begin, brand.size
    if abs(size - other) > 1:
        return False
    head = 0
    while head < min(size, other) and codes[begin + head] == brand[head]:
        head += 1
    tail = 0
    while tail < min(size, other) - head and codes[end - 1 - tail] == brand[other - 1 - tail]:
        tail += 1
    return max(size, other) - head - tail == 1


@compile_part()
def _label_resembles(codes: Array, begin: int, end: int, brand: Array) -> bool:
    """Return whether a label contains the brand, or a part of it between hyphens is one edit from the brand."""
    for position in range(begin, end - brand.size + 1):
        if _is_brand(codes, position, position + brand.size, brand):
            return True
    position = begin
    for k in range(begin, end + 1):
        if k == end or codes[k] == HYPHEN:
            if _one_edit(codes, position, k, brand):
                return True
            position = k + 1
    return False


@compile_part()
def _host_resembles(codes: Array, begin: int, registered: int, suffix: int, brand: Array) -> bool:
    position = begin
    for k in range(begin, suffix):
        if codes[k] == DOT:
            if _label_resembles(codes, position, k, brand):
                return True
            position = k + 1
    return False


@compile_part()
def _is_lookalike(codes: Array, begin: int, end: int, suffixes: Suffixes, listed: BrandTables) -> bool:
    """Return whether a host resembles a brand and does not belong to any brand."""
    brands, ends, any_suffix, domains = listed
    registered, suffix = split_host(codes, begin, end, suffixes)
    if domains.size and find_rule(hash_span(codes, registered, end), domains) >= 0:
        return False
    for b in range(ends.size - 1):
        if any_suffix[b] and _is_brand(codes, registered, suffix - 1, brands[ends[b] : ends[b + 1]]):
            return False
    for b in range(ends.size - 1):
        if _host_resembles(codes, begin, registered, suffix, brands[ends[b] : ends[b + 1]]):
            return True
    return False


@compile_part()
def _word_resembles(codes: Array, begin: int, end: int, brands: Array, ends: Array) -> bool:
    """Return whether a word is one edit from a brand, except its plural."""
    for b in range(ends.size - 1):
        brand = brands[ends[b] : ends[b + 1]]
        if _is_brand(codes, begin, end, brand):
            return False
    for b in range(ends.size - 1):
        brand = brands[ends[b] : ends[b + 1]]
        plural = codes[end - 1] == S and _is_brand(codes, begin, end - 1, brand)
        if brand.size >= SHORTEST_WORD and not plural and _one_edit(codes, begin, end, brand):
            return True
    return False


@compile_part()
def _count_words(codes: Array, start: int, stop: int, brands: Array, ends: Array) -> int:
    """Count the words between two positions that resemble a brand."""
    count, position = 0, start
    while position < stop:
        begin = position
        while position < stop and is_alnum(codes[position]):
            position += 1
        count += position > begin and _word_resembles(codes, begin, position, brands, ends)
        position += 1
    return count


@compile_kernel()
def brand_kernel(
    codes: Array, offsets: Array, spans: Array, suffixes: Suffixes, listed: BrandTables, out: Array
) -> None:
    brands, ends = listed[:2]
    counted_to = INT_0
    for k in range(spans.shape[0]):
        i = spans[k, TEXT]
        last = k + 1 == spans.shape[0] or spans[k + 1, TEXT] != i
        first = k == 0 or spans[k - 1, TEXT] != i
        if first:
            counted_to, hosts, words = offsets[i], 0, 0
        hosts += spans[k, KIND] == HOST
        words += _count_words(codes, counted_to, spans[k, BEGIN], brands, ends)
        if spans[k, KIND] == HOST:
            begin, end = spans[k, BEGIN], spans[k, END]
            out[i, 0] += _is_lookalike(codes, begin, end, suffixes, listed)
        counted_to = spans[k, END]
        if last:
            words += _count_words(codes, counted_to, offsets[i + 1], brands, ends)
            out[i, 0] += words if hosts else 0
