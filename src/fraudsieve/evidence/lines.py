"""The lines of an evidence log: a record, its place in the log, the digest of the record before it, and its own digest.

A line is canonical JSON: ``{"leaf":<digest>,"record":{"body":...,"index":...,"log":...,"previous":<digest>}}``. The
digest is that of a leaf of the Merkle tree, over the bytes of the record. A mismatch identifies the changed line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fraudsieve.exceptions import EvidenceError

from .canonical import decode_canonical
from .merkle import leaf_digest

NO_RECORD: Final = bytes(32)
"""The digest before the first record."""
_HEAD: Final = b'{"leaf":"'
_MIDDLE: Final = b'","record":'
_START: Final = len(_HEAD) + 64 + len(_MIDDLE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log."""

    log: str
    # Place of the record in the log, from 0.
    index: int
    previous: bytes
    leaf: bytes
    body: dict[str, Any]


def line_of(body: bytes, log: str, index: int, previous: bytes) -> tuple[bytes, bytes]:
    """Return the line of a record, and its digest."""
    record = b'{"body":%b,"index":%d,"log":"%b","previous":"%b"}' % (body, index, log.encode(), previous.hex().encode())
    leaf = leaf_digest(record)
    return b"%b%b%b%b}\n" % (_HEAD, leaf.hex().encode(), _MIDDLE, record), leaf


def leaf_of_line(line: bytes) -> bytes | None:
    """Return the digest of the record in a line; None if the line does not hold that digest."""
    leaf = leaf_digest(line[_START:-2])
    expected = b"%b%b%b" % (_HEAD, leaf.hex().encode(), _MIDDLE)
    return leaf if line[:_START] == expected and line[-2:] == b"}\n" else None


def may_begin_line(content: bytes) -> bool:
    """Return whether content can be the beginning of a line, which a killed process left."""
    return content[: len(_HEAD)] == _HEAD[: len(content)]


def read_line(line: bytes, origin: str) -> Line:
    """Read a line, strictly."""
    leaf = leaf_of_line(line)
    if leaf is None:
        fix = "It was changed after it was written."
        raise EvidenceError(origin, "differs from its digest, or is not a line of an evidence log", fix)
    record = decode_canonical(line[_START:-2], origin)
    try:
        read = Line(record["log"], record["index"], bytes.fromhex(record["previous"]), leaf, record["body"])
        is_valid = type(read.index) is int and read.index >= 0  # places count from 0
        is_valid = is_valid and type(read.log) is str and isinstance(read.body, dict)
    except (KeyError, TypeError, ValueError):
        is_valid = False
    if not is_valid or len(record) != 4:
        raise EvidenceError(origin, "is not a record of an evidence log", "Name a file that fraudsieve wrote.")
    return read


def log_lines(path: str | Path) -> Iterator[bytes]:
    """Iterate over the lines of a file, with their ends; the last one may lack it."""
    try:
        with Path(path).open("rb") as stream:
            yield from stream
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read ({type(error).__name__})", "Name an evidence log.") from None
