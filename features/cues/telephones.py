"""Telephone numbers in groups of digits: mainland mobiles, landlines, hotlines, and international numbers.

Groups of digits are joined if one or two blanks, dashes or brackets are between them. A number next to a currency or a
letter, or with decimals, is not a hotline. The functions are compiled into the kernel of `numbers`.
"""

import numba as nb
import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.characters import code_number, is_alnum, is_digit, is_latin, is_one_of

__all__ = ["HOTLINE", "PHONES", "find_hotline", "find_phone", "fits", "read_groups"]


PHONES = ("phones_cn", "landlines", "hotlines", "phones_international")
PHONE_CN, LANDLINE, HOTLINE, PHONE_INTERNATIONAL = range(4)

SHORT = (10001, 10010, 10011, 10015, 10016, 10018, 10086, 10099, 11185, 12306, 12315, 12321, 12345, 12348, 12377, 12381)
"""Five-digit hotlines besides 95xxx and 96xxx. China Telecom's 10000 is excluded: it is nearly always an amount."""
MAX_DIGITS = 15
"""Digits of the longest telephone number (ITU-T E.164)."""
NO_HOTLINE = tuple(ord(char) for char in "$£¥€₹₩₦฿元块万亿%./")


@nb.njit(inline="always")
def _is_gap(codes: Array, start: int, stop: int) -> bool:
    if not 1 <= stop - start <= 2:
        return False
    for at in range(start, stop):
        code = codes[at]
        if code != 32 and code != 45 and code != 40 and code != 41:
            return False
    return True


@nb.njit(inline="always")
def read_groups(codes: Array, start: int, stop: int, groups: Array) -> int:
    """Find the runs of digits of a text, and whether each is joined to the previous one.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    start, stop : int
        Start and end of the text.
    groups : ndarray of int64, shape (n_room, 3)
        Filled in with start, stop, and 1 if the run is joined to the previous one; needs one row more than half of the
        characters.

    Returns
    -------
    int
        Number of runs.

    Examples
    --------
    >>> import numpy as np
    >>> from fraudsieve.features.text.codepoints import pack
    >>> groups = np.zeros((4, 3), np.int64)
    >>> read_groups(pack(["12-3,4"]).codes, 0, 6, groups), groups[:3].tolist()
    (3, [[0, 2, 0], [3, 4, 1], [5, 6, 0]])
    """
    n = 0
    at = start
    while at < stop:
        if not is_digit(codes[at]):
            at += 1
            continue
        begin = at
        while at < stop and is_digit(codes[at]):
            at += 1
        groups[n, 2] = n > 0 and _is_gap(codes, groups[n - 1, 1], begin)
        groups[n, 0], groups[n, 1] = begin, at
        n += 1
    return n


@nb.njit(nogil=True)
def fits(groups: Array, g: int, n: int, first: int, shape: tuple[int, ...]) -> bool:
    """Return whether the groups from `g` on are joined and have the given lengths.

    Parameters
    ----------
    groups : ndarray of int64, shape (n_room, 3)
        As filled in by `read_groups`.
    g, n : int
        Index of the first group, and the number of groups.
    first : int
        Length of the first group, perhaps without a prefix.
    shape : tuple of int
        The expected lengths.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> groups = np.array([[0, 3, 0], [4, 12, 1]])
    >>> fits(groups, 0, 2, 3, (3, 8)), fits(groups, 0, 2, 3, (3, 8, 4))
    (True, False)
    """
    if first != shape[0] or g + len(shape) > n:
        return False
    for k in range(1, len(shape)):
        if not groups[g + k, 2] or groups[g + k, 1] - groups[g + k, 0] != shape[k]:
            return False
    return True


@nb.njit(inline="always")
def _prefix(codes: Array, start: int, stop: int) -> int:
    """Return the length of ``86`` or ``0086`` at the start of a group."""
    at = start + 2 if stop - start >= 4 and codes[start] == 48 and codes[start + 1] == 48 else start
    return at + 2 - start if stop - at >= 2 and codes[at] == 56 and codes[at + 1] == 54 else 0


