"""Texts of pages in several languages: English stands in the code, and ``messages.zh.tsv`` has the Chinese of it.

A page is written in the language of its block `in_language`. A text that was made before, such as a warning of a
report, is English; it is a `Message`, which knows its template, so that a page can translate it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, Self, TypeAlias, get_args

Language: TypeAlias = Literal["en", "zh"]
SENSE: Final = "\x04"
"""What separates a sense from a text in a template, as in gettext."""
_language: ContextVar[Language] = ContextVar("language", default="en")


class Message(str):
    """A text that knows its template and what fills it; everywhere else it is a string."""

    template: str
    slots: Mapping[str, Any]

    def __new__(cls, text: str, template: str, slots: Mapping[str, Any]) -> Self:
        """Return a text with its template."""
        message = super().__new__(cls, text)
        message.template, message.slots = template, slots
        return message

    def __getnewargs__(self) -> tuple[str, str, Mapping[str, Any]]:  # type: ignore[override]
        """Return what a copy is made of."""
        return str(self), self.template, self.slots


def check_language(language: str) -> Language:
    """Return the language."""
    known: tuple[Language, ...] = get_args(Language)
    if language not in known:
        raise ValueError(f"language: expected one of {', '.join(known)}, got another one.")
    return known[known.index(language)]


def current_language() -> Language:
    """Return the language of the page that is being written."""
    return _language.get()


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Write the texts of a block in a language."""
    before = _language.set(check_language(language))
    try:
        yield
    finally:
        _language.reset(before)


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Return the texts of a language by their English templates; English has none."""
    if language == "en":
        return {}
    lines = (files("fraudsieve") / f"messages.{language}.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {english.replace("|", SENSE): text for english, text in pairs}


def tr(text: str, /, *, sense: str = "", **slots: Any) -> Message:
    """Return a text in the language of the page, filled with its slots."""
    if isinstance(text, Message):
        template, slots = text.template, dict(text.slots) | slots
    else:
        template = f"{sense}{SENSE}{text}" if sense else text
    pattern = catalogue(_language.get()).get(template.strip(" ")) or template.rpartition(SENSE)[2]
    values = {name: tr(value) if isinstance(value, Message) else value for name, value in slots.items()}
    return Message(pattern.format(**values) if slots else pattern, template, slots)


def tr_all(*texts: str) -> list[str]:
    """Return texts in the language of the page, such as the columns of a table."""
    return [tr(text) for text in texts]
