"""Texts in a lead: keyed digests, or excerpts in which only words that many accounts use can be read."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, TypeAlias

import pandas as pd

from fraudsieve.exceptions import LeadError
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import Source, origin_of

from .case_content import actions_of
from .keys import LeadKey
from .words import MASK, has_number, hide_words, is_chinese_word, split_words

TextForm: TypeAlias = Literal["omitted", "digests", "excerpts"]

MIN_ACCOUNTS: Final = 10
"""A word is readable in an excerpt if messages of at least this many other accounts contain it."""
MAX_EXCERPT: Final = 160
MASKS: Final = re.compile(rf"{MASK}(?:[\s.,!?;:，。！？；：、\"'()（）”’“‘]*{MASK})+")


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