@nb.njit(nogil=True)
def _mobile(codes: Array, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of a mainland mobile number; 0 if none."""
    skip = _prefix(codes, groups[g, 0], groups[g, 1])
    k = g
    begin = groups[g, 0] + skip
    if begin == groups[g, 1]:
        k += 1
        if k >= n or not groups[k, 2]:
            return 0
        begin = groups[k, 0]
    size = groups[k, 1] - begin
    if size < 3 or codes[begin] != 49 or codes[begin + 1] < 51:
        return 0
    if size == 11:
        return k - g + 1
    if fits(groups, k, n, size, (3, 8)) or fits(groups, k, n, size, (7, 4)):
        return k - g + 2
    return k - g + 3 if fits(groups, k, n, size, (3, 4, 4)) or fits(groups, k, n, size, (4, 4, 3)) else 0


@nb.njit(nogil=True)
def _international(codes: Array, text_start: int, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of 8 to 15 digits after a plus sign; 0 if none."""
    begin = groups[g, 0]
    if begin == text_start or codes[begin - 1] != 43 or codes[begin] == 48:
        return 0
    if begin - 1 > text_start and is_digit(codes[begin - 2]):
        return 0
    digits = groups[g, 1] - begin
    k = g + 1
    while k < n and groups[k, 2] and digits + groups[k, 1] - groups[k, 0] <= 15:
        digits += groups[k, 1] - groups[k, 0]
        k += 1
    return k - g if 8 <= digits <= 15 else 0


@nb.njit(nogil=True)
def _landline(codes: Array, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of an area code and seven or eight digits; 0 if none."""
    begin = groups[g, 0]
    size = groups[g, 1] - begin
    if size < 3 or codes[begin] != 48 or codes[begin + 1] == 48:
        return 0
    if codes[begin + 1] <= 50:  # 010, 02x
        if codes[begin + 1] == 49 and codes[begin + 2] != 48:
            return 0
        if size == 11:
            return 1
        return 2 if fits(groups, g, n, size, (3, 8)) else 3 if fits(groups, g, n, size, (3, 4, 4)) else 0
    if size == 11 or size == 12:
        return 1
    if fits(groups, g, n, size, (4, 7)) or fits(groups, g, n, size, (4, 8)):
        return 2
    return 3 if fits(groups, g, n, size, (4, 3, 4)) or fits(groups, g, n, size, (4, 4, 4)) else 0


@nb.njit(inline="always")
def _touches(codes: Array, start: int, stop: int, group_start: int, group_stop: int) -> bool:
    """Return whether a letter, a currency, or a dot of a decimal number is next to a group."""
    if group_start > start:
        code = codes[group_start - 1]
        if is_latin(code) or (code != 37 and is_one_of(code, NO_HOTLINE)):
            return True
    if group_stop >= stop:
        return False
    code = codes[group_stop]
    if code == 46 or code == 47:
        return group_stop + 1 < stop and is_alnum(codes[group_stop + 1])
    return is_latin(code) or is_one_of(code, NO_HOTLINE)


@nb.njit(nogil=True)
def _hotline(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of a 400 or 800 number or a short number; 0 if none."""
    begin, end = groups[g, 0], groups[g, 1]
    size = end - begin
    if size == 5:
        value = 0
        for at in range(begin, end):
            value = 10 * value + code_number(codes[at]) - 48
        listed = 95000 <= value < 97000 or is_one_of(value, SHORT)
        return 1 if listed and not _touches(codes, start, stop, begin, end) else 0
    if size < 3 or (codes[begin] != 52 and codes[begin] != 56) or codes[begin + 1] != 48 or codes[begin + 2] != 48:
        return 0
    if size == 10:
        return 0 if _touches(codes, start, stop, begin, end) else 1
    in_three = fits(groups, g, n, size, (3, 3, 4)) or fits(groups, g, n, size, (4, 3, 3))
    return 3 if in_three or fits(groups, g, n, size, (3, 4, 3)) else 0


@nb.njit(nogil=True)
def find_hotline(codes: Array, start: int, stop: int, groups: Array, g: int, n: int, hotlines: Array) -> int:
    """Return how many groups of digits, from `g` on, are one of the listed hotlines; 0 if they are none.

    Parameters
    ----------
    codes, start, stop, groups, g, n
        As for `find_phone`.
    hotlines : ndarray of int64, shape (n_hotlines,)
        Listed numbers as from `number_key`, ascending.

    Returns
    -------
    int
        The longest number counts.

    Examples
    --------
    >>> import numpy as np
    >>> from fraudsieve.features.text.codepoints import pack
    >>> codes, groups = pack(["dial 0800-123 now"]).codes, np.empty((9, 3), np.int64)
    >>> find_hotline(codes, 0, 17, groups, 0, read_groups(codes, 0, 17, groups), np.array([10800, 10800123]))
    2
    """
    value, n_digits, n_used = 1, 0, 0
    for k in range(g, n):
        if k > g and not groups[k, 2]:
            break
        n_digits += groups[k, 1] - groups[k, 0]
        if n_digits > MAX_DIGITS:
            break
        for at in range(groups[k, 0], groups[k, 1]):
            value = 10 * value + code_number(codes[at]) - 48
        place = np.searchsorted(hotlines, value)
        listed = place < hotlines.size and hotlines[place] == value
        if listed and not _touches(codes, start, stop, groups[g, 0], groups[k, 1]):
            n_used = k - g + 1
    return n_used


@nb.njit(nogil=True)
def find_phone(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> tuple[int, int]:
    """Return the kind of telephone number that begins with a group of digits.

    Parameters
    ----------
    codes : ndarray of uint32
        Folded code points.
    start, stop : int
        Start and end of the text.
    groups : ndarray of int64, shape (n_room, 3)
        As filled in by `read_groups`.
    g, n : int
        Index of the first group, and the number of groups.

    Returns
    -------
    kind, n_used : int
        Index in `PHONES`, and the number of groups of the telephone number; 0 if there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from fraudsieve.features.text.codepoints import pack
    >>> codes, groups = pack(["010-12345678"]).codes, np.empty((6, 3), np.int64)
    >>> find_phone(codes, 0, 12, groups, 0, read_groups(codes, 0, 12, groups))
    (1, 2)
    """
    n_used = _mobile(codes, groups, g, n)
    if n_used:
        return PHONE_CN, n_used
    n_used = _international(codes, start, groups, g, n)
    if n_used:
        return PHONE_INTERNATIONAL, n_used
    n_used = _landline(codes, groups, g, n)
    if n_used:
        return LANDLINE, n_used
    return HOTLINE, _hotline(codes, start, stop, groups, g, n)
