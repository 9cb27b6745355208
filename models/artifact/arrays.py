"""Arrays in an npz file, whose declared sizes are checked against limits before anything is unpacked."""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from fraudsieve._typing import Array

ENTRY_BYTES: Final = 4096
"""Maximum size of an array's header, in bytes."""


def pack_arrays(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays of numbers as a compressed npz file."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def read_arrays(content: bytes, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Read the arrays of an npz file, none larger than its limit in `sizes`, in bytes.

    A few kilobytes can unpack to gigabytes, and the header of an array can demand any memory. The sizes in the archive
    are therefore checked first, and no more bytes are unpacked. An array that differs from its header is rejected.
    """
    if not content.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile("the file does not start with an archive")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if sorted(entry.filename for entry in entries) != sorted(f"{name}.npy" for name in sizes):
            raise ValueError(
                f"expected the arrays {', '.join(sorted(sizes))}, got {len(entries)} arrays of other names"
            )
        for entry in entries:
            limit = sizes[entry.filename.removesuffix(".npy")]
            if entry.file_size > limit + ENTRY_BYTES:
                raise ValueError(f"expected at most {limit} bytes, an array unpacks to {entry.file_size}")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("an array has a compression that NumPy does not use")
        return {entry.filename.removesuffix(".npy"): _array(archive, entry) for entry in entries}


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size)  # with a size it unpacks no more, whatever follows
        stream.read(1)  # reading to the end compares the checksum
    head = io.BytesIO(content)
    if np.lib.format.read_magic(head) != (1, 0):
        raise ValueError("an array has another version of NumPy's format")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(head)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - head.tell():
        raise ValueError("an array does not match its header")
    # Compiled code reads only the byte order of this machine.
    flat = np.frombuffer(content, dtype, offset=head.tell()).astype(dtype.newbyteorder("="))
    return flat.reshape(shape, order="F" if in_columns else "C")
