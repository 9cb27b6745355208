"""Templates of messages in Chinese and English: the eight crime types, notices from businesses, and private messages.

The texts are in ``data/fraud.tsv``, ``data/phrases.tsv`` and ``data/legitimate.tsv``. Shops, links, numbers and handles
are slots, which `fill_template` fills with names that do not exist.
"""

from __future__ import annotations

from typing import Final

from .basics import read_rows


def _by_language(table: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Read a table of templates: kind to language to texts, in the order of the file."""
    templates: dict[str, dict[str, tuple[str, ...]]] = {}
    for kind, language, text in read_rows(table):
        texts = templates.setdefault(kind, {})
        texts[language] = (*texts.get(language, ()), text)
    return templates


FRAUD: Final = _by_language("fraud.tsv")
"""Templates of fraud messages, by crime type and language."""
CRIMES: Final = tuple(FRAUD)
"""The crime types."""
PHRASES: Final = _by_language("phrases.tsv")
"""Stock phrases that messages of a type share across campaigns, by crime type and language."""
NOTICES, PERSONAL = _by_language("legitimate.tsv").values()
"""Templates of legitimate messages by language: notices from businesses, and private messages."""
