"""Words of texts and values of columns that a lead may show: those that cannot be part of an obfuscated identifier.

An identifier can be spelled letter by letter (``k a r t e``), in words (``one three eight``, ``name dot com``), in
pinyin, or in other forms of letters (full width). Each part of it can be a common word, so words are not assessed one
by one.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import pandas as pd

from fraudsieve.exceptions import LeadError
from fraudsieve.features.text.pinyin import is_syllable
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import Source, origin_of

from .case_content import actions_of
from .keys import LeadKey

MASK: Final = "…"
CJK: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
CHINESE: Final = re.compile(rf"[{CJK}]+")
TOKEN: Final = re.compile(rf"[{CJK}]+|[^\s{CJK}]+|\s+")
"""Chinese characters, other characters without blanks, or blanks."""
OPENING: Final = "\"'(“‘（"
CLOSING: Final = ".,!?;:\"')”’，。！？；：、）"
PARTS: Final = re.compile(rf"([{OPENING}]*)(.*?)([{CLOSING}]*)", re.DOTALL)
WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]{1,2})?")
LETTERS: Final = re.compile(r"[\W\d_]+")
JOINING: Final = frozenset(".-/\\@_+~*|#=&")
"""Signs that join the parts of an address, also between blanks."""
AROUND: Final = 4
"""Words on either side of one that joins the parts of an address, which are not shown."""
MAX_WORDS: Final = 5
MAX_LABEL: Final = 40
SHORT: Final = 2
"""Words of at most this number of letters can be parts of a spelled word."""


TextForm: TypeAlias = Literal["omitted", "digests", "excerpts"]

MIN_ACCOUNTS: Final = 10
"""A word is readable in an excerpt if messages of at least this many other accounts contain it."""
MAX_EXCERPT: Final = 160
MASKS: Final = re.compile(rf"{MASK}(?:[\s.,!?;:，。！？；：、\"'()（）”’“‘]*{MASK})+")


def describe_texts(
    messages: "Source", members: pd.DataFrame, form: TextForm, key: LeadKey, *, min_accounts: int = MIN_ACCOUNTS
) -> dict[str, dict[str, str]]:
    """Return digests or excerpts of the texts of messages, for a lead.

    Parameters
    ----------
    messages : path or DataFrame
        The table that was scored: ``message_id``, ``text`` and, for excerpts, ``account_id``.
    members : DataFrame
        The actions of the case.
    form : {"omitted", "digests", "excerpts"}
        Nothing, digests under the key, or also excerpts.
    key : LeadKey
        The key of the recipient.
    min_accounts : int, default=10
        A word is readable if messages of at least this many accounts of the table contain it. Accounts whose messages
        are in the case do not count: they may all write the same name.

    Returns
    -------
    dict of str to dict
        By action, ``digest`` and, if requested, ``excerpt``. Actions that are not messages of the table are left out.

    Raises
    ------
    LeadError
        If no action is in the table, or excerpts are requested and the table has no accounts.
    """
    if form == "omitted":
        return {}
    table = read_table(messages, "messages").good
    actions = table["message_id"].map(actions_of(members, "message")).dropna()
    if actions.empty:
        problem = f"none of the {len(members)} actions of the case is in the table of messages"
        raise LeadError(origin_of(messages), problem, "Pass the table that was scored.")
    texts = dict(zip(actions, table.loc[actions.index, "text"].astype(str), strict=True))
    described = {name: {"digest": key.pseudonym("text", text)} for name, text in texts.items()}
    if form == "excerpts":
        if "account_id" not in table:
            fix = "Pass a table with account_id: only words of many accounts are readable."
            raise LeadError(origin_of(messages), "excerpts need the accounts of messages", fix)
        others = table[~table["account_id"].isin(table.loc[actions.index, "account_id"])]
        readable = widely_used(texts.values(), others["text"], others["account_id"], min_accounts)
        for name, text in texts.items():
            described[name]["excerpt"] = mask_text(text, readable)
    return described


def widely_used(texts: Iterable[str], all_texts: Iterable[Any], accounts: Iterable[Any], n: int) -> frozenset[str]:
    """Return the words of texts that messages of at least n accounts contain.

    Returns case-folded words; for Chinese, pairs of characters.
    """
    wanted = {unit for text in texts for unit in units(text)}
    users: dict[str, set[Any]] = defaultdict(set)
    for text, account in zip(all_texts, accounts, strict=True):
        if pd.isna(account):
            continue
        for unit in wanted.intersection(units(str(text))):
            if len(users[unit]) < n:
                users[unit].add(account)
    return frozenset(unit for unit, seen in users.items() if len(seen) >= n)


def mask_text(text: str, readable: frozenset[str]) -> str:
    """Return a text with only its readable words; an ellipsis replaces all other words, digits and signs.

    A readable word is also replaced if it may be part of an obfuscated identifier; see `hide_words`.
    """
    words = hide_words(text)
    masked = MASKS.sub(MASK, "".join(f"{one.before}{_masked(one.text, readable)}{one.after}" for one in words))
    return masked if len(masked) <= MAX_EXCERPT else masked[: MAX_EXCERPT - 1] + MASK


def _masked(word: str, readable: frozenset[str]) -> str:
    if not is_chinese_word(word):
        return word if word.casefold() in readable or not word.strip() else MASK
    is_kept = [False] * len(word)
    for at in range(len(word) - 1):
        if word[at : at + 2] in readable:
            is_kept[at] = is_kept[at + 1] = True
    return "".join(char if keep and not has_number(char) else MASK for char, keep in zip(word, is_kept, strict=True))


def units(text: str) -> Iterator[str]:
    """Yield the units of a text that are looked up: words in lower case, and pairs of Chinese characters."""
    for word in split_words(text):
        if is_chinese_word(word.text):
            yield from (word.text[at : at + 2] for at in range(len(word.text) - 1))
        elif word.text.strip():
            yield word.text.casefold()


class Word(NamedTuple):
    """A word of a text and the signs around it: empty between signs, `MASK` if it may be part of an identifier."""

    before: str
    text: str
    after: str


@cache
def word_list(name: str) -> frozenset[str]:
    """Return a list of ``data/words.txt``."""
    return _lists()[name]


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    lists: dict[str, set[str]] = {}
    name = ""
    for line in (files("fraudsieve.leads") / "data" / "words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            lists.setdefault(name, set()).update(line.split())
    return {name: frozenset(words) for name, words in lists.items()}


def has_number(char: str) -> bool:
    """Return whether a character is a number, including Chinese numerals and characters that are said for digits."""
    return unicodedata.numeric(char, None) is not None or char in _digits()


@cache
def _digits() -> frozenset[str]:
    return frozenset("".join(word_list("digits")))


def is_chinese_word(word: str) -> bool:
    """Return whether a word has only Chinese characters."""
    return CHINESE.fullmatch(word) is not None


def hide_words(text: str) -> list[Word]:
    """Split a text into words; those that may be part of an obfuscated identifier are masked."""
    words = split_words(text)
    places = [at for at, word in enumerate(words) if word.text.strip() or _is_joint(word)]
    shown = _shown([words[at] for at in places])
    for at, is_shown in zip(places, shown, strict=True):
        if not is_shown and words[at].text:
            words[at] = words[at]._replace(text=MASK)
    return [word if word.text in ("", " ") or _is_whole(word.text) else word._replace(text=MASK) for word in words]


def split_words(text: str) -> list[Word]:
    """Split a text into words and blanks, without masks."""
    return [_read_token(token) for token in TOKEN.findall(text)]


def is_plain(label: str) -> bool:
    """Return whether a label, such as the name of a class, is a few words that cannot be an obfuscated identifier."""
    words = [word.text for word in hide_words(re.sub("[_-]", " ", label)) if word.text != " "]
    return 0 < len(words) <= MAX_WORDS and len(label) <= MAX_LABEL and all(map(_is_shown_in_label, words))


def _is_shown_in_label(word: str) -> bool:
    return word not in ("", MASK) and not any(map(has_number, word))


def _read_token(token: str) -> Word:
    if token.isspace() or is_chinese_word(token):
        return Word("", " " if token.isspace() else token, "")
    match = PARTS.fullmatch(token)
    assert match is not None  # it matches any text
    return Word(*match.groups())


def _is_whole(word: str) -> bool:
    return is_chinese_word(word) or (WORD.fullmatch(word) is not None and _is_plain(word))


def _is_plain(word: str) -> bool:
    """Return whether a word has letters of one script alone, in the form in which they are usually written."""
    letters = [char for char in word if char not in "'’"]
    if unicodedata.normalize("NFKC", word) != word or any(map(has_number, letters)):
        return False
    names = [unicodedata.name(char, "").split() for char in letters]
    is_usual = all(name[1:2] != ["LETTER"] or name[:1] != ["LATIN"] for name in names)  # no small capitals
    return is_usual and len({name[0] if name else "" for name in names}) == 1


def _shown(words: Sequence[Word]) -> list[bool]:
    """Return which words of a text are not part of an obfuscated identifier."""
    plain = [_without_accents(word.text) for word in words]
    numbers = [_number_words().fullmatch(word) is not None for word in plain]
    weak = [number or _is_weak(word) for number, word in zip(numbers, plain, strict=True)]
    hidden = {at for at, word in enumerate(plain) if len(word) <= 1 or numbers[at]}
    for at, word in enumerate(words):
        if reach := _reach(word, plain[at]):
            hidden.update(range(at - reach, at + reach + 1))
        if at and weak[at] and weak[at - 1]:
            is_spelled = len(plain[at]) == len(plain[at - 1]) == 1  # w w w name c o m
            hidden.update(range(at - 1 - is_spelled, at + 1 + is_spelled))
    return [at not in hidden for at in range(len(words))]


def _reach(word: Word, plain: str) -> int:
    """Return how many words on either side of a word are not shown."""
    parts = {part for part in LETTERS.split(plain) if part.isalpha()}
    if _is_joint(word) or (parts and parts <= word_list("joints")):
        return AROUND
    return 1 if parts and not _is_whole(word.text) else 0  # w-w-w


def _is_joint(word: Word) -> bool:
    """Return whether a word is a sign that joins the parts of an address, or begins or ends with one."""
    return word == ("", "", ".") or word.text[:1] in JOINING or word.text[-1:] in JOINING


def _without_accents(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _is_weak(word: str) -> bool:
    """Return whether a word can be a part of a spelled word: it is short, or stands for a letter or a syllable."""
    return (0 < len(word) <= SHORT and not is_chinese_word(word)) or word in word_list("letters") or is_syllable(word)


@cache
def _number_words() -> re.Pattern[str]:
    """Return the pattern of numbers in words, also written together."""
    number = "|".join(map(re.escape, sorted(word_list("numbers"), key=len, reverse=True)))
    return re.compile(f"(?:{number})(?:(?:und|and|y)?(?:{number}|eins?|un|on))*|(?:eins?|un)(?:und|e)?(?:{number})+")
