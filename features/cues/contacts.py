"""Contacts in messages, hashed with a secret key: a contact has the same hash in every spelling.

Hashes link messages to campaigns and people to networks without storing identifiers in plain text. Anyone with the key
can find the number of a hash by trying all numbers, so the key must be kept like a password.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fraudsieve._pseudonyms import keyed_digest
from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes

from .crypto import CRYPTO, find_crypto
from .handles import HANDLES, find_handles
from .links import EMAIL, IP_LINK, measure_links, path_end, shortener_table
from .numbers import NUMBERS, find_numbers
from .suffixes import find_rule, hash_host, registered_domain
from .telephones import PHONES

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
MESSENGER_HOSTS: Final = ("t.me", "telegram.me", "wa.me")  # the account in the path is the contact, not the host
LONGEST_KEY: Final = 64


@dataclass(frozen=True, slots=True)
class Contacts:
    """Contacts of messages, each once per message.

    Parameters
    ----------
    message : ndarray of int64, shape (n_contacts,)
        Position of the message, ascending.
    kind : ndarray of str, shape (n_contacts,)
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
    """Find the contacts in messages.

    Contacts are registered domains, short links, IP addresses, e-mail addresses, telephone numbers, messenger accounts,
    bank cards, identity numbers, company numbers and cryptocurrency addresses. The contact of a link shortener is
    the whole link, since its domain is shared by all users. Domains of mail services and shops also occur in many
    legitimate messages: remove common contacts before linking messages.

    Parameters
    ----------
    texts : sequence of str, length n_messages
        Raw messages.
    key : bytes
        A secret of 1 to 64 bytes. Hashes with different keys cannot be compared.

    Returns
    -------
    Contacts
        The contacts of each text, as keyed hashes.

    Raises
    ------
    TypeError
        If the key is not bytes.
    ValueError
        If the key is empty or too long.

    Examples
    --------
    >>> contacts = find_contacts(["打138-0013-8000", "call +86 138 0013 8000 or see www.shop.com"], b"a key")
    >>> contacts.message.tolist(), contacts.kind.tolist(), len(set(contacts.digest))
    ([0, 1, 1], ['phone', 'domain', 'phone'], 2)
    """
    _check_key(key)
    raw = pack(texts)
    folded, _ = fold_codes(raw, letter_digits=False)
    contacts = {*_links(folded), *_numbers(folded), *_handles(folded), *_crypto(raw)}
    rows = sorted((message, kind, keyed_digest(kind, plain, key).hex()) for message, kind, plain in contacts)
    message, kind, digest = zip(*rows, strict=True) if rows else ((), (), ())
    return Contacts(np.array(message, np.int64), np.array(kind, np.str_), np.array(digest, np.str_))


def _check_key(key: bytes) -> None:
    if not isinstance(key, bytes):
        raise TypeError(f"Expected the key as bytes, got {type(key).__name__}. Encode it, or read the file as bytes.")
    if not 1 <= len(key) <= LONGEST_KEY:
        fix = "Generate one with secrets.token_bytes(32), keep it secret, and pass the same key in every call."
        raise ValueError(f"Expected a key of 1 to {LONGEST_KEY} bytes, got {len(key)}. {fix}")


def _text_of(texts: CodePoints, start: int, stop: int) -> str:
    return "".join(map(chr, texts.codes[start:stop].tolist()))


def _links(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in measure_links(texts)[1].tolist():
        plain = _text_of(texts, start, stop)
        if kind == EMAIL:
            yield message, "email", plain
        elif kind == IP_LINK:
            yield message, "ip", ".".join(str(int(part)) for part in plain.split("."))
        else:
            yield from _domain(texts, message, plain, stop)


def _domain(texts: CodePoints, message: int, host: str, stop: int) -> Iterator[tuple[int, str, str]]:
    """Yield the registered domain, or the whole link of a shortener."""
    domain = registered_domain(host)
    if domain is None or domain in MESSENGER_HOSTS:
        return
    if find_rule(hash_host(domain), shortener_table()) < 0:
        yield message, "domain", domain
        return
    begin, end = path_end(texts.codes, stop, int(texts.offsets[message + 1]))
    path = _text_of(texts, begin, end).split("?")[0].rstrip("/.,!)")
    if path:
        yield message, "short_link", domain + path


def _numbers(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in find_numbers(texts).tolist():
        name = NUMBERS[kind]
        plain = "".join(char for char in _text_of(texts, start, stop) if char.isalnum())
        if name in PHONES:
            yield message, "phone", _phone(name, plain)
        else:
            yield message, name.removesuffix("s"), plain


def _phone(name: str, digits: str) -> str:
    """Normalise a telephone number: mobiles to 11 digits, landlines to a leading 0, others to a plus sign."""
    if name == "phones_cn":
        return digits[-11:]
    if name != "phones_international":
        return digits
    return "0" + digits[2:] if digits.startswith("86") else "+" + digits


def _handles(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in find_handles(texts).tolist():
        yield message, HANDLES[kind], _text_of(texts, start, stop)


def _crypto(texts: CodePoints) -> Iterator[tuple[int, str, str]]:
    for message, kind, start, stop in find_crypto(texts).tolist():
        plain = _text_of(texts, start, stop)
        ignores_case = CRYPTO[kind] == "ethereum" or plain[:3].lower() == "bc1"
        yield message, CRYPTO[kind], plain.lower() if ignores_case else plain
