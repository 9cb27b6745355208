"""Snapshots of a live state in its store."""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import StateError
from fraudsieve.features.history.store import FORMAT
from fraudsieve.features.live_state import HistoryState

from .store.chain import RESTORE

__all__ = ["Dump", "declaration_digest", "decode_state", "encode_state"]

Dump: TypeAlias = tuple[dict[str, Any], list[dict[str, Array]]]

LENGTH = 8


def declaration_digest(state: HistoryState) -> str:
    """Return a digest of declaration and lateness. States with equal digests hold the same data after the same rows."""
    network = state.declared_network
    declared = [[view.to_dict() for view in state.histories], network and network.to_dict(), state.lateness, FORMAT]
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()[:32]


def encode_state(dump: Dump) -> Iterator[bytes]:
    """Return a dumped state as bytes: facts and arrays, each preceded by its length."""
    facts, parts = dump
    yield from _framed(json.dumps(facts | {"format": FORMAT}).encode())
    for arrays in parts:
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        yield from _framed(stream.getvalue())


def decode_state(content: bytes, origin: str) -> HistoryState:
    """Decode a state from `encode_state`; its digest must have been checked.

    Raises
    ------
    StateError
        If it has another format.
    """
    try:
        facts, *parts = _parts(content)
        declared = json.loads(facts)
        if declared.pop("format") != FORMAT:
            raise ValueError
        loaded = [np.load(io.BytesIO(part), allow_pickle=False) for part in parts]
        return HistoryState.restore(declared, [{name: arrays[name] for name in arrays.files} for arrays in loaded])
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, OSError, EOFError) as error:
        raise StateError(origin, f"a snapshot cannot be read ({type(error).__name__})", RESTORE) from None


def _framed(content: bytes) -> Iterator[bytes]:
    yield len(content).to_bytes(LENGTH, "little")
    yield content


def _parts(content: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(content):
        length = int.from_bytes(content[start : start + LENGTH], "little")
        yield content[start + LENGTH : start + LENGTH + length]
        start += LENGTH + length
