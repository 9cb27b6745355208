"""Hosts in running text: their boundaries, and signs that they are suspicious.

A host consists of labels of ``a-z0-9-`` with single dots between them. The functions read folded code points and are
compiled into the kernels of `links` and `brands`.
"""

from fraudsieve._compiled import compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import (
    code_array,
    code_number,
    is_alnum,
    is_digit,
    is_host,
    is_latin,
    is_one_of,
    starts_with,
)

from .suffixes import MAX_HOST, Suffixes, split_host

DOT, HYPHEN, AT, COLON, ZERO = map(ord, ".-@:0")
FIRST_VISIBLE, LAST_VISIBLE = map(ord, "!~")
"""The ASCII characters of a path."""
HTTP_END = code_array("://")
XN = code_array("xn--")
PATH_STARTS = code_array("/?#")
LOCAL_SIGNS = code_array("._%+")
"""Signs in the local part of an e-mail address, besides those of a host."""
MAX_LOCAL = 64
MAX_TRIMS = 3


@compile_part()
def find_host(codes: Array, dot: int, left: int, stop: int) -> tuple[int, int]:
    """Return the start and end of the host whose first dot is at a position.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    dot : int
        Position of the dot.
    left, stop : int
        Limits of the host.

    Returns
    -------
    begin, end : int
        The host, without hyphens at its ends. If `begin` or `end` is at the dot, there is only one label and no host.

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
        return dot, dot  # searching to the right would take quadratic time on "-.-.-"
    end = dot
    while end + 1 < stop and codes[end] == DOT and is_host(codes[end + 1]):
        end += 1
        while end < stop and is_host(codes[end]):
            end += 1
    while end > dot and codes[end - 1] == HYPHEN:
        end -= 1
    return begin, end


@compile_part()
def is_ip(codes: Array, begin: int, end: int) -> bool:
    """Return whether a host consists of four numbers from 0 to 255.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> is_ip(pack(["10.0.0.255"]).codes, 0, 10), is_ip(pack(["10.0.0.256"]).codes, 0, 10)
    (True, False)
    """
    numbers, value, length = 0, 0, 0
    for position in range(begin, end + 1):
        if position == end or codes[position] == DOT:
            if not 1 <= length <= 3 or value > 255:
                return False
            numbers, value, length = numbers + 1, 0, 0
        elif is_digit(codes[position]) and length < 4:
            value, length = 10 * value + code_number(codes[position]) - ZERO, length + 1
        else:
            return False
    return numbers == 4


@compile_part()
def split_trimmed(codes: Array, begin: int, end: int, suffixes: Suffixes) -> tuple[int, int, int]:
    """Split a host, and remove last labels that are not part of it, as in ``shop.com.See you``.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    begin, end : int
        The host.
    suffixes : tuple of ndarray
        From `suffix_table`.

    Returns
    -------
    registered, suffix, end : int
        Starts of the registered name and the suffix, and the end of the host; -1, -1 and -1 without a public suffix.

    Examples
    --------
    >>> from fraudsieve.features.cues.suffixes import suffix_table
    >>> from fraudsieve.features.text.codepoints import pack
    >>> split_trimmed(pack(["a.shop.com.seeyou"]).codes, 0, 17, suffix_table())
    (2, 7, 10)
    """
    for _ in range(MAX_TRIMS):
        if end - begin <= MAX_HOST:
            registered, suffix = split_host(codes, begin, end, suffixes)
            if registered >= 0:
                return registered, suffix, end
        while end > begin and codes[end - 1] != DOT:
            end -= 1
        end -= 1
        if end <= begin:
            break
    return -1, -1, -1


@compile_part()
def local_part(codes: Array, position: int, left: int) -> int:
    """Return the start of the local part of an e-mail address before `position`; `position` if there is none.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> local_part(pack(["to .a+b@c.example"]).codes, 7, 0), local_part(pack(["see @b"]).codes, 4, 0)
    (4, 4)
    """
    begin = position
    while begin > left and position - begin < MAX_LOCAL:
        code = codes[begin - 1]
        if not is_host(code) and not is_one_of(code, LOCAL_SIGNS):
            break
        begin -= 1
    while begin < position and not is_alnum(codes[begin]):
        begin += 1
    return begin


@compile_part()
def path_end(codes: Array, end: int, stop: int) -> tuple[int, int]:
    """Return the start and end of the path after a host and an optional port; equal if there is no path.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> path_end(pack(["a.com:80/x?y=1 z"]).codes, 5, 16), path_end(pack(["a.com: yes"]).codes, 5, 10)
    ((8, 14), (5, 5))
    """
    position = end
    if position < stop and codes[position] == COLON:
        position += 1
        while position < stop and is_digit(codes[position]) and position - end <= 5:
            position += 1
        if position == end + 1:
            return end, end
    begin = position
    if position < stop and is_one_of(codes[position], PATH_STARTS):
        while position < stop and FIRST_VISIBLE <= codes[position] <= LAST_VISIBLE:
            position += 1
    return begin, position


@compile_part()
def is_suspicious(codes: Array, begin: int, registered: int, suffix: int) -> bool:
    """Return whether a host looks generated: many subdomains, hyphens, or letters mixed with digits.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    begin, registered, suffix : int
        Starts of the host, its registered name and its public suffix.

    Returns
    -------
    bool
        True for at least three labels before the registered name, at least two hyphens, or letters and at least two
        digits in the registered name.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> [is_suspicious(pack([host]).codes, 0, at, len(host) - 3) for host, at in
    ...  (("shop.com", 0), ("my-shop-pay.com", 0), ("shop24.com", 0), ("10086.com", 0), ("a.b.c.shop.com", 6))]
    [False, True, True, False, True]
    """
    dots, hyphens, letters, digits = 0, 0, 0, 0
    for position in range(begin, suffix - 1):
        code = codes[position]
        hyphens += code == HYPHEN
        if position < registered:
            dots += code == DOT
        else:
            letters += is_latin(code)
            digits += is_digit(code)
    if starts_with(codes, registered, suffix, XN):  # punycode has a count of its own
        hyphens, digits = hyphens - 2, 0
    return dots >= 3 or hyphens >= 2 or (letters > 0 and digits >= 2)
