"""Names on a page of cases: numbers instead of identifiers, unless these are requested."""

from typing import Final

from fraudsieve._translation import current_language, tr
from fraudsieve.models.sentences.entities import plain_words

LINK_WORDS: Final = {
    "same_sender": "both sent by",
    "same_recipient": "both received by",
    "onward": "received, then sent by",
    "against": "sent, then received by",
    "identifier": "same",
    "text": "similar texts",
    "wording": "shared phrases",
    "address_range": "same",
    "sign_up": "sign-ups within minutes",
}
"""Kinds of links in words; the name of the shared value follows."""
WITHOUT_VALUE: Final = frozenset({"text", "wording", "sign_up"})
DIGITS: Final = 8
"""Digits of a digest that are shown, if identifiers are requested."""


class CaseNames:
    """Names of accounts and of shared identifiers, numbered in the order in which they are requested."""

    def __init__(self, show_identifiers: bool = False) -> None:
        self.show_identifiers = show_identifiers
        self._numbers: dict[tuple[str, str], int] = {}
        self._counts: dict[str, int] = {}

    def account(self, account: str) -> str:
        """Return the name of an account."""
        return account if self.show_identifiers else self._numbered(tr("account"), account)

    def value(self, value: str) -> str:
        """Return the name of a shared identifier, which is a kind and a digest."""
        kind, _, digest = value.rpartition(":")
        name = self._numbered(plain_words(kind, current_language()), value)
        return tr("{value} ({interval})", value=name, interval=digest[:DIGITS]) if self.show_identifiers else name

    def _numbered(self, kind: str, value: str) -> str:
        if (kind, value) not in self._numbers:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._numbers[kind, value] = self._counts[kind]
        return tr("{kind} {number}", kind=kind, number=self._numbers[kind, value])


def link_words(kind: str, value: str | None, names: CaseNames) -> str:
    """Return a sentence fragment for a link."""
    words = tr(LINK_WORDS[kind])
    if kind in WITHOUT_VALUE or value is None:
        return words
    name = names.value(value) if kind in ("identifier", "address_range") else names.account(value)
    return tr("{link} {name}", link=words, name=name)
