"""Ids encoded as integers."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.kernels.ids import code_numbers, code_strings
from tests.profiles import examples

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


@pytest.mark.slow
@examples(300)
@given(st.lists(IDS, max_size=40))
def test_ids_are_encoded_by_first_appearance(ids: list[bytes]) -> None:
    assert code(ids) == code(ids, np.int64) == number(ids)


@given(st.lists(st.tuples(IDS, st.booleans()), max_size=20))
def test_missing_ids_have_no_code(rows: list[tuple[bytes, bool]]) -> None:
    kept = iter(number([name for name, valid in rows if valid]))
    expected = [next(kept) if valid else -1 for _, valid in rows]
    assert code([name for name, _ in rows], valid=[valid for _, valid in rows]) == expected


@pytest.mark.parametrize("form", ["{}", "account-{:020}", "{:032}-of-the-same-long-beginning"])
def test_many_ids(form: str) -> None:
    ids = [form.format(i * 7919 % 50_000).encode() for i in range(60_000)]
    assert code(ids) == number(ids)


def test_offsets_may_select_part_of_the_bytes() -> None:
    codes, _ = code_strings(np.array([2, 4, 6, 8]), np.frombuffer(b"xxababcd", np.uint8))
    assert codes.tolist() == [0, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 5) | st.integers(0, 2**64 - 1), st.booleans()), max_size=60))
def test_integers_are_encoded_by_first_appearance(rows: list[tuple[int, bool]]) -> None:
    keys, valid = np.array([key for key, _ in rows], np.uint64), np.array([valid for _, valid in rows], np.bool_)
    kept = iter(number([str(key).encode() for key, valid in rows if valid]))
    codes, n_codes = code_numbers(keys, valid)
    assert codes.tolist() == [next(kept) if valid else -1 for _, valid in rows]
    assert n_codes == len({key for key, valid in rows if valid})
