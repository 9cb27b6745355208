"""Arrays in an npz file: the sizes that the file declares are checked against limits before anything is unpacked."""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from fraudsieve._typing import Array

__all__ = ["pack_arrays", "read_arrays"]


ENTRY_BYTES: Final = 4096
"""The largest size of an array's header."""


def pack_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as a compressed npz file, without pickles."""
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def read_arrays(content: bytes, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Read the arrays of an npz file, none larger than its limit in `sizes`, in bytes.

    A few kilobytes can unpack to gigabytes, and the header of an array can demand any memory. So the sizes in the
    archive are checked before anything is unpacked, no more than these is unpacked, and an array that differs from its
    header is rejected.

    Raises
    ------
    ValueError
        If the names of the arrays differ, an array is too large, or it differs from its header.
    zipfile.BadZipFile
        If it is not an archive.

    Examples
    --------
    >>> read_arrays(pack_arrays({"a": np.arange(3.0)}), {"a": 24})
    {'a': array([0., 1., 2.])}
    >>> read_arrays(pack_arrays({"a": np.zeros(1_000_000)}), {"a": 24})
    Traceback (most recent call last):
    ...
    ValueError: an array unpacks to 8000128 bytes, and can have 24 at most
    """
    if not content.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile("something stands before the archive")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if sorted(entry.filename for entry in entries) != sorted(f"{name}.npy" for name in sizes):
            raise ValueError(f"{len(sizes)} arrays were expected, and there are {len(entries)}, or others")
        for entry in entries:
            limit = sizes[entry.filename.removesuffix(".npy")]
            if entry.file_size > limit + ENTRY_BYTES:
                raise ValueError(f"an array unpacks to {entry.file_size} bytes, and can have {limit} at most")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("an array is packed in a way that NumPy does not use")
        return {entry.filename.removesuffix(".npy"): _array(archive, entry) for entry in entries}


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size)  # with a number it unpacks no more, whatever follows
        stream.read(1)  # at the end the checksum is compared
    head = io.BytesIO(content)
    if np.lib.format.read_magic(head) != (1, 0):
        raise ValueError("an array is of another version of NumPy's format")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(head)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - head.tell():
        raise ValueError("an array is not what its header says")
    flat = np.frombuffer(content, dtype, offset=head.tell()).copy()
    return flat.reshape(shape, order="F" if in_columns else "C")
