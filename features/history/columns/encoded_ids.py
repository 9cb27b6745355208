"""A column of ids or categories: each distinct value is read and hashed once, and the rows refer to it.

Needs only NumPy.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import blake2b
from itertools import count
from typing import Any, TypeAlias

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.exceptions import RejectedRecordError
from fraudsieve.tables.values.reading import FLAG_WORDS, MISSING_WORDS, read_id

__all__ = ["EncodedIds", "Read", "digests_of", "encode_dictionary", "encode_ids"]

Read: TypeAlias = Callable[[Any], str | None]
"""`read_id` or `read_category`."""
PLAIN = frozenset({str, int, type(None)})
"""Types whose values are equal only if they are the same id; 1, 1.0 and True are equal too, but not the same id."""


_NOT_ORDINARY = frozenset({"", *MISSING_WORDS, *FLAG_WORDS})


class EncodedIds:
    """Ids as codes, with what is known about each distinct value.

    Parameters
    ----------
    codes : ndarray of int64, shape (n_rows,)
        The value of each row.
    texts : list of str or None
        Each distinct value as it is read; None if it is missing or not an id.
    invalid : ndarray of bool
        Which distinct values are not ids.

    Examples
    --------
    >>> ids = encode_ids(["ann", " 7 ", 7, None, 1.5])
    >>> ids.texts, ids.is_present.tolist(), ids.is_invalid.tolist()
    (['ann', '7', '7', None, None], [True, True, True, False, False], [False, False, False, False, True])
    """

    def __init__(self, codes: Array, texts: list[str | None], invalid: Array) -> None:
        self.codes, self.texts, self.invalid = codes, texts, invalid

    @cached_property
    def present(self) -> Array:
        """Which distinct values are ids."""
        return np.array([text is not None for text in self.texts], np.bool_)

    @property
    def is_present(self) -> Array:
        """Which rows have an id."""
        return self._all(True) if self.present.all() else self.present[self.codes]

    @property
    def is_invalid(self) -> Array:
        """Which rows have a value that is not an id."""
        return self.invalid[self.codes] if self.invalid.any() else self._all(False)

    def _all(self, value: bool) -> Array:
        return np.broadcast_to(np.bool_(value), self.codes.shape)  # takes no memory

    @cached_property
    def parts(self) -> list[bytes]:
        """Each distinct id as bytes; empty for a missing one."""
        return [text.encode() if text else b"" for text in self.texts]

    @cached_property
    def digests(self) -> Array:
        """The digest of each distinct id, as from `id_digest`."""
        return np.where(self.present, digests_of(self.parts), np.uint64(0))

    @cached_property
    def keys(self) -> Array:
        """The digest of each distinct entity that this column alone identifies, as from `entity_key`; shape (n, 2)."""
        hashed = (blake2b(len(part).to_bytes(4, "little") + part, digest_size=16).digest() for part in self.parts)
        return np.frombuffer(b"".join(hashed), np.uint64).reshape(-1, 2)

    def repeat(self, rows: Array) -> "EncodedIds":
        """Return the ids of other rows, which refer to the same distinct values."""
        repeated = EncodedIds(self.codes[rows], self.texts, self.invalid)
        vars(repeated).update({name: known for name, known in vars(self).items() if name != "codes"})
        return repeated


def digests_of(parts: Sequence[bytes]) -> Array:
    """Return the digest of 64 bits of each of several byte strings; never 0.

    Examples
    --------
    >>> from fraudsieve.features.history.records import id_digest
    >>> int(digests_of([b"ann"])[0]) == id_digest("ann", "ip")
    True
    """
    digests = np.frombuffer(b"".join([blake2b(part, digest_size=8).digest() for part in parts]), np.uint64)
    return np.where(digests == 0, np.uint64(1), digests)


def encode_ids(values: Sequence[Any], read: Read = read_id) -> EncodedIds:
    """Encode a column of ids of any types."""
    if not PLAIN.issuperset(map(type, values)):
        values = [value if type(value) in PLAIN else _Other(value) for value in values]
    lookup: defaultdict[Any, int] = defaultdict(count().__next__)
    codes = np.fromiter(map(lookup.__getitem__, values), np.int64, len(values))
    return _read(codes, list(lookup), read)


class _Other:
    """A value that may be equal to another one without being the same id; equal to itself only."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def encode_dictionary(codes: Array, values: Sequence[Any], read: Read = read_id) -> EncodedIds:
    """Return ids that are encoded already; a code of -1 is a missing id."""
    return _read(np.where(codes < 0, len(values), codes).astype(np.int64), [*values, None], read)


def _read(codes: Array, distinct: Sequence[Any], read: Read) -> EncodedIds:
    texts, invalid = _ordinary(distinct), np.zeros(len(distinct), np.bool_)
    if texts is not None:
        return EncodedIds(codes, texts, invalid)
    texts = []
    for position, value in enumerate(distinct):
        try:
            texts.append(read(value.value if isinstance(value, _Other) else value))
        except RejectedRecordError:
            texts.append(None)
            invalid[position] = True
    return EncodedIds(codes, texts, invalid)


def _ordinary(distinct: Sequence[Any]) -> list[str | None] | None:
    """Return stripped strings if each of them is an id and a category as it is, or missing; otherwise None."""
    names = [value for value in distinct if value is not None]
    if set(map(type, names)) - {str}:
        return None
    texts = list(map(str.strip, names))
    if not (all(map(str.isascii, texts)) and all(map(str.isprintable, texts)) and _NOT_ORDINARY.isdisjoint(texts)):
        return None
    stripped = iter(texts)
    return [None if value is None else next(stripped) for value in distinct]
