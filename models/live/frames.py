"""Frames: the units in which a log writes, with length and checksum, so that an incomplete write is detected.

A frame is a marker (4 bytes), the length of its content (8 bytes), the CRC-32 of length and content (4 bytes), and the
content: JSON lines in ASCII. The marker has bytes that are not ASCII, so that the next frame can be found after a
damaged one.
"""

import struct
import zlib
from collections.abc import Iterator

__all__ = ["frame", "frames", "is_damaged"]

MARKER = b"\xf5fs\xf5"
LENGTH, CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
HEAD = len(MARKER) + LENGTH.size + CHECKSUM.size


def frame(content: bytes) -> bytes:
    """Frame content.

    Parameters
    ----------
    content : bytes
        ASCII.

    Returns
    -------
    bytes

    Examples
    --------
    >>> len(frame(b"[1]"))
    19
    """
    length = LENGTH.pack(len(content))
    return MARKER + length + CHECKSUM.pack(zlib.crc32(content, zlib.crc32(length))) + content


def frames(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Iterate over complete frames, up to the first that is not.

    Parameters
    ----------
    data : bytes
        Content of a file.
    start : int
        Offset of the first frame.

    Yields
    ------
    end : int
        Offset of the end of the frame.
    content : bytes
        Content of the frame.

    Examples
    --------
    >>> data = frame(b"[1]") + frame(b"[2]")
    >>> [content for _, content in frames(data[:-1], 0)]
    [b'[1]']
    """
    while (content := _content(data, start)) is not None:
        start += HEAD + len(content)
        yield start, content


def is_damaged(data: bytes, end: int) -> bool:
    """Return whether the file is damaged after a frame: no complete frame follows an incomplete write.

    Parameters
    ----------
    data : bytes
        Content of a file.
    end : int
        Offset of the end of its last complete frame, from `frames`.

    Returns
    -------
    bool

    Examples
    --------
    >>> data = bytearray(frame(b"[1]") + frame(b"[2]"))
    >>> is_damaged(bytes(data[:-1]), 19)
    False
    >>> data[18] = 0
    >>> is_damaged(bytes(data), 0)
    True
    """
    start = data.find(MARKER, end)
    while start >= 0:
        if _content(data, start) is not None:
            return True
        start = data.find(MARKER, start + 1)
    return False


def _content(data: bytes, start: int) -> bytes | None:
    """Return the content of the frame at an offset; None if there is no complete frame."""
    if len(data) < start + HEAD or not data.startswith(MARKER, start):
        return None
    (length,) = LENGTH.unpack_from(data, start + len(MARKER))
    (checksum,) = CHECKSUM.unpack_from(data, start + len(MARKER) + LENGTH.size)
    content = data[start + HEAD : start + HEAD + length]
    is_complete = len(content) == length and zlib.crc32(content, zlib.crc32(LENGTH.pack(length))) == checksum
    return content if is_complete else None
