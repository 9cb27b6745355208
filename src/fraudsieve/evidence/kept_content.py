"""The part of an input that a record keeps: only a digest, also keyed pseudonyms, or all values.

A plain digest of a telephone number or a short text can be guessed by trying all of them. With a key, only the holder
of the key can compute the digest. Without a key, it is salted, so that equal inputs of two records have different
digests.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from fraudsieve._io import read_secret_file
from fraudsieve._pseudonyms import MIN_KEY_BYTES, key_id, pseudonym_of
from fraudsieve._typing import JsonObject
from fraudsieve.exceptions import EvidenceError, RejectedRecordError
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.tables.values.moments import read_date
from fraudsieve.tables.values.reading import is_missing, read_category, read_id, read_number

from .canonical import encode_canonical, field_value, read_field_value

ContentKind: TypeAlias = Literal["omitted", "pseudonymised", "kept"]

PURPOSE: Final = b"fraudsieve evidence 1"
_ACCOUNTS: Final = ("account_id", "counterparty_id", "recipient_id")
"""Fields that name an account: equal accounts get equal pseudonyms in all of them."""


@dataclass(frozen=True)
class Content:
    """The choice of what evidence keeps of texts and identifiers.

    Parameters
    ----------
    kind : {"omitted", "pseudonymised", "kept"}, default="omitted"
        ``omitted`` keeps only a digest of the input. ``pseudonymised`` also keeps numbers and times, and keyed
        pseudonyms of texts, identifiers, categories, and strings in fields of numbers or times that are neither.
        ``kept`` keeps every field that the model reads.
    key : bytes, default=None
        At least 32 secret bytes, required for pseudonyms. With a key, digests of inputs are keyed too.

    Raises
    ------
    ValueError
        If the kind is unknown, or the key is missing or too short.

    Examples
    --------
    >>> content = Content("pseudonymised", b"0" * 32)
    >>> content.pseudonym("account_id", "ann") == content.pseudonym("recipient_id", "ann")
    True
    >>> content.pseudonym("account_id", "ann").rpartition(".")[0]
    'p1.cfef8508.account'
    """

    kind: ContentKind = "omitted"
    key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(ContentKind):
            expected = ", ".join(get_args(ContentKind))
            raise ValueError(f"content: expected one of {expected}, got {self.kind!r}.")
        if self.kind == "pseudonymised" and self.key is None:
            raise ValueError("content: pseudonyms need a key. Create one, for example with: openssl rand -hex 32.")
        if self.key is not None and len(self.key) < MIN_KEY_BYTES:
            raise ValueError(f"key: expected at least {MIN_KEY_BYTES} bytes, got {len(self.key)}.")

    @property
    def key_id(self) -> str | None:
        """An identifier of the key that reveals nothing about it; None without a key."""
        return None if self.key is None else key_id(self._derived)

    def pseudonym(self, name: str, value: str) -> str:
        """Return the pseudonym of a value: ``p1.<id of the key>.<type>.<128 bits>``.

        Parameters
        ----------
        name : str
            The field.
        value : str

        Returns
        -------
        str
            Equal for equal values of the same type with the same key. Without the key, it reveals nothing.
        """
        kind = "account" if name in _ACCOUNTS else name.removesuffix("_id")
        return pseudonym_of(kind, value, self._derived)

    def describe_input(self, record: Mapping[str, Any], fields: Mapping[str, str]) -> JsonObject:
        """Return the part of an input that is kept: its digest, and its fields according to `kind`.

        Parameters
        ----------
        record : mapping
        fields : mapping of str to str
            From `input_fields`.

        Returns
        -------
        dict
            ``content``, ``digest`` with ``salt`` or ``key``, and ``fields`` unless they are omitted.
        """
        values = {name: field_value(record[name]) for name in fields if name in record}
        salt = "" if self.key is not None else secrets.token_hex(16)
        digest = self._input_digest(values, salt)
        described: JsonObject = {"content": self.kind, "digest": digest, "salt": salt, "key": self.key_id}
        if self.kind == "omitted":
            return described
        return described | {"fields": {name: self._kept(name, fields[name], values[name]) for name in values}}

    def is_input(self, record: Mapping[str, Any], described: Mapping[str, Any], matrix: FeatureMatrix) -> bool:
        """Return whether a record is the input of a score, by its digest.

        Parameters
        ----------
        record : mapping
            The record, as it was scored.
        described : mapping
            ``input`` of the evidence record.
        matrix : FeatureMatrix
            ``matrix`` of the model.

        Examples
        --------
        >>> from fraudsieve._subjects import Subject
        >>> from fraudsieve.features.account_matrix import AccountMatrix
        >>> from fraudsieve.features.profile.custom_columns import CustomColumns
        >>> matrix = AccountMatrix(Subject.ACCOUNT, (), custom=CustomColumns(("age",)))
        >>> record = {"account_id": "ann", "age": 3}
        >>> described = Content().describe_input(record, input_fields(matrix))
        >>> Content().is_input(record, described, matrix), Content().is_input({"age": 4}, described, matrix)
        (True, False)
        """
        values = {name: field_value(record[name]) for name in input_fields(matrix) if name in record}
        return bool(self._input_digest(values, described["salt"]) == described["digest"])

    def subject_id(self, record: Mapping[str, Any], subject: str) -> str | None:
        """Return the identifier of a record, or its pseudonym; None if it has none, or identifiers are omitted."""
        name = f"{subject}_id"
        if self.kind == "omitted" or is_missing(record.get(name)):
            return None
        kept = self._kept(name, "id", field_value(record[name]))
        return kept if isinstance(kept, str) else encode_canonical(kept).decode()

    def _kept(self, name: str, kind: str, value: Any) -> Any:
        if self.kind == "kept" or value is None or _is_number_or_time(value, kind):
            return value
        with suppress(RejectedRecordError):  # of a type that no model reads
            if kind in ("id", "category"):
                value = (read_id if kind == "id" else read_category)(read_field_value(value), name)
        return self.pseudonym(name, value if isinstance(value, str) else encode_canonical(value).decode())

    def _input_digest(self, values: Mapping[str, Any], salt: str) -> str:
        content = salt.encode() + encode_canonical(values)
        if self.key is None:
            return hashlib.sha256(content).hexdigest()
        return hmac.digest(self._derived, b"input\0" + content, "sha256").hex()

    @cached_property
    def _derived(self) -> bytes:
        """The key for evidence alone; keys of leads are derived from secrets for other purposes."""
        assert self.key is not None
        return hmac.digest(self.key, PURPOSE, "sha256")


def _is_number_or_time(value: Any, kind: str) -> bool:
    """Return whether a value is what its field is for. Other strings in such fields can be free text."""
    if not isinstance(value, str):
        return kind not in ("text", "id", "category")
    with suppress(RejectedRecordError):
        if kind in ("time", "date"):
            return read_date(value) is not None
        return kind in ("number", "amount") and read_number(value) == read_number(value)
    return False


def input_fields(matrix: FeatureMatrix) -> dict[str, str]:
    """Return the fields of an input that the model reads, which evidence covers, and the types of their values."""
    return {matrix.subject.id: "id", **{field.name: field.kind for field in matrix.fields}}


def read_key(path: str | Path) -> bytes:
    """Read a key from a file that contains only the key; whitespace at both ends is ignored.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    bytes
        The key, at least 32 bytes.

    Raises
    ------
    EvidenceError
        If the file cannot be read or is open to other users, or the key is too short.
    """
    key = read_secret_file(path, EvidenceError, "Name a file with a key.")
    if len(key) < MIN_KEY_BYTES:
        fix = "Create one, for example with: openssl rand -hex 32."
        raise EvidenceError(str(path), f"expected a key of at least {MIN_KEY_BYTES} bytes, got {len(key)}", fix)
    return key
