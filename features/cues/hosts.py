"""Hosts in running text: where one begins and ends, and what is odd about it.

A host is labels of ``a-z0-9-`` with single points between them. The functions read folded code points and are compiled
into the kernels of `links` and `brands`.
"""

import numba as nb

from fraudsieve._typing import Array
from fraudsieve.features.text.characters import code_number, is_alnum, is_digit, is_host, is_latin, starts_with

from .suffixes import MAX_HOST, split_host

__all__ = ["find_host", "is_ip", "is_suspicious", "local_part", "path_end", "split_cut"]


DOT, HYPHEN, AT, COLON = 46, 45, 64, 58
HTTP_END = (58, 47, 47)  # ://
MAX_LOCAL = 64
CUTS = 3


@nb.njit(nogil=True)
def find_host(codes: Array, dot: int, left: int, stop: int) -> tuple[int, int]:
    """Return where the host begins and ends whose first point is at `dot`.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    dot : int
        The place of the point.
    left, stop : int
        How far the host may reach.

    Returns
    -------
    begin, end : int
        Without hyphens at the ends. One label alone, where `begin` or `end` is at the point, is no host.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> find_host(pack(["at a.b-c.com."]).codes, 4, 0, 13)
    (3, 12)
    """
    begin = dot
    while begin > left and is_host(codes[begin - 1]):
        begin -= 1
    while begin < dot and codes[begin] == HYPHEN:
        begin += 1
    if begin == dot:
        return dot, dot  # not a look to the right: from every point of "-.-.-" it would be one to the end
    end = dot
    while end + 1 < stop and codes[end] == DOT and is_host(codes[end + 1]):
        end += 1
        while end < stop and is_host(codes[end]):
            end += 1
    while end > dot and codes[end - 1] == HYPHEN:
        end -= 1
    return begin, end


@nb.njit(nogil=True)
def is_ip(codes: Array, begin: int, end: int) -> bool:
    """Return whether a host is four numbers of 0 to 255.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> is_ip(pack(["10.0.0.255"]).codes, 0, 10), is_ip(pack(["10.0.0.256"]).codes, 0, 10)
    (True, False)
    """
    numbers, value, length = 0, 0, 0
    for at in range(begin, end + 1):
        if at == end or codes[at] == DOT:
            if not 1 <= length <= 3 or value > 255:
                return False
            numbers, value, length = numbers + 1, 0, 0
        elif is_digit(codes[at]) and length < 4:
            value, length = 10 * value + code_number(codes[at]) - 48, length + 1
        else:
            return False
    return numbers == 4


@nb.njit(nogil=True)
def split_cut(codes: Array, begin: int, end: int, hashes: Array, rules: Array) -> tuple[int, int, int]:
    """Split a host, without its last labels where only that gives a public suffix: ``shop.com.See you``.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    begin, end : int
        The host.
    hashes, rules : ndarray
        The table of public suffixes.

    Returns
    -------
    registered, suffix, end : int
        Where the registered name and the suffix begin, and where the host ends; -1 thrice for none.

    Examples
    --------
    >>> from fraudsieve.features.cues.suffixes import suffix_table
    >>> from fraudsieve.features.text.codepoints import pack
    >>> split_cut(pack(["a.shop.com.seeyou"]).codes, 0, 17, *suffix_table())
    (2, 7, 10)
    """
    for _ in range(CUTS):
        if end - begin <= MAX_HOST:
            registered, suffix = split_host(codes, begin, end, hashes, rules)
            if registered >= 0:
                return registered, suffix, end
        while end > begin and codes[end - 1] != DOT:
            end -= 1
        end -= 1
        if end <= begin:
            break
    return -1, -1, -1


@nb.njit(nogil=True)
def local_part(codes: Array, at: int, left: int) -> int:
    """Return where the local part of an e-mail address begins that ends before `at`; `at` for none.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> local_part(pack(["to .a+b@c.example"]).codes, 7, 0), local_part(pack(["see @b"]).codes, 4, 0)
    (4, 4)
    """
    begin = at
    while begin > left and at - begin < MAX_LOCAL:
        code = codes[begin - 1]
        if not is_host(code) and code != DOT and code != 95 and code != 37 and code != 43:  # _ % +
            break
        begin -= 1
    while begin < at and not is_alnum(codes[begin]):
        begin += 1
    return begin


@nb.njit(nogil=True)
def path_end(codes: Array, end: int, stop: int) -> tuple[int, int]:
    """Return where the path behind a host begins and ends, past a port; equal for none.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> path_end(pack(["a.com:80/x?y=1 z"]).codes, 5, 16), path_end(pack(["a.com: yes"]).codes, 5, 10)
    ((8, 14), (5, 5))
    """
    at = end
    if at < stop and codes[at] == COLON:
        at += 1
        while at < stop and is_digit(codes[at]) and at - end <= 5:
            at += 1
        if at == end + 1:
            return end, end
    begin = at
    if at < stop and (codes[at] == 47 or codes[at] == 63 or codes[at] == 35):  # / ? #
        while at < stop and 33 <= codes[at] <= 126:
            at += 1
    return begin, at


@nb.njit(nogil=True)
def is_suspicious(codes: Array, begin: int, registered: int, suffix: int) -> bool:
    """Return whether a host looks made up: deep under its registered name, hyphened, or letters with digits.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    begin, registered, suffix : int
        Where the host, its registered name and its public suffix begin.

    Returns
    -------
    bool
        Three labels or more before the registered name, two hyphens or more, or letters and two digits or more in the
        registered name.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> [is_suspicious(pack([host]).codes, 0, at, len(host) - 3) for host, at in
    ...  (("shop.com", 0), ("my-shop-pay.com", 0), ("shop24.com", 0), ("10086.com", 0), ("a.b.c.shop.com", 6))]
    [False, True, True, False, True]
    """
    dots, hyphens, letters, digits = 0, 0, 0, 0
    for at in range(begin, suffix - 1):
        code = codes[at]
        hyphens += code == HYPHEN
        if at < registered:
            dots += code == DOT
        else:
            letters += is_latin(code)
            digits += is_digit(code)
    if starts_with(codes, registered, suffix, (120, 110, 45, 45)):  # xn-- is counted as punycode
        hyphens, digits = hyphens - 2, 0
    return dots >= 3 or hyphens >= 2 or (letters > 0 and digits >= 2)
