"""Codes of identifiers, and of pairs of an identifier and an amount: numbers of the hash table of digests.

Needs only NumPy and Numba.
"""

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve.features.history.kernels.digest_table import find_place, put_number, remove_number

from .layout import FREE_CODE, N_CODES, ONE, OWNER, TWO, Arrays

__all__ = ["code_of", "fill_table", "find_code", "free_code"]


@compile_part()
def find_code(s: Arrays, one: int, two: int, owner: int) -> tuple[int, int]:
    """Return the code of a key and its place; -1 and an empty place without one."""
    place = find_place(np.uint64(one), np.uint64(two), np.uint64(owner), s.table, s.keys, s.key)
    return int(np.int64(s.table[place])), int(np.int64(place))


@compile_part()
def code_of(s: Arrays, one: int, two: int, owner: int) -> int:
    """Return the code of a key, which is new if the key is; there must be room for one."""
    code, place = find_code(s, one, two, owner)
    if code >= 0:
        return code
    code = s.meta[FREE_CODE]
    if code >= 0:
        s.meta[FREE_CODE] = s.keys[code, ONE]
    else:
        code = s.meta[N_CODES]
        s.meta[N_CODES] += 1
    s.table[place] = code
    s.keys[code, ONE], s.keys[code, TWO], s.keys[code, OWNER] = one, two, owner
    return int(code)


@compile_part()
def free_code(s: Arrays, code: int) -> None:
    """Remove a code."""
    remove_number(code, s.table, s.keys, s.key)
    s.keys[code, OWNER] = -1
    s.keys[code, ONE], s.meta[FREE_CODE] = s.meta[FREE_CODE], code


@compile_kernel()
def fill_table(s: Arrays) -> None:
    """Put all codes into an empty table."""
    for code in range(s.meta[N_CODES]):
        if s.keys[code, OWNER] >= 0:
            put_number(code, s.table, s.keys, s.key)
