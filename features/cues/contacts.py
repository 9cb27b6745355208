"""Contacts in messages, hashed with a secret key: a contact has the same hash in every spelling.

Hashes link messages to campaigns and people to networks without storing identifiers in plain text. Anyone with the key
can find the number of a hash by trying all numbers, so the key must be kept like a password.

Messenger accounts in folded text: WeChat, QQ, Telegram, WhatsApp.

A match is a word for the messenger (``data/handles.txt``), a few characters such as ``号:`` or a blank, and a valid
account name. After a Latin word and only a blank, the account must have a digit or an underscore, so that "wechat
message" does not match. ``@name`` counts as Telegram, although other networks use the same form.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel, compile_part
from fraudsieve._pseudonyms import keyed_digest
from fraudsieve._typing import Array
from fraudsieve.features.text.automaton import Automaton, build_automaton, read_words
from fraudsieve.features.text.characters import code_array, is_alnum, is_digit, is_latin, is_one_of, starts_with
from fraudsieve.features.text.codepoints import CodePoints, add_span, new_spans, pack
from fraudsieve.features.text.fold import fold_codes

from .crypto import CRYPTO, find_crypto
from .links import EMAIL, IP_LINK, measure_links, path_end, shortener_table
from .numbers import NUMBERS, find_numbers
from .suffixes import find_rule, hash_host, registered_domain
from .telephones import PHONES

HANDLES = ("wechat", "qq", "telegram", "whatsapp")
WECHAT, QQ, TELEGRAM, WHATSAPP = range(4)
TELEGRAM_KIND: Any = np.int32(TELEGRAM)
"""Telegram in the type of the kinds of words, so that `_read_id` is compiled once."""
WORDS = files("fraudsieve.features.cues") / "data" / "handles.txt"
GAP = code_array(" :=-号是为群搜加+@")
ANNOUNCING = code_array(":=号群@+")
ID = code_array("id")
ZERO, AT, UNDERSCORE, DOT, HYPHEN = map(ord, "0@_.-")
MAX_GAP = 4
SHORTEST_ID = np.array([6, 5, 5, 8])
LONGEST_ID = np.array([20, 11, 32, 15])
"""Lengths of an account, by messenger."""
MIN_QQ, MAX_QQ = 5, 11
"""Lengths of the QQ number of a WeChat account."""


@cache
def handle_automaton() -> Automaton:
    return build_automaton(read_words(WORDS, HANDLES))


@compile_part()
def _skip_gap(codes: Array, position: int, stop: int) -> tuple[int, bool]:
    """Return where the account may begin, and whether the skipped characters announce an account."""
    begin, announced = position, False
    while position < stop and position - begin < MAX_GAP:
        if position + 2 < stop and starts_with(codes, position, stop, ID) and is_one_of(codes[position + 2], GAP):
            position, announced = position + 2, True
        elif is_one_of(codes[position], GAP):
            announced = announced or is_one_of(codes[position], ANNOUNCING)
            position += 1
        else:
            break
    return position, announced


@compile_part()
def _read_id(codes: Array, position: int, stop: int, kind: int) -> tuple[int, bool]:
    """Return the end of the account that begins at a position, or -1, and whether it has a digit or an underscore."""
    if position >= stop:
        return -1, False
    first, end, is_marked, digits = codes[position], position, False, True
    while end < stop and end - position <= LONGEST_ID[kind]:
        code = codes[end]
        hyphen = code == HYPHEN and kind == WECHAT
        if not (is_alnum(code) or code == UNDERSCORE or hyphen):
            break
        is_marked = is_marked or is_digit(code) or code == UNDERSCORE
        digits = digits and is_digit(code)
        end += 1
    while end > position and codes[end - 1] == HYPHEN:
        end -= 1
    size = end - position
    if kind == WECHAT and digits:
        return (end if MIN_QQ <= size <= MAX_QQ and first != ZERO else -1), True
    if size < SHORTEST_ID[kind] or size > LONGEST_ID[kind]:
        return -1, False
    if kind == QQ:
        return (end if digits and first != ZERO else -1), True
    if kind == WHATSAPP:
        return (end if digits else -1), True
    return (end if is_latin(first) else -1), is_marked


@compile_part()
def _after_word(codes: Array, begin: int, end: int, start: int, stop: int, kind: int) -> tuple[int, int]:
    """Return the start and end of the account after a word; -1 and -1 if there is none."""
    first, last = codes[begin], codes[end - 1]
    if begin > start and is_alnum(first) and is_alnum(codes[begin - 1]):
        return -1, -1
    if is_latin(last) and end < stop and is_latin(codes[end]) and codes[end] != ID[0]:
        return -1, -1
    position, announced = _skip_gap(codes, end, stop)
    if position == end and is_latin(last) and position < stop and is_latin(codes[position]):
        return -1, -1
    account_end, is_marked = _read_id(codes, position, stop, kind)
    if account_end < 0 or not (is_marked or announced or not is_latin(last)):
        return -1, -1
    return position, account_end


@compile_part()
def _at_name(codes: Array, position: int, start: int, stop: int) -> int:
    """Return the end of the name after an at sign; -1 in an e-mail address or before a host."""
    if position > start and (
        is_alnum(codes[position - 1]) or codes[position - 1] == DOT or codes[position - 1] == UNDERSCORE
    ):
        return -1
    end, _ = _read_id(codes, position + 1, stop, TELEGRAM_KIND)
    if end >= 0 and end + 1 < stop and (codes[end] == DOT or codes[end] == HYPHEN) and is_alnum(codes[end + 1]):
        return -1
    return end


@compile_kernel()
def handle_kernel(codes: Array, offsets: Array, tables: tuple[Array, ...], spans: Array) -> int:
    letters, steps, ends, shorter, lengths, kinds, _ = tables
    n_spans: int = INT_0
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        state, position = 0, start
        while position < stop:
            code = codes[position]
            state = steps[state, letters[code] if code < letters.size else 0]
            begin, end, kind = -1, -1, TELEGRAM
            if code == AT:
                end = _at_name(codes, position, start, stop)
                begin = position + 1 if end >= 0 else -1
            hit = state if ends[state] >= 0 else 0
            while hit and begin < 0:
                word = ends[hit]
                kind = kinds[word]
                begin, end = _after_word(codes, position + 1 - lengths[word], position + 1, start, stop, kinds[word])
                hit = shorter[hit]
            position += 1
            if begin >= 0:
                n_spans = add_span(spans, n_spans, i, kind, begin, end)
                state, position = 0, end
    return n_spans


def find_handles(texts: CodePoints) -> Array:
    """Find messenger accounts."""
    spans = new_spans(texts)
    return spans[: handle_kernel(texts.codes, texts.offsets, handle_automaton().tables, spans)].copy()


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
