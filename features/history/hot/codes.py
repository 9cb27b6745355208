"""Codes of identifiers, and of pairs of an identifier and an amount, in a hash table from which codes can be removed.

Needs only NumPy and Numba.
"""

import numpy as np

from fraudsieve._compiled import compile_kernel, compile_part
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.ids import slot_of

from .layout import FREE_CODE, N_CODES, ONE, OWNER, TWO, Arrays

__all__ = ["code_of", "fill_table", "find_code", "free_code"]


@compile_part()
def _home(one: int, two: int, owner: int, table: Array, key: Array) -> int:
    """Return the slot of a key in a table without collisions."""
    mask = np.uint64(table.size - 1)
    mixed = np.uint64(two) ^ (np.uint64(owner) * np.uint64(0x9E3779B97F4A7C15))
    return int(np.int64(slot_of(np.uint64(one), mixed, mask, key)))


@compile_part()
def find_code(s: Arrays, one: int, two: int, owner: int) -> tuple[int, int]:
    """Return the code of a key and its slot; -1 and a free slot without one."""
    slot, mask = _home(one, two, owner, s.table, s.key), s.table.size - 1
    while s.table[slot] >= 0:
        code = s.table[slot]
        if s.keys[code, ONE] == one and s.keys[code, TWO] == two and s.keys[code, OWNER] == owner:
            return code, slot
        slot = (slot + 1) & mask
    return -1, slot


@compile_part()
def code_of(s: Arrays, one: int, two: int, owner: int) -> int:
    """Return the code of a key, which is new if the key is; there must be room for one."""
    code, slot = find_code(s, one, two, owner)
    if code >= 0:
        return code
    code = s.meta[FREE_CODE]
    if code >= 0:
        s.meta[FREE_CODE] = s.keys[code, ONE]
    else:
        code = s.meta[N_CODES]
        s.meta[N_CODES] += 1
    s.table[slot] = code
    s.keys[code, ONE], s.keys[code, TWO], s.keys[code, OWNER] = one, two, owner
    return int(code)


@compile_part()
def free_code(s: Arrays, code: int) -> None:
    """Remove a code; those behind it move up, so that no search ends too early (Knuth, volume 3, 6.4, algorithm R)."""
    _, hole = find_code(s, s.keys[code, ONE], s.keys[code, TWO], s.keys[code, OWNER])
    mask = s.table.size - 1
    slot = (hole + 1) & mask
    while s.table[slot] >= 0:
        other = s.table[slot]
        home = _home(s.keys[other, ONE], s.keys[other, TWO], s.keys[other, OWNER], s.table, s.key)
        if (slot - home) & mask >= (slot - hole) & mask:
            s.table[hole] = other
            hole = slot
        slot = (slot + 1) & mask
    s.table[hole] = -1
    s.keys[code, OWNER] = -1
    s.keys[code, ONE], s.meta[FREE_CODE] = s.meta[FREE_CODE], code


@compile_kernel()
def fill_table(s: Arrays) -> None:
    """Put all codes into an empty table."""
    for code in range(s.meta[N_CODES]):
        if s.keys[code, OWNER] >= 0:
            _, slot = find_code(s, s.keys[code, ONE], s.keys[code, TWO], s.keys[code, OWNER])
            s.table[slot] = code
