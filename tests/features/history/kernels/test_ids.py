"""Ids encoded as integers."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.kernels.categories import code_numbers, code_strings, number_keys
from fraudsieve.features.history.kernels.digest_table import HASH_KEY
from fraudsieve.tables.values.reading import FLAG_WORDS, MISSING_WORDS, read_category, read_id
from tests.profiles import examples

LENGTHS = [*range(0, 20), 23, 24, 25, 40]
IDS = st.sampled_from(LENGTHS).flatmap(lambda n: st.binary(min_size=n, max_size=n)) | st.sampled_from(
    [b"a", b"a\0", b"a" * 15, b"a" * 16, b"\0" * 8, b"\0" * 9, b"\0" * 16, b"\0" * 17, b"account-0000000001"]
)


def code(ids: list[bytes], valid: list[bool] | None = None) -> list[int]:
    ends = np.array([0, *itertools.accumulate(map(len, ids))])
    mask = None if valid is None else np.array(valid, np.bool_)
    codes, firsts, _ = code_strings(ends[:-1], ends[1:], np.frombuffer(b"".join(ids), np.uint8), mask)
    numbers = [int(number) for number in codes]
    assert firsts.tolist() == [numbers.index(number) for number in range(len(set(numbers) - {-1}))]
    return numbers


def number(ids: list[bytes]) -> list[int]:
    seen: dict[bytes, int] = {}
    return [seen.setdefault(name, len(seen)) for name in ids]


@pytest.mark.slow
@examples(300)
@given(st.lists(IDS, max_size=40))
def test_ids_are_encoded_by_first_appearance(ids: list[bytes]) -> None:
    assert code(ids) == number(ids)


@given(st.lists(st.tuples(IDS, st.booleans()), max_size=20))
def test_missing_ids_have_no_code(rows: list[tuple[bytes, bool]]) -> None:
    kept = iter(number([name for name, valid in rows if valid]))
    expected = [next(kept) if valid else -1 for _, valid in rows]
    assert code([name for name, _ in rows], valid=[valid for _, valid in rows]) == expected


@pytest.mark.parametrize("form", ["{}", "account-{:020}", "{:032}-of-the-same-long-beginning"])
def test_many_ids(form: str) -> None:
    ids = [form.format(i * 7919 % 50_000).encode() for i in range(60_000)]
    assert code(ids) == number(ids)


def test_strings_may_be_anywhere_among_the_bytes() -> None:
    data = np.frombuffer(b"xxababcd", np.uint8)
    assert code_strings(np.array([4, 6, 2]), np.array([6, 8, 4]), data).codes.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "is_odd"),
    [
        *(
            (word, True)
            for word in (*sorted(MISSING_WORDS), *FLAG_WORDS, "", " a1", "a1\n", "a\x1f", "\x7f", "é", "张三3\u3000")
        ),
        *((text, False) for text in ("ann-17", "42", "account", "a b c d 1", "(1)2345", "é1", "张三", "アンナ")),
    ],
)
def test_odd_strings_need_a_second_look(text: str, is_odd: bool) -> None:
    content = text.encode()
    coded = code_strings(np.array([0]), np.array([len(content)]), np.frombuffer(content, np.uint8))
    assert coded.is_odd.tolist() == [is_odd]


def test_strings_that_are_not_odd_are_ids_as_they_are() -> None:
    letters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for form in ("{}account", "account{}", "{0}{0}{0}{0}{0}{0}"):
        texts = [form.format(letter) for letter in letters]
        parts = [text.encode() for text in texts]
        ends = np.append(0, np.cumsum([len(part) for part in parts]))
        coded = code_strings(ends[:-1], ends[1:], np.frombuffer(b"".join(parts), np.uint8))
        kept = [texts[row] for row in coded.firsts[~coded.is_odd]]
        assert len(kept) > 40_000
        assert [text for text in kept if read_id(text) != text or read_category(text) != text] == []


@given(st.lists(st.tuples(st.integers(0, 5) | st.integers(0, 2**64 - 1), st.booleans()), max_size=60))
def test_integers_are_encoded_by_first_appearance(rows: list[tuple[int, bool]]) -> None:
    keys, valid = np.array([key for key, _ in rows], np.uint64), np.array([valid for _, valid in rows], np.bool_)
    kept = iter(number([str(key).encode() for key, valid in rows if valid]))
    codes, n_codes = code_numbers(keys, valid)
    assert codes.tolist() == [next(kept) if valid else -1 for _, valid in rows]
    assert n_codes == len({key for key, valid in rows if valid})


def colliding_numbers(n: int) -> npt.NDArray[np.uint64]:
    """Return numbers that share a slot under a hash without a key: the inverse of its last steps."""
    first, second, final = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0xFF51AFD7ED558CCD
    words = 1 << 64
    mixed = [low * pow(final, -1, words) % words for low in range(n)]
    states = [state ^ state >> 32 ^ final * second % words for state in mixed]
    return np.array([state * pow(first, -1, words) % words for state in states], np.uint64)


def colliding_ids(n: int) -> list[bytes]:
    """Return ids in which each changed word is undone by the next one, in a hash of steps without a key."""
    bits = range(n.bit_length())
    words = [
        [word for bit in bits for word in (i >> bit & 1 and (1 << 63, 1 << 63 | 1 << 31)) or (0, 0)] for i in range(n)
    ]
    return [np.array(row, np.uint64).tobytes() for row in words]


def seconds(call: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def test_ids_that_are_made_to_collide_take_no_longer() -> None:
    n = 20_000
    numbers = colliding_numbers(n)
    usual = seconds(lambda: code_numbers(np.random.default_rng(0).integers(0, 1 << 60, n).astype(np.uint64)))
    assert seconds(lambda: code_numbers(numbers)) < 10 * usual + 0.01
    ids = colliding_ids(2000)
    usual = seconds(lambda: code([f"{i:0{len(ids[0])}}".encode() for i in range(2000)]))
    assert seconds(lambda: code(ids)) < 10 * usual + 0.01
    assert code(ids) == number(ids)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=6, max_size=6))
def test_codes_do_not_depend_on_the_key(words: list[int]) -> None:
    numbers, empty = np.arange(3000, dtype=np.uint64) % np.uint64(1700), np.empty(0, np.bool_)
    codes = np.empty(numbers.size, np.int32)
    assert number_keys(numbers, empty, np.array(words, np.uint64), codes) == 1700
    assert codes.tolist() == [i % 1700 for i in range(3000)]


@pytest.mark.slow
def test_every_process_has_a_key_of_its_own() -> None:
    program = "from fraudsieve.features.history.kernels.digest_table import HASH_KEY; print(HASH_KEY.tobytes().hex())"
    keys = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(keys) == 2
    assert HASH_KEY.size == 6
