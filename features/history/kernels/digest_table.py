"""The hash table of digests and ids: it numbers keys of one to three words from 0. Needs only NumPy and Numba.

``keys`` has the words of each number, and ``places`` finds the number of a key::

    keys   0  ann            place   0    1    2    3    4    5    6    7
           1  bob           number  -1    0    1    2   -1   -1   -1   -1
           2  eve             home        1    1    2

The home of a key is the place that its hash gives. ann came first and is at home in 1. bob has the same home, and took
the next empty place; so did eve, whose home was then taken. What always holds:

1. ``places`` has a power of two of places. Half of them or more are empty, -1.
2. From the home of a key to the place of its number, no place is empty. So a search begins at the home, and an empty
   place ends it: the key is not there, and belongs in that place.
3. Numbers do not depend on the hash, which has a random key per process. Users choose ids, and so digests: without the
   key, they could choose many that share a home, and each search would take as long as there are keys.

Who owns the arrays also gives out the numbers, and makes both arrays larger in time.
"""

import secrets
from typing import Any, Final

import numpy as np

from fraudsieve._compiled import compile_inlined
from fraudsieve._typing import Array

ABSENT: Final = -1
"""The content of an empty place."""
HASH_KEY: Final = np.frombuffer(secrets.token_bytes(48), np.uint64).copy()
"""The key of the hash. It is an argument of every kernel, since Numba would compile a global value into its cache."""
NO_WORD: Final[Any] = np.uint64(0)
"""The second and third word of keys that have none."""
SMALLEST: Final = 64
HALF, LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
SPREAD, NEXT = np.uint64(0x9E3779B97F4A7C15), np.uint64(1)


def empty_places(n_numbers: int) -> Array:
    """Return empty places for a number of keys, shape (n_places,), int32."""
    return np.full(max(SMALLEST, 1 << (2 * n_numbers - 1).bit_length()), ABSENT, np.int32)


@compile_inlined()
def fold_product(one: np.uint64, two: np.uint64) -> np.uint64:
    """Return the exclusive or of the two halves of a product of 128 bits."""
    low = (one & LOW) * (two & LOW)
    middle = (one >> HALF) * (two & LOW)
    across = (low >> HALF) + ((one & LOW) * (two >> HALF) & LOW) + middle
    high = (one >> HALF) * (two >> HALF) + ((one & LOW) * (two >> HALF) >> HALF) + (across >> HALF)
    return high ^ (across << HALF | low & LOW)


@compile_inlined(borrows=True)
def _home(one: np.uint64, two: np.uint64, three: np.uint64, mask: np.uint64, key: Array) -> np.uint64:
    """Hash words: a product of 128 bits, with secret factors."""
    return fold_product(one ^ key[0], two ^ three * SPREAD ^ key[1]) & mask


@compile_inlined(borrows=True)
def find_place(one: np.uint64, two: np.uint64, three: np.uint64, places: Array, keys: Array, key: Array) -> np.uint64:
    """Return the place of a key, or the empty one where it belongs.

    Parameters
    ----------
    one, two, three : uint64
        The words of the key; `NO_WORD` beyond the width of `keys`.
    places : ndarray of int32, shape (n_places,)
        The number in each place; `ABSENT` if it is empty.
    keys : ndarray of uint64 or int64, shape (n_numbers, width)
        The words of each number.
    key : ndarray of uint64, shape (6,)
        `HASH_KEY`.
    """
    mask, width = np.uint64(places.size - 1), keys.shape[1]
    place = _home(one, two, three, mask, key)
    while places[place] >= 0:
        n = np.uint32(places[place])
        if (
            np.uint64(keys[n, 0]) == one
            and (width < 2 or np.uint64(keys[n, 1]) == two)
            and (width < 3 or np.uint64(keys[n, 2]) == three)
        ):
            break
        place = (place + NEXT) & mask
    return place


@compile_inlined(borrows=True)
def _words(number: int, keys: Array) -> tuple[np.uint64, np.uint64, np.uint64]:
    n, width = np.uint32(number), keys.shape[1]
    two = np.uint64(keys[n, 1]) if width > 1 else NO_WORD
    return np.uint64(keys[n, 0]), two, np.uint64(keys[n, 2]) if width > 2 else NO_WORD


@compile_inlined(borrows=True)
def put_number(number: int, places: Array, keys: Array, key: Array) -> bool:
    """Put a number in the place of its key; return False if another number has the same key."""
    one, two, three = _words(number, keys)
    place = find_place(one, two, three, places, keys, key)
    is_new = bool(places[place] < 0)
    if is_new:
        places[place] = number
    return is_new


@compile_inlined(borrows=True)
def remove_number(number: int, places: Array, keys: Array, key: Array) -> None:
    """Take a number out of its place; its key must still be there.

    Those behind it move up, so that no place between a home and its number is empty (Knuth, volume 3, 6.4, algorithm
    R). ann leaves the table above::

        place    1    2    3    4
                 -   bob  eve   -     a search for bob, at home in 1, would end at the gap
                bob   -   eve   -     bob moved up; a search for eve, at home in 2, would end at the gap
                bob  eve   -    -     eve moved up; the next place is empty, so no key is behind the gap

    A number whose home is behind the gap stays: its search does not pass the gap.
    """
    mask = np.uint64(places.size - 1)
    one, two, three = _words(number, keys)
    gap = find_place(one, two, three, places, keys, key)
    place = (gap + NEXT) & mask
    while places[place] >= 0:
        one, two, three = _words(places[place], keys)
        home = _home(one, two, three, mask, key)
        if ((place - home) & mask) >= ((place - gap) & mask):
            places[gap] = places[place]
            gap = place
        place = (place + NEXT) & mask
    places[gap] = ABSENT
