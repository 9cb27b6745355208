"""A table from the digests of entities to slots, in two arrays: 16 bytes for a digest and 4 to 16 for its place.

Users can choose their ids, and so their digests. The place in the table depends on a random key, so that nobody can
fill a range of it. Needs only NumPy and Numba.
"""

import numpy as np

from fraudsieve._compiled import compile_inlined, compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.ids import HASH_KEY, fold_product

__all__ = ["ABSENT", "EntityTable"]

ABSENT = -1
FREE = np.uint64(0)
N_USED, FIRST_FREE, N_LIVE = range(3)


@compile_inlined()
def _home(one: np.uint64, two: np.uint64, mask: np.uint64, key: Array) -> np.uint64:
    return fold_product(one ^ key[0], two ^ key[1]) & mask


@compile_kernel()
def _find(wanted: Array, digests: Array, table: Array, key: Array, slots: Array) -> None:
    """Fill in the slot of each digest; `ABSENT` without one."""
    mask = np.uint64(table.size - 1)
    for i in range(len(wanted)):
        one, two = wanted[i, 0], wanted[i, 1]
        place = _home(one, two, mask, key)
        slot = table[place]
        while slot >= 0 and (digests[slot, 0] != one or digests[slot, 1] != two):
            place = (place + np.uint64(1)) & mask
            slot = table[place]
        slots[i] = slot


@compile_kernel()
def _add(wanted: Array, digests: Array, table: Array, facts: Array, key: Array, slots: Array, begin: int) -> int:
    """Fill in the slot of each digest from `begin` on, a new one if it has none; return where the arrays are full."""
    mask = np.uint64(table.size - 1)
    for i in range(begin, len(wanted)):
        one, two = wanted[i, 0], wanted[i, 1]
        place = _home(one, two, mask, key)
        slot = table[place]
        while slot >= 0 and (digests[slot, 0] != one or digests[slot, 1] != two):
            place = (place + np.uint64(1)) & mask
            slot = table[place]
        if slot < 0:
            slot = facts[FIRST_FREE]
            if (slot < 0 and facts[N_USED] == len(digests)) or 2 * (facts[N_LIVE] + 1) > table.size:
                return i
            if slot >= 0:
                facts[FIRST_FREE] = np.int64(digests[slot, 0]) - 1
            else:
                slot = facts[N_USED]
                facts[N_USED] += 1
            facts[N_LIVE] += 1
            digests[slot, 0], digests[slot, 1] = one, two
            table[place] = slot
        slots[i] = slot
    return len(wanted)


@compile_kernel()
def _place_all(slots: Array, digests: Array, table: Array, key: Array) -> bool:
    """Put slots into an empty table; return whether their digests differ."""
    mask = np.uint64(table.size - 1)
    for slot in slots:
        place = _home(digests[slot, 0], digests[slot, 1], mask, key)
        while table[place] >= 0:
            other = table[place]
            if digests[other, 0] == digests[slot, 0] and digests[other, 1] == digests[slot, 1]:
                return False
            place = (place + np.uint64(1)) & mask
        table[place] = slot
    return True


@compile_kernel()
def _remove(slots: Array, digests: Array, table: Array, facts: Array, key: Array) -> None:
    """Remove entities; those behind them move up, so that no search ends at a gap (Knuth, volume 3, algorithm R)."""
    mask = np.uint64(table.size - 1)
    for slot in slots:
        gap = _home(digests[slot, 0], digests[slot, 1], mask, key)
        while table[gap] != slot:
            gap = (gap + np.uint64(1)) & mask
        place = gap
        while True:
            table[gap] = ABSENT
            while True:
                place = (place + np.uint64(1)) & mask
                other = table[place]
                if other < 0:
                    break
                home = _home(digests[other, 0], digests[other, 1], mask, key)
                if ((place - home) & mask) >= ((place - gap) & mask):
                    break  # it may stand at the gap
            if other < 0:
                break
            table[gap] = other
            gap = place
        digests[slot, 0], digests[slot, 1] = np.uint64(facts[FIRST_FREE] + 1), FREE
        facts[FIRST_FREE] = slot
        facts[N_LIVE] -= 1


class EntityTable:
    """The slots of entities: small numbers from 0 that are used again once an entity is removed.

    Attributes
    ----------
    digests : ndarray of uint64, shape (n_allocated, 2)
        The digest of each slot.
    n_used : int
        Number of slots that were ever used; some may be free again.

    Examples
    --------
    >>> entities = EntityTable()
    >>> entities.add(np.array([[7, 1], [8, 1], [7, 1]], np.uint64)).tolist(), len(entities)
    ([0, 1, 0], 2)
    >>> entities.find(np.array([[8, 1], [9, 1]], np.uint64)).tolist()
    [1, -1]
    """

    def __init__(self) -> None:
        self.digests = np.empty((16, 2), np.uint64)
        self._table = np.full(64, ABSENT, np.int32)
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
        return self.digests.nbytes + self._table.nbytes + self._facts.nbytes

    def find(self, digests: Array) -> Array:
        """Return the slots of digests, shape (n, 2); `ABSENT` for one that is not in the table."""
        slots = np.empty(len(digests), np.int64)
        _find(digests, self.digests, self._table, HASH_KEY, slots)
        return slots

    def add(self, digests: Array) -> Array:
        """Return the slots of digests, shape (n, 2), with new slots for new ones."""
        slots = np.empty(len(digests), np.int64)
        done = 0
        while True:
            done = _add(digests, self.digests, self._table, self._facts, HASH_KEY, slots, done)
            if done == len(digests):
                return slots
            self._grow()

    def _grow(self) -> None:
        if self.n_used == len(self.digests) and self._facts[FIRST_FREE] < 0:
            self.digests.resize((self.n_used + self.n_used // 4 + 16, 2), refcheck=False)
        if 2 * (len(self) + 1) > self._table.size:
            slots = self._table[self._table >= 0]
            self._table = np.full(self._table.size * 2, ABSENT, np.int32)
            _place_all(slots, self.digests, self._table, HASH_KEY)

    def remove(self, slots: Array) -> None:
        """Remove entities by slot."""
        _remove(slots, self.digests, self._table, self._facts, HASH_KEY)

    def restore(self, digests: Array) -> None:
        """Fill an empty table: digest ``i`` has slot ``i``."""
        n = len(digests)
        self.digests = np.array(digests, np.uint64, order="C")
        size = 64
        while size < 2 * (n + 1):
            size *= 2
        self._table = np.full(size, ABSENT, np.int32)
        self._facts[:] = n, ABSENT, n
        if not _place_all(np.arange(n, dtype=np.int32), self.digests, self._table, HASH_KEY):
            raise ValueError("an entity is stored twice")
