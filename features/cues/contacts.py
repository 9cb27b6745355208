"""What messages give as contacts, under a secret key: the same contact gives the same hash, however it is written.

Hashes link messages to campaigns and people to networks, and no identifier leaves this module in plain. Without the key
nobody can try numbers until a hash fits; with it anybody can, so a key is kept as a password is.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes

from .crypto import CRYPTO, find_crypto
from .handles import HANDLES, find_handles
from .hosts import path_end
from .links import EMAIL, IP_LINK, measure_links, shortener_table
from .numbers import NUMBERS, find_numbers
from .suffixes import find_rule, hash_host, registered_domain
from .telephones import PHONES

__all__ = ["CONTACT_KINDS", "Contacts", "find_contacts"]


CONTACT_KINDS: Final = (
    "domain",
    "short_link",
    "ip",
    "email",
    "phone",
    *HANDLES,
    "bank_card",
    "chinese_id",
    "company_number",
    *CRYPTO,
)
"""The kinds of contacts, in the order of their codes."""
MESSENGER_HOSTS: Final = ("t.me", "telegram.me", "wa.me")  # whose accounts count, not the host
LONGEST_KEY: Final = hashlib.blake2b.MAX_KEY_SIZE
HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Contacts:
    """Contacts of messages, each once per message.

    Parameters
    ----------
    message : ndarray of int64, shape (n_contacts,)
        The place of the message, ascending.
    kind : ndarray of str, shape (n_contacts,)
        One of `CONTACT_KINDS`.
    digest : ndarray of str, shape (n_contacts,)
        The keyed hash, 32 hexadecimal digits.

    Examples
    --------
    >>> find_contacts(["no contact"], b"a key").digest.tolist()
    []
    """

    message: Array
    kind: Array
    digest: Array

    def __len__(self) -> int:
        return len(self.message)


def find_contacts(texts: Sequence[str], key: bytes) -> Contacts:
    """Find the contacts that messages give.

    Registered domains (of shorteners the whole link, for everybody's links are under the same domain), IP addresses,
    e-mail addresses, telephone numbers, accounts of messengers, bank cards, identity numbers, company numbers and
    addresses of crypto currencies. A domain that many honest messages name (of a mail service, of a shop) links them
    as well: leave out what is common before linking.

    Parameters
    ----------
    texts : sequence of str, length n_messages
        Raw messages.
    key : bytes
        A secret of 1 to 64 bytes. Hashes under different keys do not meet.

    Returns
    -------
    Contacts
        The contacts of each text, as keyed hashes.

    Raises
    ------
    TypeError
        When the key is not bytes.
    ValueError
        When the key is empty or too long.

    Examples
    --------
    >>> found = find_contacts(["打138-0013-8000", "call +86 138 0013 8000 or see www.shop.com"], b"a key")
    >>> found.message.tolist(), found.kind.tolist(), len(set(found.digest))
    ([0, 1, 1], ['phone', 'domain', 'phone'], 2)
    """
    _check_key(key)
    raw = pack(texts)
    folded, _ = fold_codes(raw)
    found = {*_links(folded), *_numbers(folded), *_handles(folded), *_crypto(raw)}
    rows = sorted((message, kind, _hash(kind, plain, key)) for message, kind, plain in found)
    message, kind, digest = zip(*rows, strict=True) if rows else ((), (), ())
    return Contacts(np.array(message, np.int64), np.array(kind, np.str_), np.array(digest, np.str_))


def _check_key(key: bytes) -> None:
    if not isinstance(key, bytes):
        raise TypeError(f"Expected the key as bytes, got {type(key).__name__}. Encode it, or read the file as bytes.")
    if not 1 <= len(key) <= LONGEST_KEY:
        fix = "Make one with secrets.token_bytes(32), keep it secret, and pass the same one every time."
        raise ValueError(f"Expected a key of 1 to {LONGEST_KEY} bytes, got {len(key)}. {fix}")


def _hash(kind: str, plain: str, key: bytes) -> str:
    return hashlib.blake2b(f"{kind}\0{plain}".encode(), key=key, digest_size=HASH_BYTES).hexdigest()


def _cut(texts: CodePoints, start: int, stop: int) -> str:
    return "".join(map(chr, texts.codes[start:stop].tolist()))


def _links(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in measure_links(texts)[1].tolist():
        plain = _cut(texts, start, stop)
        if kind == EMAIL:
            yield message, "email", plain
        elif kind == IP_LINK:
            yield message, "ip", ".".join(str(int(part)) for part in plain.split("."))
        else:
            yield from _domain(texts, message, plain, stop)


def _domain(texts: CodePoints, message: int, host: str, stop: int) -> Iterator[tuple[int, str, str]]:
    """Name the registered domain, and the path of a shortener."""
    domain = registered_domain(host)
    if domain is None or domain in MESSENGER_HOSTS:
        return
    if find_rule(hash_host(domain), shortener_table()) < 0:
        yield message, "domain", domain
        return
    begin, end = path_end(texts.codes, stop, int(texts.offsets[message + 1]))
    path = _cut(texts, begin, end).split("?")[0].rstrip("/.,!)")
    if path:
        yield message, "short_link", domain + path


def _numbers(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in find_numbers(texts).tolist():
        name = NUMBERS[kind]
        plain = "".join(char for char in _cut(texts, start, stop) if char.isalnum())
        if name in PHONES:
            yield message, "phone", _phone(name, plain)
        else:
            yield message, name.removesuffix("s"), plain


def _phone(name: str, digits: str) -> str:
    """Write a telephone number in one way: a mobile as 11 digits, a line with its 0, abroad with a plus sign."""
    if name == "phones_cn":
        return digits[-11:]
    if name != "phones_international":
        return digits
    return "0" + digits[2:] if digits.startswith("86") else "+" + digits


def _handles(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in find_handles(texts).tolist():
        yield message, HANDLES[kind], _cut(texts, start, stop)


def _crypto(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in find_crypto(texts).tolist():
        plain = _cut(texts, start, stop)
        in_any_case = CRYPTO[kind] == "ethereum" or plain[:3].lower() == "bc1"
        yield message, CRYPTO[kind], plain.lower() if in_any_case else plain
