"""Telephone numbers in groups of digits: mainland mobiles, landlines, hotlines, and international numbers.

Groups of digits are joined if one or two blanks, dashes or brackets are between them. A number next to a currency or a
letter, or with decimals, is not a hotline. The functions are compiled into the kernel of `numbers`.
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.text.characters import code_array, code_number, is_alnum, is_digit, is_latin, is_one_of

from .suffixes import find_rule

PHONES = ("phones_cn", "landlines", "hotlines", "phones_international")
PHONE_CN, LANDLINE, HOTLINE, PHONE_INTERNATIONAL = range(4)

BEGIN, END, JOINED = range(3)
"""Columns of groups of digits: start, stop, and whether a group is joined to the previous one."""
SHORT = np.array(
    [10001, 10010, 10011, 10015, 10016, 10018, 10086, 10099, 11185, 12306, 12315, 12321, 12345, 12348, 12377, 12381],
    np.uint32,
)
"""Five-digit hotlines besides 95xxx and 96xxx. China Telecom's 10000 is excluded: it is nearly always an amount."""
MAX_DIGITS = 15
"""Digits of the longest telephone number (ITU-T E.164)."""
MOBILE_SHAPES = np.array([(3, 8, 0), (7, 4, 0), (3, 4, 4), (4, 4, 3)])
CITY_SHAPES = np.array([(3, 8, 0), (3, 4, 4)])
AREA_SHAPES = np.array([(4, 7, 0), (4, 8, 0), (4, 3, 4), (4, 4, 4)])
HOTLINE_SHAPES = np.array([(3, 3, 4), (4, 3, 3), (3, 4, 3)])
"""Lengths of the groups in which a number is written; 0 for no third group. Arrays, as in `characters`."""
GAPS = code_array(" -()")
DECIMAL = code_array("./")
NO_HOTLINE = code_array("$£¥€₹₩₦฿元块万亿%./")
ZERO, ONE, TWO, THREE, FOUR, SIX, EIGHT = map(ord, "0123468")
PLUS, PERCENT = map(ord, "+%")


@compile_inlined()
def _is_gap(codes: Array, start: int, stop: int) -> bool:
    if not 1 <= stop - start <= 2:
        return False
    for position in range(start, stop):  # noqa: SIM110 - a generator does not compile
        if not is_one_of(codes[position], GAPS):
            return False
    return True


@compile_inlined()
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
    position = start
    while position < stop:
        if not is_digit(codes[position]):
            position += 1
            continue
        begin = position
        while position < stop and is_digit(codes[position]):
            position += 1
        groups[n, JOINED] = n > 0 and _is_gap(codes, groups[n - 1, END], begin)
        groups[n, BEGIN], groups[n, END] = begin, position
        n += 1
    return n


@compile_part()
def count_fitting(groups: Array, g: int, n: int, first: int, shapes: Array) -> int:
    """Return how many groups from `g` on are joined and have the lengths of one of several shapes; 0 if none fits.

    Parameters
    ----------
    groups : ndarray of int64, shape (n_room, 3)
        As filled in by `read_groups`.
    g, n : int
        Index of the first group, and the number of groups.
    first : int
        Length of the first group, perhaps without a prefix.
    shapes : ndarray of int64, shape (n_shapes, 3)
        The expected lengths; 0 for no third group.

    Returns
    -------
    int

    Examples
    --------
    >>> import numpy as np
    >>> groups = np.array([[0, 3, 0], [4, 12, 1]])
    >>> count_fitting(groups, 0, 2, 3, MOBILE_SHAPES), count_fitting(groups, 0, 2, 3, HOTLINE_SHAPES)
    (2, 0)
    """
    #   text       138-0013-8000        lengths of the groups: 3, 4, 4; the last two are joined to the one before
    #   shapes     (3, 8, 0)   (7, 4, 0)   (3, 4, 4)   (4, 4, 3)
    #   k              0           0           3                        the third fits, with 3 groups
    for row in range(shapes.shape[0]):
        k = 1 if first == shapes[row, 0] else 0
        while 0 < k < shapes.shape[1] and shapes[row, k]:
            joined = g + k < n and groups[g + k, JOINED]
            k = k + 1 if joined and groups[g + k, END] - groups[g + k, BEGIN] == shapes[row, k] else 0
        if k:
            return k
    return 0


@compile_inlined()
def _prefix(codes: Array, start: int, stop: int) -> int:
    """Return the length of ``86`` or ``0086`` at the start of a group."""
    position = start + 2 if stop - start >= 4 and codes[start] == ZERO and codes[start + 1] == ZERO else start
    return (
        position + 2 - start if stop - position >= 2 and codes[position] == EIGHT and codes[position + 1] == SIX else 0
    )


