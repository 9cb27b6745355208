"""A live state as bytes, and read from them: in a file of its own, or in a store of events.

The facts in JSON come first. One NPZ archive follows for each view, for the network if there is one, and for the ids of
delivered records. The length of each part precedes it, in eight bytes.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from fraudsieve._io import PRIVATE, replacing
from fraudsieve._typing import Array, JsonObject
from fraudsieve.exceptions import StateError

Dump: TypeAlias = tuple[JsonObject, list[dict[str, Array]]]
"""A copy of a state: facts in plain JSON types, and arrays per part."""

FORMAT: Final = 5
"""The version of the layout. It increases when an older reader would misread newer bytes."""
LENGTH: Final = 8
DIGEST: Final = 32
"""Bytes of the SHA-256 at the end of a file."""


def encode_dump(dump: Dump) -> Iterator[bytes]:
    """Yield the bytes of a dump, in parts."""
    facts, parts = dump
    yield from _framed(json.dumps(facts | {"format": FORMAT}).encode())
    for arrays in parts:
        stream = io.BytesIO()
        np.savez(stream, **dict[str, Any](arrays))
        yield from _framed(stream.getvalue())


def decode_dump(content: bytes | memoryview) -> Dump:
    """Return the dump in the bytes of `encode_dump`, with its ``format``; raises many types if they are damaged."""
    facts, *parts = map(bytes, _parts(content))
    return json.loads(facts), list(map(_arrays, parts))


def save_content(path: str | Path, parts: Iterable[bytes]) -> None:
    """Write parts to a file, atomically; their SHA-256 is at the end."""
    path, digest = Path(path), hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, mode=PRIVATE) as stream:
        for part in parts:
            digest.update(part)
            stream.write(part)
        stream.write(digest.digest())


def load_content(path: str | Path) -> memoryview:
    """Read what `save_content` wrote."""
    try:
        content = memoryview(Path(path).read_bytes())
    except OSError as error:
        problem = f"cannot be read ({type(error).__name__})"
        raise StateError(str(path), problem, "Pass a file that HistoryState.save wrote.") from None
    if hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:]:
        problem = "is not a saved state, or it was changed: its SHA-256 differs"
        raise StateError(str(path), problem, "Save the state again.")
    return content[:-DIGEST]


def _framed(content: bytes) -> Iterator[bytes]:
    yield len(content).to_bytes(LENGTH, "little")
    yield content


def _parts(content: bytes | memoryview) -> Iterator[bytes | memoryview]:
    start = 0
    while start < len(content):
        length = int.from_bytes(content[start : start + LENGTH], "little")
        yield content[start + LENGTH : start + LENGTH + length]
        start += LENGTH + length


def _arrays(part: bytes) -> dict[str, Array]:
    with np.load(io.BytesIO(part), allow_pickle=False) as loaded:
        return {name: loaded[name] for name in loaded.files}
