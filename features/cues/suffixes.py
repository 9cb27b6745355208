"""Public suffixes: the names directly under which domains can be registered.

``a.b.co.uk`` belongs to the owner of ``b.co.uk``, since ``co.uk`` is a public suffix. The table has hashes of rules,
computed from right to left, so one pass over the labels of a host finds all rules that may apply. Hosts are in ASCII,
with ``xn--`` for other scripts. ``scripts/tables/suffixes.py`` builds the table.
"""

from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import pack

Suffixes: TypeAlias = tuple[Array, Array]
"""The hashes of the rules, ascending, and their bits."""
TABLE = files("fraudsieve.features.cues") / "data" / "suffixes.npz"
NORMAL, WILD, EXCEPTION = 1, 2, 4
"""Bits of a rule: the name is a suffix, every name directly under it is one, or it is an exception from such a rule."""
SEED = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x100000001B3)
MAX_HOST = 253
DOT = 46


@cache
def suffix_table() -> Suffixes:
    """Return the hashes of the rules, ascending, and their bits; read once per process."""
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return stored["hash"], stored["rule"]


@compile_inlined()
def hash_left(value: np.uint64, code: np.uint32) -> np.uint64:
    """Add a character to the left of a hashed host (FNV-1a).

    Parameters
    ----------
    value : uint64
        Hash of the characters to the right of it.
    code : uint32
        The character.

    Returns
    -------
    uint64

    Examples
    --------
    >>> with np.errstate(over="ignore"):
    ...     bool(hash_left(SEED, np.uint32(97)) == hash_host("a"))
    True
    """
    return (value ^ np.uint64(code)) * PRIME


@compile_part()
def hash_span(codes: Array, start: int, stop: int) -> np.uint64:
    """Hash a part of a text as `hash_host` hashes a host.

    Examples
    --------
    >>> bool(hash_span(pack(["see a.example"]).codes, 4, 13) == hash_host("a.example"))
    True
    """
    value = SEED
    for k in range(stop - start):
        value = hash_left(value, codes[stop - 1 - k])
    return value


def hash_host(host: str) -> np.uint64:
    """Hash a host from right to left."""
    value = int(SEED)
    for char in reversed(host):
        value = ((value ^ ord(char)) * int(PRIME)) % 2**64
    return np.uint64(value)


@compile_inlined()
def find_rule(value: np.uint64, hashes: Array) -> int:
    """Return the position of a hash in an ascending table, or -1.

    Examples
    --------
    >>> find_rule(np.uint64(7), np.array([3, 7], np.uint64)), find_rule(np.uint64(8), np.array([3, 7], np.uint64))
    (1, -1)
    """
    low, high = 0, hashes.size
    while low < high:
        middle = (low + high) >> 1
        if hashes[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < hashes.size and hashes[low] == value else -1


@compile_kernel()
def split_host(codes: Array, start: int, stop: int, suffixes: Suffixes) -> tuple[int, int]:
    """Find the registered name and the public suffix of a host.

    Parameters
    ----------
    codes : ndarray of uint32
        Code points with the host, in lower case and of at most 253 characters.
    start, stop : int
        Start and end of the host.
    suffixes : tuple of ndarray
        From `suffix_table`.

    Returns
    -------
    registered, suffix : int
        Their starts; -1 and -1 if the suffix is not on the list, or the host has no registered name.

    Examples
    --------
    >>> split_host(pack(["shop.a.co.uk"]).codes, 0, 12, suffix_table())
    (5, 7)
    """
    # Labels are hashed from right to left, one after the other into the same hash, which is looked up after each. With
    # the rules "uk" and "co.uk":
    #
    #   shop . a . co . uk
    #                   uk        a rule: suffix = its begin
    #              co . uk        a rule: suffix = its begin
    #          a . co . uk        no rule
    #          |   suffix
    #          registered         the label before the suffix
    #
    # A rule "*.ck" makes the label before "ck" part of the suffix, whatever it is. An exception "!www.ck" leaves
    # "ck" as the suffix.
    hashes, rules = suffixes
    value, suffix, end, wild = SEED, -1, stop, False
    while end > start:
        begin = end
        while begin > start and codes[begin - 1] != DOT:
            begin -= 1
            value = hash_left(value, codes[begin])
        position = find_rule(value, hashes)
        bits = rules[position] if position >= 0 else 0
        if bits & EXCEPTION:
            suffix = end + 1
            break
        if wild or bits & (NORMAL | WILD):  # nor can the name above a wildcard be registered
            suffix = begin
        elif end == stop and position < 0:
            return -1, -1  # unknown top-level domain
        wild = bool(bits & WILD)
        end = begin - 1
        value = hash_left(value, np.uint32(DOT))
    if suffix <= start or suffix > stop:
        return -1, -1
    registered = suffix - 1
    while registered > start and codes[registered - 1] != DOT:
        registered -= 1
    return (registered, suffix) if registered < suffix - 1 else (-1, -1)


def registered_domain(host: str) -> str | None:
    """Return the registered name of a host."""
    if len(host) > MAX_HOST:
        return None
    start, _ = split_host(pack([host]).codes, 0, len(host), suffix_table())
    return None if start < 0 else host[start:]