@compile_part()
def _mobile(codes: Array, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of a mainland mobile number; 0 if none."""
    skip = _prefix(codes, groups[g, BEGIN], groups[g, END])
    k = g
    begin = groups[g, BEGIN] + skip
    if begin == groups[g, END]:
        k += 1
        if k >= n or not groups[k, JOINED]:
            return 0
        begin = groups[k, BEGIN]
    size = groups[k, END] - begin
    if size < 3 or codes[begin] != ONE or codes[begin + 1] < THREE:
        return 0
    if size == 11:
        return k - g + 1
    n_used = count_fitting(groups, k, n, size, MOBILE_SHAPES)
    return k - g + n_used if n_used else 0


@compile_part()
def _international(codes: Array, text_start: int, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of 8 to 15 digits after a plus sign; 0 if none."""
    begin = groups[g, BEGIN]
    if begin == text_start or codes[begin - 1] != PLUS or codes[begin] == ZERO:
        return 0
    if begin - 1 > text_start and is_digit(codes[begin - 2]):
        return 0
    digits = groups[g, END] - begin
    k = g + 1
    while k < n and groups[k, JOINED] and digits + groups[k, END] - groups[k, BEGIN] <= MAX_DIGITS:
        digits += groups[k, END] - groups[k, BEGIN]
        k += 1
    return k - g if 8 <= digits <= MAX_DIGITS else 0


@compile_part()
def _landline(codes: Array, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of an area code and seven or eight digits; 0 if none."""
    begin = groups[g, BEGIN]
    size = groups[g, END] - begin
    if size < 3 or codes[begin] != ZERO or codes[begin + 1] == ZERO:
        return 0
    is_city = codes[begin + 1] <= TWO  # 010, 02x
    if is_city and codes[begin + 1] == ONE and codes[begin + 2] != ZERO:
        return 0
    if size == 11 or (size == 12 and not is_city):
        return 1
    return count_fitting(groups, g, n, size, CITY_SHAPES if is_city else AREA_SHAPES)


@compile_inlined()
def _touches(codes: Array, start: int, stop: int, group_start: int, group_stop: int) -> bool:
    """Return whether a letter, a currency, or a dot of a decimal number is next to a group."""
    if group_start > start:
        code = codes[group_start - 1]
        if is_latin(code) or (code != PERCENT and is_one_of(code, NO_HOTLINE)):
            return True
    if group_stop >= stop:
        return False
    code = codes[group_stop]
    if is_one_of(code, DECIMAL):
        return group_stop + 1 < stop and is_alnum(codes[group_stop + 1])
    return is_latin(code) or is_one_of(code, NO_HOTLINE)


@compile_part()
def _hotline(codes: Array, start: int, stop: int, groups: Array, g: int, n: int) -> int:
    """Return the number of groups of a 400 or 800 number or a short number; 0 if none."""
    begin, end = groups[g, BEGIN], groups[g, END]
    size = end - begin
    if size == 5:
        value = 0
        for position in range(begin, end):
            value = 10 * value + code_number(codes[position]) - ZERO
        listed = 95000 <= value < 97000 or is_one_of(np.uint32(value), SHORT)
        return 1 if listed and not _touches(codes, start, stop, begin, end) else 0
    if size < 3 or (codes[begin] != FOUR and codes[begin] != EIGHT):
        return 0
    if codes[begin + 1] != ZERO or codes[begin + 2] != ZERO:
        return 0
    if size == 10:
        return 0 if _touches(codes, start, stop, begin, end) else 1
    return count_fitting(groups, g, n, size, HOTLINE_SHAPES)


@compile_part()
def find_hotline(codes: Array, start: int, stop: int, groups: Array, g: int, n: int, hotlines: Array) -> int:
    """Return how many groups of digits, from `g` on, are one of the listed hotlines; 0 if they are none.

    Parameters
    ----------
    codes, start, stop, groups, g, n
        As for `find_phone`.
    hotlines : ndarray of uint64, shape (n_hotlines,)
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
    >>> hotlines = np.array([10800, 10800123], np.uint64)
    >>> find_hotline(codes, 0, 17, groups, 0, read_groups(codes, 0, 17, groups), hotlines)
    2
    """
    value, n_digits, n_used = 1, 0, 0
    for k in range(g, n):
        if k > g and not groups[k, JOINED]:
            break
        n_digits += groups[k, END] - groups[k, BEGIN]
        if n_digits > MAX_DIGITS:
            break
        for position in range(groups[k, BEGIN], groups[k, END]):
            value = 10 * value + code_number(codes[position]) - ZERO
        listed = find_rule(np.uint64(value), hotlines) >= 0
        if listed and not _touches(codes, start, stop, groups[g, BEGIN], groups[k, END]):
            n_used = k - g + 1
    return n_used


@compile_part()
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
