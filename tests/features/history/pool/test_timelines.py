"""Timelines in shared arrays, compared with a list per entity."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._typing import Array
from fraudsieve.features.history.declaration import EVERY_EVENT
from fraudsieve.features.history.kernels.bound import AMOUNT, SUBJECT, RowBound
from fraudsieve.features.history.kernels.recency import NEVER
from fraudsieve.features.history.pool_timelines import EntityTable, TimelinePool

ROW = st.tuples(st.integers(0, 12), st.integers(0, 60), st.integers(0, 3))
STEPS = st.lists(
    st.tuples(st.just("add"), ROW)
    | st.tuples(st.just("add_many"), st.lists(ROW, max_size=30))
    | st.tuples(st.just("sweep"), st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(1, 20)))
    | st.tuples(st.just("restore"), st.none()),
    max_size=30,
)


def digest_of(entity: int) -> Array:
    return np.array([[entity * 2**59, entity]], np.uint64)


def row_of(time: int, amount: int) -> list[int]:
    return [time, 0, amount, -1, 0]


def with_digest(bound: RowBound, time: int, amount: int) -> list[int]:
    row = np.array([row_of(time, amount)])
    bound.fill_digests(row)
    return list(row[0].tolist())


def in_windows(rows: list[list[int]], cutoff: int, max_events: int) -> list[list[int]]:
    """Return the rows that windows of a cutoff time may have."""
    return sorted(row for row in rows if row[0] < cutoff)[-max_events:]


@pytest.mark.slow
@given(STEPS, st.booleans(), st.sampled_from([1, 3, 512]))
def test_a_pool_equals_a_list_per_entity(steps: Any, drops_entities: bool, max_events: int) -> None:
    bound = RowBound.of(max_events)

    def new() -> TimelinePool:
        return TimelinePool(5, bound, drops_entities=drops_entities)

    pool, oldest, horizon = new(), 0, 0
    lists: dict[int, list[list[int]]] = {}
    for name, argument in steps:
        if name == "add":
            entity, time, amount = argument
            before = pool.n_rows
            n_added = pool.add([digest_of(entity).tobytes()], [row_of(time, amount)])
            assert pool.n_rows == before + n_added
            lists.setdefault(entity, []).append(with_digest(bound, time, amount))
        elif name == "add_many":
            digests = np.array([digest_of(entity)[0] for entity, _, _ in argument], np.uint64).reshape(-1, 2)
            rows = np.array([row_of(time, amount) for _, time, amount in argument], np.int64).reshape(-1, 5)
            before = pool.n_rows
            n_added = pool.add_many(digests, rows)
            assert pool.n_rows == before + n_added
            for entity, time, amount in argument:
                lists.setdefault(entity, []).append(with_digest(bound, time, amount))
        elif name == "sweep":
            before = pool.n_rows
            oldest, horizon = max(oldest, argument[0]), max(horizon, argument[0] + argument[1])
            n_dropped = pool.sweep(oldest, horizon, argument[2])
            assert before - pool.n_rows == n_dropped
        else:
            restored = new()
            assert restored.restore(pool.dump()) == pool.n_rows
            pool = restored
        for entity, rows_of_list in lists.items():
            slot = pool.find(digest_of(entity).tobytes())
            held = pool.rows_of(slot).tolist() if slot >= 0 else []
            every, found = Counter(map(tuple, rows_of_list)), Counter(map(tuple, held))
            assert found <= every
            assert held == sorted(held)
            for cutoff in (horizon, horizon + 5, 100):
                needed = [row for row in in_windows(rows_of_list, cutoff, max_events) if row[0] >= oldest]
                rows = pool.rows_before(slot, cutoff)[0].tolist() if slot >= 0 else []
                assert [row for row in rows if row[0] >= oldest] == needed
                if slot >= 0 and not drops_entities:
                    first, last = pool.rows_before(slot, cutoff)[1].tolist()
                    times = [row[0] for row in rows_of_list if row[0] < cutoff]
                    found_times = [row[0] for row in rows] + [time for time in (first, last) if time != NEVER]
                    assert (min(found_times, default=0), max(found_times, default=0)) == (
                        min(times, default=0),
                        max(times, default=0),
                    )
            assert slot >= 0 or (drops_entities and all(row[0] < oldest for row in rows_of_list))
        assert pool.newest_until(30) == max(
            (row[0] for entity in lists for row in rows_held(pool, entity) if row[0] <= 30), default=NEVER
        )


def test_a_row_that_is_older_than_a_dropped_one_is_in_no_window() -> None:
    """It was accepted before the others moved the horizon on."""
    pool, key = TimelinePool(5, RowBound.of(2)), digest_of(1).tobytes()
    for amount, time in enumerate((10, 20, 20, 25)):
        pool.add([key], [row_of(time, amount)])
    assert pool.sweep(0, 30, 1) == 2
    pool.add([key], [row_of(15, 0)])
    rows, ends = pool.rows_before(pool.find(key), 40)
    assert rows[:, 0].tolist() == [20, 25]
    assert ends.tolist() == [10, 20]


def test_of_one_time_are_the_rows_with_the_largest_digests() -> None:
    """In whatever order they arrive, and no more of them are kept than a window may have."""
    bound, key = RowBound.of(3, "key"), digest_of(1).tobytes()
    expected = sorted(with_digest(bound, 20, amount) for amount in range(9))[-3:]
    for seed in range(20):
        pool = TimelinePool(5, bound)
        for amount in np.random.default_rng(seed).permutation(9).tolist():
            pool.add([key], [row_of(20, amount)])
            assert pool.n_rows <= 3
        assert pool.rows_of(0).tolist() == expected
    assert expected != sorted(with_digest(RowBound.of(3, "another"), 20, amount) for amount in range(9))[-3:]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 4)), max_size=20), st.integers(0, 11))
def test_fraud_labels_are_kept_until_they_are_replaced(labels: list[tuple[int, bool, int]], oldest: int) -> None:
    bound, key = RowBound.of(2)._replace(max_kept=EVERY_EVENT, subject=SUBJECT, classes=AMOUNT), digest_of(1).tobytes()
    pool = TimelinePool(4, bound, keeps_frauds=True)
    rows = [[time, 0, int(np.float64(is_fraud).view(np.int64)), subject] for time, is_fraud, subject in labels]
    for step, row in enumerate(rows):
        pool.add([key], [row])
        if step % 7 == 0:
            pool.sweep(-100, 100, 1)
    before = pool.rows_of(pool.find(key)).tolist() if rows else []
    assert sorted(row[:1] + row[2:] for row in before) == sorted(row[:1] + row[2:] for row in rows)
    assert before == sorted(before)
    of_a_time = [(row[0], row[3], row[2]) for row in before]
    for one, other in pairwise(of_a_time):  # of the labels of a subject at one time, fraud is the newest
        assert one[:2] != other[:2] or not one[1] or one[2] <= other[2]
    n_dropped = pool.sweep(oldest, 100, 1)
    old = [row for row in before if row[0] < oldest]
    kept = [
        row
        for place, row in enumerate(old)
        if row[2] and all(row[3] != one[3] or not row[3] for one in old[place + 1 :])
    ]
    if 8 * len(old) >= len(rows) > 0:
        assert pool.rows_of(pool.find(key)).tolist() == kept + before[len(old) :]
        assert n_dropped == len(old) - len(kept)
    assert pool.sweep(oldest, 100, 1) == 0


def rows_held(pool: TimelinePool, entity: int) -> list[list[int]]:
    slot = pool.find(digest_of(entity).tobytes())
    return pool.rows_of(slot).tolist() if slot >= 0 else []


def test_many_entities_with_one_row_take_few_bytes() -> None:
    pool = TimelinePool(5)
    digests = np.random.default_rng(0).integers(0, 2**63, (50_000, 2)).astype(np.uint64)
    rows = np.zeros((50_000, 5), np.int64)
    for start in range(0, 50_000, 100):
        pool.add_many(digests[start : start + 100], rows[start : start + 100])
    assert len(pool) == 50_000
    assert pool.nbytes / 50_000 < 148


@pytest.mark.slow
def test_a_block_that_is_left_is_used_again() -> None:
    pool, key = TimelinePool(5), digest_of(1).tobytes()
    for number in range(200_000):
        pool.add([key], [row_of(number, 0)])
        if number % 10 == 9:
            pool.sweep(number - 20, number, 1)
    assert pool.nbytes < 20_000


def test_entities_that_are_removed_leave_the_others_in_place() -> None:
    entities, rng = EntityTable(), np.random.default_rng(0)
    known: dict[int, int] = {}
    for _ in range(300):
        numbers = rng.integers(0, 500, 20)
        slots = entities.add(np.stack([numbers.astype(np.uint64), np.zeros(20, np.uint64)], axis=1))
        known |= dict(zip(numbers.tolist(), slots.tolist(), strict=True))
        gone = rng.choice(list(known), min(15, len(known)), replace=False).tolist()
        entities.remove(np.array([known.pop(number) for number in gone]))
        every = np.stack([np.arange(500, dtype=np.uint64), np.zeros(500, np.uint64)], axis=1)
        assert {number: slot for number, slot in enumerate(entities.find(every).tolist()) if slot >= 0} == known
        assert len(entities) == len(known)
    assert entities.n_used <= 520


@pytest.mark.parametrize(
    "damage",
    [
        {"keys": np.zeros((2, 2), np.uint64)},
        {"keys": np.zeros((3, 2), np.uint64)},
        {"ends": np.array([[1, NEVER, NEVER], [3, NEVER, NEVER]])},
        {"ends": np.array([[-1, NEVER, NEVER], [4, NEVER, NEVER]])},
        {"rows": np.array([row_of(5, 0), row_of(9, 0), row_of(7, 0)])},
        {"rows": np.array([row_of(5, 0), [7, 9, 0, -1, 0], [7, 8, 0, -1, 0]])},
        {"rows": np.zeros((3, 6), np.int64)},
    ],
)
def test_arrays_that_do_not_agree_are_errors(damage: dict[str, Array]) -> None:
    pool = TimelinePool(5)
    pool.add_many(np.vstack([digest_of(1), digest_of(2), digest_of(2)]), np.array([row_of(5, 0)] * 3))
    TimelinePool(5).restore(pool.dump())
    with pytest.raises(ValueError, match=r"agree|order|twice"):
        TimelinePool(5).restore(pool.dump() | damage)
