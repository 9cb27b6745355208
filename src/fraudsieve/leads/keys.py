"""Keys of pseudonyms: a file of secrets, a key for each recipient, and the search for values behind pseudonyms."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from fraudsieve._io import read_secret_file
from fraudsieve._pseudonyms import MIN_KEY_BYTES, key_id, keyed_digest, pseudonym_of, pseudonyms_in
from fraudsieve.evidence.canonical import encode_canonical
from fraudsieve.exceptions import LeadError

PURPOSE: Final = "fraudsieve lead 1"
TYPE: Final = re.compile(r"[a-z][a-z0-9_]*")
CHUNK: Final = 100_000

Wanted = dict[str, dict[bytes, str]]
"""Pseudonyms by type and digest."""


@dataclass(frozen=True)
class Secret:
    """A secret of your organisation, from which keys are derived.

    Parameters
    ----------
    value : bytes
        At least 32 bytes.
    since : date, default=None
        The day from which it is used; None for the only secret of a file.

    Examples
    --------
    >>> Secret(b"s" * 32, date(2026, 5, 1))
    Secret(since=datetime.date(2026, 5, 1))
    """

    value: bytes = field(repr=False)
    since: date | None = None


class LeadKey:
    """The key of the pseudonyms of one recipient, or of one case for one recipient.

    Parameters
    ----------
    derived : bytes
        From `derive_key`.
    salt : str, default=None
        Hexadecimal salt of the key of a single case; it is not secret. None for the key of all cases.
    recipient : str, default=""
        Who gets the pseudonyms.

    Attributes
    ----------
    id : str
        An identifier of the key that reveals nothing about it.

    Examples
    --------
    >>> key = LeadKey(b"k" * 32)
    >>> key.pseudonym("account", "ann")
    'p1.dce80344.account.qkdkllmkc3hmip22pblaraejc4'
    """

    def __init__(self, derived: bytes, salt: str | None = None, recipient: str = "") -> None:
        self._derived = derived
        self.salt, self.recipient = salt, recipient
        self.id = key_id(derived)

    def pseudonym(self, kind: str, value: str) -> str:
        """Return the pseudonym of a value: ``p1.<id of the key>.<type>.<base32 of 128 bits>``.

        Parameters
        ----------
        kind : str
            The type, such as ``account``.
        value : str

        Returns
        -------
        str
            Equal for equal values of the same type with the same key.
        """
        return pseudonym_of(_checked_type(kind), value, self._derived)

    def digests(self, kind: str, values: Sequence[str]) -> list[bytes]:
        """Return the 128 bits of the pseudonyms of many values.

        Parameters
        ----------
        kind : str
            The type.
        values : sequence of str

        Returns
        -------
        list of bytes
        """
        _checked_type(kind)
        return [keyed_digest(kind, value, self._derived) for value in values]


def _checked_type(kind: str) -> str:
    if TYPE.fullmatch(kind) is None:
        raise ValueError("kind: expected lower-case letters, digits and underscores, got something else.")
    return kind


def recipient_name(name: str) -> str:
    """Normalise the name of a recipient: NFC, without spaces at either end."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name or not name.isprintable():
        raise LeadError("recipient", "expected a printable name, got something else", "Name the recipient.")
    return name


def derive_key(secret: Secret, recipient: str, *, case: str | None = None, salt: str | None = None) -> LeadKey:
    """Derive the key of a recipient with HKDF (RFC 5869) and SHA-256.

    Parameters
    ----------
    secret : Secret
        The secret, from `read_secrets`.
    recipient : str
        Who gets the pseudonyms.
    case : str, default=None
        The case, for a key that is used only for this case; None for one key for all cases of the recipient.
    salt : str, default=None
        Salt of a key that was derived earlier, in place of `case`.

    Returns
    -------
    LeadKey
        The key, with a salt if it is for a single case.

    Raises
    ------
    LeadError
        If cryptography is not installed, or the recipient has no name.

    Examples
    --------
    >>> secret = Secret(b"s" * 32)
    >>> key = derive_key(secret, "police", case="case-1")
    >>> key.id == derive_key(secret, "police", salt=key.salt).id, key.id == derive_key(secret, "police").id
    (True, False)
    """
    name = recipient_name(recipient)
    if case is not None:
        salt = _expand(secret.value, {"case": case, "purpose": f"{PURPOSE} salt", "recipient": name})[:16].hex()
    return LeadKey(_expand(secret.value, {"purpose": PURPOSE, "recipient": name, "salt": salt}), salt, name)


