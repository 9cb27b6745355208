"""Frames: the units in which a log writes, with place, length and checksum, so that each change is detected.

A frame is a marker (4 bytes), its place and the length of its content (4 times 8 bytes: size of the previous segment,
number of the segment, offset in the segment, length), the CRC-32 of place, length and content (4 bytes), and the
content: JSON lines in ASCII. The marker has bytes that are not ASCII, so that the next frame can be found after a
damaged one. A frame that was moved or copied is complete, but not in its place.
"""

import struct
import zlib
from collections.abc import Iterator

__all__ = ["count_records", "frame", "frames", "is_damaged", "previous_size"]

MARKER = b"\xf5fs\xf5"
PLACE, CHECKSUM = struct.Struct("<QQQQ"), struct.Struct("<I")
HEAD = len(MARKER) + PLACE.size + CHECKSUM.size


def frame(content: bytes, segment: int, offset: int, previous: int = 0) -> bytes:
    """Frame content.

    Parameters
    ----------
    content : bytes
        ASCII.
    segment, offset : int
        Where the frame will be written.
    previous : int, default=0
        Size of the previous segment; 0 if there is none.

    Returns
    -------
    bytes

    Examples
    --------
    >>> len(frame(b"[1]", 1, 0))
    43
    """
    place = PLACE.pack(previous, segment, offset, len(content))
    return MARKER + place + CHECKSUM.pack(zlib.crc32(content, zlib.crc32(place))) + content


def frames(data: bytes, segment: int, start: int) -> Iterator[tuple[int, bytes]]:
    """Iterate over complete frames in their places, up to the first that is not.

    Parameters
    ----------
    data : bytes
        Content of a segment.
    segment : int
        Its number.
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
    >>> data = frame(b"[1]", 1, 0) + frame(b"[2]", 1, 43)
    >>> [content for _, content in frames(data[:-1], 1, 0)]
    [b'[1]']
    """
    while (content := _content(data, start)) is not None and _place(data, start)[1:3] == (segment, start):
        start += HEAD + len(content)
        yield start, content


def is_damaged(data: bytes, end: int) -> bool:
    """Return whether the file is damaged after a frame: no complete frame follows an incomplete write.

    Parameters
    ----------
    data : bytes
        Content of a segment.
    end : int
        Offset of the end of its last frame, from `frames`.

    Returns
    -------
    bool

    Examples
    --------
    >>> data = bytearray(frame(b"[1]", 1, 0) + frame(b"[2]", 1, 43))
    >>> is_damaged(bytes(data[:-1]), 43)
    False
    >>> data[42] = 0
    >>> is_damaged(bytes(data), 0)
    True
    """
    start = data.find(MARKER, end)
    while start >= 0:
        if _content(data, start) is not None:
            return True
        start = data.find(MARKER, start + 1)
    return False


def count_records(data: bytes) -> int:
    """Count the records of an incomplete frame, with the last one, of which a part may be missing.

    Parameters
    ----------
    data : bytes
        The end of a segment, from the end of its last frame.

    Returns
    -------
    int
        0 if it does not begin with a frame.

    Examples
    --------
    >>> count_records(frame(b"[1]\\n[2]", 1, 0)[:-1])
    2
    """
    content = data[HEAD:].rstrip(b"\0")
    return content.count(b"\n") + 1 if content and data.startswith(MARKER) else 0


def previous_size(data: bytes, start: int) -> int | None:
    """Return the size of the previous segment from a frame; None if there is no complete frame.

    Parameters
    ----------
    data : bytes
        Content of a segment.
    start : int
        Offset of the frame.

    Returns
    -------
    int or None

    Examples
    --------
    >>> previous_size(frame(b"[1]", 2, 0, 99), 0)
    99
    """
    return None if _content(data, start) is None else _place(data, start)[0]


def _place(data: bytes, start: int) -> tuple[int, int, int, int]:
    """Return size of the previous segment, segment, offset and length from the head of a frame."""
    previous, segment, offset, length = PLACE.unpack_from(data, start + len(MARKER))
    return previous, segment, offset, length


def _content(data: bytes, start: int) -> bytes | None:
    """Return the content of the frame at an offset, whatever its place; None if there is no complete frame."""
    if len(data) < start + HEAD or not data.startswith(MARKER, start):
        return None
    stop = start + HEAD + _place(data, start)[3]
    # Content has no marker. Without this check, many forged lengths would make the search quadratic.
    if stop > len(data) or data.find(MARKER, start + HEAD, stop) >= 0:
        return None
    content, place = data[start + HEAD : stop], data[start + len(MARKER) : start + len(MARKER) + PLACE.size]
    (checksum,) = CHECKSUM.unpack_from(data, start + len(MARKER) + PLACE.size)
    return content if zlib.crc32(content, zlib.crc32(place)) == checksum else None
