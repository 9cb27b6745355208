"""Pseudonyms of identifiers and texts, in evidence, cases and leads.

A pseudonym is the HMAC-SHA256 of a type and a value, cut to 128 bits. With one key, equal values of one type have equal
pseudonyms. Without the key, a guess cannot be tested. With it, anyone can test one, so keys are kept like passwords.
"""

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterator
from typing import Final

MIN_KEY_BYTES: Final = 32
"""Length of keys whose pseudonyms leave the organisation."""
DIGEST_BYTES: Final = 16
PSEUDONYM: Final = re.compile(r"p1\.([0-9a-f]{8})\.([a-z][a-z0-9_]*)\.([a-z2-7]{26})")


def keyed_digest(kind: str, value: str, key: bytes) -> bytes:
    """Return the 128 bits of a pseudonym."""
    content = f"pseudonym {kind}\0{value}".encode("utf-8", "surrogatepass")
    return hmac.digest(key, content, "sha256")[:DIGEST_BYTES]


def key_id(key: bytes) -> str:
    """Return an identifier of a key, which reveals nothing about it."""
    return hmac.digest(key, b"key id", "sha256")[:4].hex()


def pseudonym_of(kind: str, value: str, key: bytes) -> str:
    """Return a pseudonym: ``p1.<id of the key>.<type>.<base32 of 128 bits>``."""
    digest = b32encode(keyed_digest(kind, value, key)).decode().rstrip("=").lower()
    return f"p1.{key_id(key)}.{kind}.{digest}"


def pseudonyms_in(text: str) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield the pseudonyms in a text: each whole, the id of its key, its type and its 128 bits."""
    for match in PSEUDONYM.finditer(text):
        yield match[0], match[1], match[2], b32decode(match[3].upper() + "======")
