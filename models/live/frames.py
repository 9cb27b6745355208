"""Frames: what is written to a log at a time, with length and checksum, so that a torn one is told from a whole one.

A frame is four marking bytes, the length of its content (8 bytes), the CRC-32 of length and content (4 bytes), and the
content: JSON, a record a line, in ASCII. The mark has bytes that ASCII has not, so that the next frame can be looked
for behind a damaged one.
"""

import struct
import zlib
from collections.abc import Iterator

__all__ = ["damaged_at", "frame", "frames"]

MARK = b"\xf5fs\xf5"
LENGTH, CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
HEAD = len(MARK) + LENGTH.size + CHECKSUM.size


def frame(content: bytes) -> bytes:
    """Return a content in its frame.

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
    return MARK + length + CHECKSUM.pack(zlib.crc32(content, zlib.crc32(length))) + content


def frames(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Go through whole frames, up to the first that is not.

    Parameters
    ----------
    data : bytes
        A file.
    start : int
        Where the first frame begins.

    Yields
    ------
    end : int
        Where the frame ends.
    content : bytes
        What is in it.

    Examples
    --------
    >>> data = frame(b"[1]") + frame(b"[2]")
    >>> [content for _, content in frames(data[:-1], 0)]
    [b'[1]']
    """
    while (content := _content(data, start)) is not None:
        start += HEAD + len(content)
        yield start, content


def damaged_at(data: bytes, end: int) -> bool:
    """Tell whether what follows the last whole frame is damage, and no torn tail: then a whole frame follows somewhere.

    Parameters
    ----------
    data : bytes
        A file.
    end : int
        Where its last whole frame ends, by `frames`.

    Returns
    -------
    bool

    Examples
    --------
    >>> data = bytearray(frame(b"[1]") + frame(b"[2]"))
    >>> damaged_at(bytes(data[:-1]), 19)
    False
    >>> data[18] = 0
    >>> damaged_at(bytes(data), 0)
    True
    """
    place = data.find(MARK, end)
    while place >= 0:
        if _content(data, place) is not None:
            return True
        place = data.find(MARK, place + 1)
    return False


def _content(data: bytes, start: int) -> bytes | None:
    if len(data) < start + HEAD or not data.startswith(MARK, start):
        return None
    (length,) = LENGTH.unpack_from(data, start + len(MARK))
    (checksum,) = CHECKSUM.unpack_from(data, start + len(MARK) + LENGTH.size)
    content = data[start + HEAD : start + HEAD + length]
    whole = len(content) == length and zlib.crc32(content, zlib.crc32(LENGTH.pack(length))) == checksum
    return content if whole else None
