"""Codes of identifiers, and of pairs of an identifier and an amount: numbers of the hash table of digests.

Needs only NumPy and Numba.
"""

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve.features.history.kernels.digest_table import find_place, put_number, remove_number

from .layout import FREE_CODE, N_CODES, ONE, OWNER, TWO, Arrays

__all__ = ["code_of", "fill_table", "find_code", "free_code"]


@compile_part()
def find_code(stream: Arrays, one: int, two: int, owner: int) -> tuple[int, int]:
    """Return the code of a key and its place; -1 and an empty place without one."""
    place = find_place(np.uint64(one), np.uint64(two), np.uint64(owner), stream.table, stream.keys, stream.key)
    return int(np.int64(stream.table[place])), int(np.int64(place))


@compile_part()
def code_of(stream: Arrays, one: int, two: int, owner: int) -> int:
    """Return the code of a key, which is new if the key is; there must be room for one."""
    code, place = find_code(stream, one, two, owner)
    if code >= 0:
        return code
    code = stream.meta[FREE_CODE]
    if code >= 0:
        stream.meta[FREE_CODE] = stream.keys[code, ONE]
    else:
        code = stream.meta[N_CODES]
        stream.meta[N_CODES] += 1
    stream.table[place] = code
    stream.keys[code, ONE], stream.keys[code, TWO], stream.keys[code, OWNER] = one, two, owner
    return int(code)


@compile_part()
def free_code(stream: Arrays, code: int) -> None:
    """Remove a code."""
    remove_number(code, stream.table, stream.keys, stream.key)
    stream.keys[code, OWNER] = -1
    stream.keys[code, ONE], stream.meta[FREE_CODE] = stream.meta[FREE_CODE], code


@compile_kernel()
def fill_table(stream: Arrays) -> None:
    """Put all codes into an empty table."""
    for code in range(stream.meta[N_CODES]):
        if stream.keys[code, OWNER] >= 0:
            put_number(code, stream.table, stream.keys, stream.key)
