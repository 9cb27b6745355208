"""Arrays from an npz: written arrays are restored, and nothing larger than expected is unpacked."""

import io
import struct
import tracemalloc
import zipfile
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.models.artifact.arrays import ENTRY_BYTES, pack_arrays, read_arrays
from tests.profiles import examples


def npy(array: Any, **further: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **further)
    return stream.getvalue()


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["int32", "uint32", "float32", "float64"])
def test_packed_arrays_are_restored(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for shape in ((), (0,), (7,), (4, 3), (0, 3)):
        array = np.asarray(rng.integers(0, 99, shape), dtype)
        for layout in (array, array.copy(order="F")):
            restored = read_arrays(pack_arrays({"a": layout, "b": np.zeros(2)}), {"a": array.nbytes, "b": 16})
            np.testing.assert_array_equal(restored["a"], array)
            assert (restored["a"].dtype, restored["a"].shape) == (array.dtype, shape)
            assert restored["a"].flags.writeable


def test_a_header_is_not_trusted() -> None:
    whole = npy(np.zeros(8))
    false_header = whole.replace(b"(8,), }", b"(10000000000,), }").replace(b" " * 10 + b"\n", b"\n")
    assert len(false_header) == len(whole)
    for content in (false_header, whole[:-8], whole + bytes(8), npy(np.array([None]), allow_pickle=True)):
        with pytest.raises(ValueError, match="does not match its header"):
            read_arrays(archive({"a.npy": content}), {"a": 64})
    with pytest.raises(ValueError, match="another version"):
        read_arrays(archive({"a.npy": npy(np.zeros(8), version=(2, 0))}), {"a": 64})


@pytest.mark.slow
def test_an_archive_with_a_false_size_is_unpacked_no_further() -> None:
    content = bytearray(archive({"a.npy": npy(np.zeros(8_000_000))}))
    size = struct.pack("<I", 64_000_128)
    for _ in range(content.count(size)):  # in the header of the entry, and in the directory
        at = content.index(size)
        content[at : at + 4] = struct.pack("<I", 192)
    tracemalloc.start()
    try:
        with pytest.raises((ValueError, zipfile.BadZipFile)):
            read_arrays(bytes(content), {"a": 64})
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (archive({"b.npy": npy(np.zeros(1))}), "expected the arrays a, got"),
        (archive({"a.npy": npy(np.zeros(1)), "b.npy": b""}), "expected the arrays a, got"),
        (archive({"../a.npy": npy(np.zeros(1))}), "expected the arrays a, got"),
        (archive({"a.npy": npy(np.zeros(1))}, zipfile.ZIP_LZMA), "a compression that NumPy does not use"),
        (archive({"a.npy": npy(np.zeros(2 + ENTRY_BYTES // 8))}), "expected at most 8 bytes"),
        (archive({"a.npy": npy(np.zeros(1)), "a.npy ": b""}), "expected the arrays a, got"),
    ],
)
def test_other_arrays_are_rejected(content: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_arrays(content, {"a": 8})


@examples(200)
@given(at=st.integers(0, 400), put=st.binary(min_size=1, max_size=4))
def test_damage_is_an_error_or_harmless(at: int, put: bytes) -> None:
    whole = pack_arrays({"a": np.arange(9.0)})
    content = whole[:at] + put + whole[at + len(put) :]
    try:
        restored = read_arrays(content, {"a": 72})
    except (ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        return
    np.testing.assert_array_equal(restored["a"], np.arange(9.0))
