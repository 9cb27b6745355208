"""The entities of a view: small numbers, their slots, for digests of 128 bits. Needs only NumPy and Numba.

A slot is a number of the hash table (`kernels.digest_table`): 16 bytes for a digest, and 8 to 16 for its places. A slot
whose entity was removed has the next such slot in its digest, plus one, and is used for the next new entity.
"""

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.digest_table import (
    ABSENT,
    HASH_KEY,
    NO_WORD,
    empty_places,
    find_place,
    put_number,
    remove_number,
)

N_USED, FIRST_FREE, N_LIVE = range(3)


@compile_kernel()
def _find(wanted: Array, digests: Array, places: Array, key: Array, slots: Array) -> None:
    """Fill in the slot of each digest; `ABSENT` without one."""
    for i in range(len(wanted)):
        slots[i] = places[find_place(wanted[i, 0], wanted[i, 1], NO_WORD, places, digests, key)]


@compile_kernel()
def _add(wanted: Array, digests: Array, places: Array, facts: Array, key: Array, slots: Array, begin: int) -> int:
    """Fill in the slot of each digest from `begin` on, a new one if it has none; return where the arrays are full."""
    for i in range(begin, len(wanted)):
        one, two = wanted[i, 0], wanted[i, 1]
        place = find_place(one, two, NO_WORD, places, digests, key)
        slot = np.int64(places[place])
        if slot < 0:
            slot = facts[FIRST_FREE]
            if (slot < 0 and facts[N_USED] == len(digests)) or 2 * (facts[N_LIVE] + 1) > places.size:
                return i
            if slot >= 0:
                facts[FIRST_FREE] = np.int64(digests[slot, 0]) - 1
            else:
                slot = facts[N_USED]
                facts[N_USED] += 1
            facts[N_LIVE] += 1
            digests[slot, 0], digests[slot, 1] = one, two
            places[place] = slot
        slots[i] = slot
    return len(wanted)


@compile_kernel()
def _place_all(slots: Array, digests: Array, places: Array, key: Array) -> bool:
    """Put slots in their places; return whether their digests differ."""
    differ = True
    for slot in slots:
        differ &= put_number(slot, places, digests, key)
    return differ


@compile_kernel()
def _remove(slots: Array, digests: Array, places: Array, facts: Array, key: Array) -> None:
    for slot in slots:
        remove_number(slot, places, digests, key)
        digests[slot, 0], digests[slot, 1] = np.uint64(facts[FIRST_FREE] + 1), NO_WORD
        facts[FIRST_FREE] = slot
        facts[N_LIVE] -= 1


class EntityTable:
    """The slots of entities: small numbers from 0 that are used again once an entity is removed."""

    def __init__(self) -> None:
        self.digests = np.empty((16, 2), np.uint64)
        self._places = empty_places(16)
        self._facts = np.array([0, ABSENT, 0])

    def __len__(self) -> int:
        return int(self._facts[N_LIVE])

    @property
    def n_used(self) -> int:
        """Number of slots that were ever used."""
        return int(self._facts[N_USED])

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self.digests.nbytes + self._places.nbytes + self._facts.nbytes

    def find(self, digests: Array) -> Array:
        """Return the slots of digests, shape (n, 2); `ABSENT` for one that is not in the table."""
        slots = np.empty(len(digests), np.int64)
        _find(digests, self.digests, self._places, HASH_KEY, slots)
        return slots

    def add(self, digests: Array) -> Array:
        """Return the slots of digests, shape (n, 2), with new slots for new ones."""
        slots = np.empty(len(digests), np.int64)
        done = 0
        while True:
            done = _add(digests, self.digests, self._places, self._facts, HASH_KEY, slots, done)
            if done == len(digests):
                return slots
            self._grow()

    def _grow(self) -> None:
        if self.n_used == len(self.digests) and self._facts[FIRST_FREE] < 0:
            self.digests.resize((self.n_used + self.n_used // 4 + 16, 2), refcheck=False)
        if 2 * (len(self) + 1) > self._places.size:
            slots = self._places[self._places >= 0].astype(np.int64)
            self._places = empty_places(self._places.size)
            _place_all(slots, self.digests, self._places, HASH_KEY)

    def remove(self, slots: Array) -> None:
        """Remove entities by slot."""
        _remove(slots, self.digests, self._places, self._facts, HASH_KEY)

    def restore(self, digests: Array) -> None:
        """Fill an empty table: digest ``i`` has slot ``i``."""
        n = len(digests)
        self.digests = np.array(digests, np.uint64, order="C")
        self._places = empty_places(n + 1)
        self._facts[:] = n, ABSENT, n
        if not _place_all(np.arange(n), self.digests, self._places, HASH_KEY):
            raise ValueError("an entity is stored twice")
