"""Slabs: blocks of a shared array that are allocated and freed, so that many lists can grow in it. Needs only NumPy and
Numba.

Slabs have the sizes 1, 2, 3, 4, 6, 8, 12 and so on, each up to 50 % larger than the one before. A list that is full
moves to a larger slab, and frees its own for the next list that needs that size::

    before   | a0 a1 a2 | b0 b1 | c0 c1 c2 |  end of the slabs
                                              heads: none is free

    after    |  >-1     | b0 b1 | c0 c1 c2 | a0 a1 a2 a3 |  end
             a, with a fourth row, has moved; heads[size 3] = 0, and the free slab has the start of the next one

What always holds:

1. A slab is owned by one list, or it is in the chain of free slabs of its size, or it is behind the end.
2. ``heads`` has, for each size, the start of the first free slab, and -1 without one. The first link of a free slab has
   the start of the next one. ``heads[END]`` is the end of all slabs.
3. Slabs are never joined or divided: the array needs at most as much as the most lists of each size at a time.
"""

from typing import Final

import numpy as np

from fraudsieve._compiled import compile_part
from fraudsieve._typing import Array

NO_SLAB: Final = -1
SIZES: Final = np.array([1, 2, *(size << shift for shift in range(56) for size in (3, 4))])
"""The number of rows of a slab of each class."""
END: Final = len(SIZES)


def empty_heads() -> Array:
    """Return the heads of an array without slabs, shape (END + 1,), int64."""
    heads = np.full(END + 1, NO_SLAB)
    heads[END] = 0
    return heads


@compile_part()
def size_class(n: int) -> int:
    """Return the class of the smallest slab for a number of rows."""
    found = 0
    while SIZES[found] < n:
        found += 1
    return found


@compile_part()
def allocate_slab(heads: Array, links: Array, kind: int) -> int:
    """Allocate a slab of a class, and return its start; `NO_SLAB` if the array has no room for it.

    Parameters
    ----------
    heads : ndarray of int64, shape (END + 1,)
        As from `empty_heads`.
    links : ndarray of int64, shape (n_rows,)
        A column of the shared array, in which a free slab has the start of the next one.
    kind : int
        The class.
    """
    start: int = heads[kind]
    if start >= 0:
        heads[kind] = links[start]
    elif heads[END] + SIZES[kind] <= links.size:
        start = heads[END]
        heads[END] += SIZES[kind]
    return start


@compile_part()
def free_slab(heads: Array, links: Array, start: int, kind: int) -> None:
    """Free a slab, whose rows were moved or are no longer needed."""
    links[start] = heads[kind]
    heads[kind] = start
