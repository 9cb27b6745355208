"""Texts in a lead: keyed digests, or excerpts in which only words that many accounts use can be read."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, TypeAlias

import pandas as pd

from fraudsieve.exceptions import LeadError
from fraudsieve.features.tables.reader import read_table
from fraudsieve.features.tables.source import Source, origin_of

from .case_content import actions_of
from .keys import LeadKey

__all__ = ["TextForm", "describe_texts", "mask_text", "widely_used"]

TextForm: TypeAlias = Literal["omitted", "digests", "excerpts"]

MIN_ACCOUNTS: Final = 10
"""A word is readable in an excerpt if messages of at least this many accounts contain it."""
MAX_EXCERPT: Final = 160
MASK: Final = "…"
CJK: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PARTS: Final = re.compile(rf"[{CJK}]+|(?:(?![{CJK}])[^\W_])+|\s+|[,.!?;:，。！？；：、]|.", re.DOTALL)
IS_CJK: Final = re.compile(rf"[{CJK}]+")


def describe_texts(
    messages: Source, members: pd.DataFrame, form: TextForm, key: LeadKey, *, min_accounts: int = MIN_ACCOUNTS
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
        A word is readable if messages of at least this many accounts of the table contain it.

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
        readable = widely_used(texts.values(), table["text"], table["account_id"], min_accounts)
        for name, text in texts.items():
            described[name]["excerpt"] = mask_text(text, readable)
    return described


def widely_used(texts: Iterable[str], all_texts: Iterable[Any], accounts: Iterable[Any], n: int) -> frozenset[str]:
    """Return the words of texts that messages of at least n accounts contain.

    Parameters
    ----------
    texts : iterable of str
        The texts to mask.
    all_texts, accounts : iterable
        Texts and accounts of a whole table. Messages without an account do not count.
    n : int
        Minimum number of accounts.

    Returns
    -------
    frozenset of str
        Case-folded words; for Chinese, pairs of characters.
    """
    wanted = {unit for text in texts for unit in _units(text)}
    users: dict[str, set[Any]] = defaultdict(set)
    for text, account in zip(all_texts, accounts, strict=True):
        if pd.isna(account):
            continue
        for unit in wanted.intersection(_units(str(text))):
            if len(users[unit]) < n:
                users[unit].add(account)
    return frozenset(unit for unit, seen in users.items() if len(seen) >= n)


def mask_text(text: str, readable: frozenset[str]) -> str:
    """Return a text with only its readable words; an ellipsis replaces digits, signs and all other words.

    Parameters
    ----------
    text : str
        The text.
    readable : frozenset of str
        From `widely_used`.

    Returns
    -------
    str
        At most 160 characters.

    Examples
    --------
    >>> mask_text("Dear Ann, call 0138-555 now!", frozenset({"dear", "call", "now"}))
    'Dear …, call … now!'
    """
    masked = "".join(_masked(part, readable) for part in PARTS.findall(text))
    masked = re.sub(rf"{MASK}(?:[\s.:,]*{MASK})+", MASK, masked)
    return masked if len(masked) <= MAX_EXCERPT else masked[: MAX_EXCERPT - 1] + MASK


def _masked(part: str, readable: frozenset[str]) -> str:
    if IS_CJK.fullmatch(part):
        is_kept = [False] * len(part)
        for at in range(len(part) - 1):
            if part[at : at + 2] in readable:
                is_kept[at] = is_kept[at + 1] = True
        return "".join(
            char if keep and not _has_number(char) else MASK for char, keep in zip(part, is_kept, strict=True)
        )
    if part.isspace():
        return " "
    if len(part) == 1 and not part.isalnum() and unicodedata.category(part) == "Po" and part not in "@#%&*/\\":
        return part
    return part if part.casefold() in readable and not any(map(_has_number, part)) else MASK


def _has_number(char: str) -> bool:
    """Return whether a character is a number, including Chinese numerals, which can spell a telephone number."""
    return unicodedata.numeric(char, None) is not None


def _units(text: str) -> Iterator[str]:
    for part in PARTS.findall(text):
        if IS_CJK.fullmatch(part):
            yield from (part[at : at + 2] for at in range(len(part) - 1))
        elif part[0].isalnum():
            yield part.casefold()
