"""Digests of the ids of delivered records, remembered for as long as they may be sent again."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.history.kernels.digest_table import (
    HASH_KEY,
    NO_WORD,
    empty_places,
    find_place,
    put_number,
)
from fraudsieve.features.history.kernels.recency import NEVER

Table: TypeAlias = tuple[Array, Array, Array, Array, Array, Array]
"""Ids, their places, their marks, the generations, the facts about them, and the key of the hash."""
GENERATIONS = 8
MAX_GENERATIONS = 16
"""An upper bound of the generations that are remembered at a time."""
FIRST, STOP, N_FILLED, NEWEST = range(4)
"""Facts about the ids: the oldest and the next generation, their number with forgotten ones, and the newest event."""
MARK, TIME = range(2)
"""The columns that are kept for an id: its generation, and the time of its event."""
OF_LABEL = -(1 << 62)
"""What is added to the time of a label: it is then before all events, and takes no further byte."""


@compile_kernel()
def _contain(
    identifiers: Array, ids: Array, places: Array, marks: Array, facts: Array, key: Array, found: Array
) -> None:
    for i in range(identifiers.size):
        number = places[find_place(identifiers[i], NO_WORD, NO_WORD, places, ids, key)]
        found[i] = number >= 0 and marks[number, MARK] >= facts[FIRST]


@compile_kernel()
def _advance(newest: int, kept_for: int, generations: Array, facts: Array) -> None:
    """Drop the generations that are too old, and begin a new one if the last one is full."""
    width = kept_for // GENERATIONS
    last = (facts[STOP] - 1) % MAX_GENERATIONS
    if facts[FIRST] < facts[STOP] and generations[last, 0] == NEVER:  # labels came before all events
        generations[last, 0] = newest
    while facts[FIRST] < facts[STOP] and newest > generations[facts[FIRST] % MAX_GENERATIONS, 0] + width + kept_for:
        facts[FIRST] += 1
    if facts[FIRST] == facts[STOP] or newest > generations[(facts[STOP] - 1) % MAX_GENERATIONS, 0] + width:
        generations[facts[STOP] % MAX_GENERATIONS, 0] = newest
        generations[facts[STOP] % MAX_GENERATIONS, 1] = 0
        facts[STOP] += 1


@compile_kernel()
def _admit(identifiers: Array, times: Array, begin: int, kept_for: int, table: Table, is_new: Array) -> int:
    """Add ids in order, and fill in whether each is new; return where the arrays are full."""
    ids, places, marks, generations, facts, key = table
    for i in range(begin, identifiers.size):
        identifier = identifiers[i]
        place = find_place(identifier, NO_WORD, NO_WORD, places, ids, key)
        number = np.int64(places[place])
        if identifier != 0:
            if number >= 0 and marks[number, MARK] >= facts[FIRST]:
                is_new[i] = False
                continue
            if number < 0 and facts[N_FILLED] == len(ids):
                return i
        is_new[i] = True
        if times[i] > OF_LABEL // 2:
            facts[NEWEST] = max(facts[NEWEST], times[i])
        _advance(facts[NEWEST], kept_for, generations, facts)
        if identifier != 0:
            if number < 0:
                number = facts[N_FILLED]
                facts[N_FILLED] += 1
                ids[number, 0], places[place] = identifier, number
            marks[number, MARK], marks[number, TIME] = facts[STOP] - 1, times[i]
            generations[(facts[STOP] - 1) % MAX_GENERATIONS, 1] += 1
    return identifiers.size


@compile_kernel()
def _place_all(n: int, ids: Array, places: Array, key: Array) -> bool:
    """Put the first ids in their places; return whether they differ."""
    differ = True
    for number in range(n):
        differ &= put_number(number, places, ids, key)
    return differ


class SeenIds:
    """A set of 64-bit ids that forgets old ones, by the time of the events.

    Ids are kept in generations, each of an eighth of `kept_for`. A generation is dropped once the newest event is later
    than the last time that the generation could receive an id, by `kept_for`. So memory holds the ids of at most ten
    eighths of that time, at 32 to 60 bytes each.
    """

    def __init__(self, kept_for: int) -> None:
        self.kept_for = kept_for
        self._generations = np.zeros((MAX_GENERATIONS, 2), np.int64)
        self._facts = np.array([1, 1, 0, 0])
        self._fill(np.empty(0, np.uint64), np.empty((0, 2), np.int64))

    @property
    def newest(self) -> int:
        """Time of the newest event that the last call of `admit` knew."""
        return int(self._facts[NEWEST])

    def __contains__(self, identifier: int) -> bool:
        return bool(self.contain(np.array([identifier], np.uint64))[0])

    def __len__(self) -> int:
        first, stop = self._facts[: STOP + 1].tolist()
        return sum(int(self._generations[number % MAX_GENERATIONS, 1]) for number in range(first, stop))

    def contain(self, identifiers: Array) -> Array:
        """Return whether each of several ids is remembered."""
        found = np.empty(identifiers.size, np.bool_)
        _contain(identifiers, self._ids, self._places, self._marks, self._facts, HASH_KEY, found)
        return found

    def admit(self, identifiers: Array, times: Array, newest: int) -> Array:
        """Add ids one after the other.

        Those of labels have the time plus `OF_LABEL`, since a label does not move the clock of events. Returns whether
        each id is new, or is not an id.
        """
        is_new = np.empty(identifiers.size, np.bool_)
        self._facts[NEWEST] = newest
        done = 0
        while True:
            table = self._ids, self._places, self._marks, self._generations, self._facts, HASH_KEY
            done = _admit(identifiers, times, done, self.kept_for, table, is_new)
            if done == identifiers.size:
                return is_new
            self._fill(*self._content())

    def rewind(self, time: int, newest: int) -> None:
        """Forget the ids of events later than a time, as if the newest event were `newest`."""
        identifiers, marks = self._content()
        first, stop = self._facts[: STOP + 1].tolist()
        starts = {number: int(self._generations[number % MAX_GENERATIONS, 0]) for number in range(first, stop)}
        last = max((number for number in starts if starts[number] <= newest), default=first)
        if starts:
            self._facts[STOP] = last + 1
            start = self._generations[last % MAX_GENERATIONS]
            start[0] = min(start[0], newest)
        marks[:, MARK] = np.minimum(marks[:, MARK], last)
        kept = np.where(marks[:, TIME] > OF_LABEL // 2, marks[:, TIME], marks[:, TIME] - OF_LABEL) <= time
        self._fill(identifiers[kept], marks[kept])
        for number in range(first, int(self._facts[STOP])):
            self._generations[number % MAX_GENERATIONS, 1] = np.count_nonzero(marks[kept, MARK] == number)

    def newest_until(self, time: int) -> int:
        """Return the time of the newest event with an id that is not later than a time; `NEVER` without one."""
        times = self._content()[1][:, TIME]
        return int(times[(times <= time) & (times > OF_LABEL // 2)].max(initial=NEVER))

    def _content(self) -> tuple[Array, Array]:
        n = self._facts[N_FILLED]
        alive = self._marks[:n, MARK] >= self._facts[FIRST]
        return self._ids[:n, 0][alive], self._marks[:n][alive]

    def _fill(self, identifiers: Array, marks: Array) -> None:
        """Replace the content, without forgotten ids and with room for half as many more."""
        n = identifiers.size
        capacity = n + n // 2 + 16
        self._ids, self._marks = np.empty((capacity, 1), np.uint64), np.empty((capacity, 2), np.int64)
        self._ids[:n, 0], self._marks[:n] = identifiers, marks
        self._places = empty_places(capacity)
        if not _place_all(n, self._ids, self._places, HASH_KEY):
            raise ValueError("an id is stored twice")
        self._facts[N_FILLED] = n

    def dump(self) -> dict[str, Array]:
        """Return a copy of the content as arrays."""
        identifiers, marks = self._content()
        first, stop = self._facts[: STOP + 1].tolist()
        starts = [self._generations[number % MAX_GENERATIONS, 0] for number in range(first, stop)]
        marks[:, MARK] -= first
        return {"starts": np.array(starts, np.int64), "ids": identifiers, "marks": marks}

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Restore the content from the arrays of `dump`."""
        starts, identifiers, marks = (arrays[name] for name in ("starts", "ids", "marks"))
        numbers = marks[:, MARK]
        if len(starts) > MAX_GENERATIONS - 2 or identifiers.shape != (len(marks),):
            raise ValueError("the sizes of the arrays do not agree")
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(starts):
            raise ValueError("an id is of another generation")
        self._facts[:] = 1, 1 + len(starts), 0, 0
        for number, start in enumerate(starts.tolist(), start=1):
            self._generations[number] = start, np.count_nonzero(numbers == number - 1)
        shifted = marks + np.array([1, 0])
        self._fill(np.ascontiguousarray(identifiers, np.uint64), np.ascontiguousarray(shifted, np.int64))
