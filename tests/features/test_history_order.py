"""Coding ids, and sorting events."""

import itertools
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudsieve.features import history_order
from fraudsieve.features.history_order import code_strings, sort_events

LENGTHS = [*range(0, 20), 23, 24, 25, 40]
IDS = st.sampled_from(LENGTHS).flatmap(lambda n: st.binary(min_size=n, max_size=n)) | st.sampled_from(
    [b"a", b"a\0", b"a" * 15, b"a" * 16, b"\0" * 8, b"\0" * 9, b"\0" * 16, b"\0" * 17, b"account-0000000001"]
)


def code(ids: list[bytes], width: npt.DTypeLike = np.int32, valid: list[bool] | None = None) -> list[int]:
    offsets = np.array([0, *itertools.accumulate(map(len, ids))]).astype(width)
    mask = None if valid is None else np.array(valid, np.bool_)
    codes, n_codes = code_strings(offsets, np.frombuffer(b"".join(ids), np.uint8), mask)
    assert n_codes == len(set(codes.tolist()) - {-1})
    return [int(number) for number in codes]


def number(ids: list[bytes]) -> list[int]:
    seen: dict[bytes, int] = {}
    return [seen.setdefault(name, len(seen)) for name in ids]


@settings(deadline=None, max_examples=300)
@given(st.lists(IDS, max_size=40))
def test_ids_are_numbered_by_first_appearance(ids: list[bytes]) -> None:
    assert code(ids) == code(ids, np.int64) == number(ids)


@settings(deadline=None)
@given(st.lists(st.tuples(IDS, st.booleans()), max_size=20))
def test_missing_ids_have_no_number(rows: list[tuple[bytes, bool]]) -> None:
    kept = iter(number([name for name, valid in rows if valid]))
    expected = [next(kept) if valid else -1 for _, valid in rows]
    assert code([name for name, _ in rows], valid=[valid for _, valid in rows]) == expected


@pytest.mark.parametrize("form", ["{}", "account-{:020}", "{:032}-of-the-same-long-beginning"])
def test_many_ids(form: str) -> None:
    ids = [form.format(i * 7919 % 50_000).encode() for i in range(60_000)]
    assert code(ids) == number(ids)


def test_part_of_the_bytes() -> None:
    codes, _ = code_strings(np.array([2, 4, 6, 8]), np.frombuffer(b"xxababcd", np.uint8))
    assert codes.tolist() == [0, 0, 1]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)), max_size=200))
def test_sorting_is_stable(rows: list[tuple[int, int]]) -> None:
    entities = np.array([entity for entity, _ in rows], np.int32)
    times = np.array([moment for _, moment in rows], np.int64)
    starts, order, in_order = sort_events(entities, times, 4)
    assert order.tolist() == np.lexsort((times, entities)).tolist()
    assert in_order.tolist() == times[order].tolist()
    assert starts.tolist() == [int((entities < entity).sum()) for entity in range(5)]


@pytest.mark.parametrize("size", [history_order.INSERTION, history_order.INSERTION + 1, 3000])
@pytest.mark.parametrize("span", [1, 200, 70_000, 2**62])
def test_runs_of_every_length_and_span(size: int, span: int) -> None:
    times = np.random.default_rng(size).integers(-span, span, size)
    _, order, _ = sort_events(np.zeros(size, np.int32), times, 1)
    assert order.tolist() == np.argsort(times, kind="stable").tolist()


@pytest.mark.parametrize("bursts", [1, 3, 100])
def test_bursts_in_a_long_time(bursts: int) -> None:
    rng = np.random.default_rng(bursts)
    times = rng.integers(0, 2**50, bursts)[rng.integers(0, bursts, 5000)] + rng.integers(0, 300, 5000)
    times[:2] = 0, 2**50
    _, order, _ = sort_events(np.zeros(times.size, np.int32), times, 1)
    assert order.tolist() == np.argsort(times, kind="stable").tolist()


def test_a_long_run_over_all_of_time() -> None:
    times = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 5000)
    times[:2] = 2**63 - 1, -(2**63)
    _, order, _ = sort_events(np.zeros(times.size, np.int32), times, 1)
    assert order.tolist() == np.argsort(times, kind="stable").tolist()


def test_a_million_events_of_one_entity_take_a_second_at_most() -> None:
    times = np.random.default_rng(0).integers(0, 10**13, 1_000_000)
    entities = np.zeros(times.size, np.int32)
    sort_events(entities[:100], times[:100], 1)
    start = time.perf_counter()
    _, order, _ = sort_events(entities, times, 1)
    assert time.perf_counter() - start < 1
    assert (np.diff(times[order]) >= 0).all()