def _expand(secret: bytes, info: dict[str, str | None]) -> bytes:
    try:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ModuleNotFoundError:
        fix = "Install it: pip install 'fraudsieve[evidence]'."
        raise LeadError("pseudonyms", "need cryptography, which is not installed", fix) from None
    return HKDF(SHA256(), 32, None, encode_canonical(info)).derive(secret)


def find_key(secrets: Sequence[Secret], recipient: str, id_: str, salt: str | None = None) -> LeadKey | None:
    """Return the key of a lead, derived from whichever secret matches; None if no secret matches."""
    keys = (derive_key(secret, recipient, salt=salt) for secret in secrets)
    return next((key for key in keys if key.id == id_), None)


def read_secrets(path: str | Path) -> list[Secret]:
    """Read a file of secrets: a single secret, or lines of a day and a secret, the newest first.

    New leads use the newest secret. Older leads can be resolved and withdrawn as long as their secrets are in the
    file.

    Parameters
    ----------
    path : str or Path
        The file. Each line has a day and a secret, such as ``2026-11-01 <64 hexadecimal digits>``.

    Returns
    -------
    list of Secret
        The newest first.

    Raises
    ------
    LeadError
        If the file cannot be read or is open to other users, a secret is too short or occurs twice, or the days do
        not descend.

    Examples
    --------
    >>> path = getfixture("tmp_path") / "lead.key"
    >>> _ = path.write_text("2026-11-01 " + "n" * 64 + "\\n2026-05-01 " + "o" * 64)
    >>> path.chmod(0o600)
    >>> [secret.since.isoformat() for secret in read_secrets(path)]
    ['2026-11-01', '2026-05-01']
    """
    fix = "Name a file with a key."
    try:
        lines = [line.split() for line in read_secret_file(path, LeadError, fix).decode().splitlines()]
    except UnicodeDecodeError:
        raise LeadError(str(path), "expected UTF-8", fix) from None
    lines = [words for words in lines if words and not words[0].startswith("#")]
    secrets = [_secret(words, len(lines) == 1, str(path)) for words in lines]
    days = [secret.since for secret in secrets if secret.since is not None]
    if not secrets or days != sorted(set(days), reverse=True) or len({one.value for one in secrets}) < len(secrets):
        problem = "expected secrets of different days, the newest first, each once"
        raise LeadError(str(path), problem, "Put a new line above the others: a day and openssl rand -hex 32.")
    return secrets


def _secret(words: list[str], is_alone: bool, origin: str) -> Secret:
    """Return the secret of a line. No error quotes the line."""
    fix = "Write a day and a secret in each line, such as that of: openssl rand -hex 32."
    if not (len(words) == 2 or (is_alone and len(words) == 1)):
        raise LeadError(origin, f"expected lines of a day and a secret, got a line of {len(words)} words", fix)
    value = words[-1].encode()
    if len(value) < MIN_KEY_BYTES:
        raise LeadError(origin, f"expected secrets of at least {MIN_KEY_BYTES} bytes, got {len(value)}", fix)
    try:
        return Secret(value, date.fromisoformat(words[0]) if len(words) == 2 else None)
    except ValueError:
        raise LeadError(origin, "expected days such as 2026-11-01, got something else", fix) from None


def wanted_pseudonyms(texts: Iterable[str], of_key: str) -> Wanted:
    """Return the pseudonyms in texts that were made with a key."""
    wanted: Wanted = {}
    for text in texts:
        for pseudonym, id_, kind, digest in pseudonyms_in(text):
            if id_ == of_key:
                wanted.setdefault(kind, {})[digest] = pseudonym
    return wanted


def match_values(key: LeadKey, kind: str, values: Sequence[str], wanted: Mapping[bytes, str]) -> dict[str, str]:
    """Return the values behind pseudonyms. Only the digests of one chunk of values are in memory at a time.

    Returns values by pseudonym.
    """
    found = {}
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        for digest, value in zip(key.digests(kind, chunk), chunk, strict=True):
            if digest in wanted:
                found[wanted[digest]] = value
    return found
