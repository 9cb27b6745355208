"""Public suffixes: under which name of a host somebody could register a name of their own.

``a.b.co.uk`` belongs to whoever registered ``b.co.uk``, for ``co.uk`` is a public suffix. The list is kept as hashes of
its rules, read from the right, so that a walk over the labels of a host meets every rule that could hold. Hosts are in
ASCII: ``xn--`` where a name is not. ``scripts/build_suffix_table.py`` makes the table.
"""

from functools import cache
from importlib.resources import files

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import pack

__all__ = ["NORMAL", "find_rule", "hash_host", "hash_left", "registered_domain", "split_host", "suffix_table"]


TABLE = files("fraudsieve.features.cues") / "data" / "suffixes.npz"
NORMAL, WILD, EXCEPTION = 1, 2, 4
"""What a rule says, as bits: this is a suffix; so is every name right under it; this is none although such a name."""
SEED = np.uint64(0xCBF29CE484222325)
PRIME = np.uint64(0x100000001B3)
MAX_HOST = 253
DOT = 46


@cache
def suffix_table() -> tuple[Array, Array]:
    """Return the hashes of the rules, ascending, and their bits; read once a process.

    Returns
    -------
    hashes : ndarray of uint64, shape (n_rules,)
    rules : ndarray of uint8, shape (n_rules,)

    Examples
    --------
    >>> hashes, rules = suffix_table()
    >>> int(rules[np.searchsorted(hashes, hash_host("co.uk"))]) == NORMAL
    True
    """
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return stored["hash"], stored["rule"]


@nb.njit(inline="always")
def hash_left(value: np.uint64, code: np.uint32) -> np.uint64:
    """Add a character to the left of a hashed host (FNV-1a).

    Parameters
    ----------
    value : uint64
        The hash of what stands to its right.
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


def hash_host(host: str) -> np.uint64:
    """Hash a host, from its right end.

    Parameters
    ----------
    host : str
        In lower case.

    Returns
    -------
    uint64

    Examples
    --------
    >>> bool(hash_host("a.example") == hash_host("b.example"))
    False
    """
    value = int(SEED)
    for char in reversed(host):
        value = ((value ^ ord(char)) * int(PRIME)) % 2**64
    return np.uint64(value)


@nb.njit(inline="always")
def find_rule(value: np.uint64, hashes: Array) -> int:
    """Return where a hash stands in an ascending table, or -1.

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


@nb.njit(cache=True, nogil=True)
def split_host(codes: Array, start: int, stop: int, hashes: Array, rules: Array) -> tuple[int, int]:
    """Find the registered name and the public suffix of a host.

    Parameters
    ----------
    codes : ndarray of uint32
        Code points that hold the host, of at most 253 characters and in lower case.
    start, stop : int
        Where it begins and ends.
    hashes, rules : ndarray
        The table.

    Returns
    -------
    registered, suffix : int
        Where they begin; -1 and -1 when the suffix is not on the list or nothing is registered under it.

    Examples
    --------
    >>> split_host(pack(["shop.a.co.uk"]).codes, 0, 12, *suffix_table())
    (5, 7)
    """
    value, suffix, end, wild = SEED, -1, stop, False
    while end > start:
        begin = end
        while begin > start and codes[begin - 1] != DOT:
            begin -= 1
            value = hash_left(value, codes[begin])
        place = find_rule(value, hashes)
        bits = rules[place] if place >= 0 else 0
        if bits & EXCEPTION:
            suffix = end + 1
            break
        if wild or bits & (NORMAL | WILD):  # nobody registers the name above a wildcard either
            suffix = begin
        elif end == stop and place < 0:
            return -1, -1  # no such top-level domain
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
    """Return the name of a host that somebody registered.

    Parameters
    ----------
    host : str
        A host in ASCII and in lower case.

    Returns
    -------
    str or None
        None when the suffix is not on the list or nothing is registered under it, or it is longer than any host.

    Examples
    --------
    >>> registered_domain("pay.shop.com.cn"), registered_domain("com.cn"), registered_domain("a.nosuchname")
    ('shop.com.cn', None, None)
    """
    if len(host) > MAX_HOST:
        return None
    start, _ = split_host(pack([host]).codes, 0, len(host), *suffix_table())
    return None if start < 0 else host[start:]
