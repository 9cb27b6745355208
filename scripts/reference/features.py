"""The feature columns and their families: unit and meaning, from the sentences that explain them."""

import re
from collections.abc import Iterator

from fraudsieve.features.history.declaration import DECLARED, FAMILIES
from fraudsieve.models.sentences.phrases import phrases_of
from fraudsieve.models.sentences.templates import Template, fill, read_templates

from .entries import entry, inline
from .example_models import matrices

__all__ = ["feature_entries", "features_page"]

UNITS = {
    "count": "A count",
    "share": "A share, from 0 to 1",
    "seconds": "Seconds",
    "days": "Days",
    "amount": "In the unit of the column",
    "number": "A number without a unit",
    "hour": "Hour of the day, from 0 to 23, UTC",
    "weekday": "Day of the week, from 0 for Monday to 6 for Sunday",
    "sign": "Log-odds",
    "level": "A rarity, in bits per character",
    "category": "The code of a category; -1 if training did not see it",
}
SLOTS = {
    "value": "*n*",
    "kind": "",
    "of": "of the account",
    "window": "the window",
    "shortest": "the shortest window",
    "amounts": "amounts",
    "partners": "counterparties",
}
PATTERNS = {
    "wording": "wording__CLASS",
    "pinyin": "pinyin__CLASS",
    "cues__own": "cues__own_GROUP",
    "number": "profile__NUMBER",
    "category": "profile__CATEGORY",
    "campaign__messages": "campaign__messages_WINDOW",
    "campaign__senders": "campaign__senders_WINDOW",
    "campaign__recipients": "campaign__recipients_WINDOW",
    "campaign__labelled": "campaign__labelled_CLASS",
    "network__returned": "reciprocity__returned",
}
"""The columns whose names depend on the data; capitals are placeholders for your own names."""
HEADINGS = {
    "wording": ("Text model: `wording`, `pinyin`", "One column per class. With two classes, only the second has one."),
    "surprisal": ("Surprisal: `surprisal`", "How improbable a text is, given the legitimate texts of training."),
    "cues": ("Cues: `cues`", "Counts of content that matters in fraud, in the normalised text."),
    "shape": ("Shape of the text: `shape`", "Lengths, shares and other measures of the text."),
    "obfuscation": ("Obfuscation: `obfuscation`", "Shares of the characters that normalisation changed, by kind."),
    "campaign": ("Campaigns: `campaign`", "Near-duplicates of a message that were sent strictly before it."),
    "history": (
        "History: `volume`, `value`, `counterparties`, `novelty`, `rhythm`, `profile`, `network`, `sender`",
        "Measures of a {py:obj}`History`, strictly before the cutoff time: one column per view, window, kind and "
        "identifier. For the sender of a message, the same measures have the family `sender`.",
    ),
    "network": (
        "Network: `network`, `reciprocity`",
        "Measures of a {py:obj}`Network`, strictly before the cutoff time. Columns of an identifier end with its name.",
    ),
    "profile": (
        "The record itself: `profile`, `rhythm`, `value`",
        "Columns of the record, and columns derived from its times. The column `amount` has the family `value`.",
    ),
}


def feature_entries() -> dict[str, tuple[str, list[str]]]:
    """Return, by the name of its entry, the key of the sentence of a feature and the columns that it describes."""
    found: dict[str, tuple[str, list[str]]] = {}
    for matrix in matrices():
        for column, phrase in phrases_of(matrix).items():
            found.setdefault(entry_name(phrase.key), (phrase.key, []))[1].append(column)
    return found


def entry_name(key: str) -> str:
    """Return the name of the entry of a sentence.

    Examples
    --------
    >>> entry_name("history__count"), entry_name("wording"), entry_name("cues__qq")
    ('volume__count', 'wording__CLASS', 'cues__qq')
    """
    family, _, measure = key.partition("__")
    return f"{FAMILIES[measure]}__{measure}" if family == "history" else PATTERNS.get(key, key)


def features_page() -> str:
    """Return a heading per group of families, and an entry per column; columns of different views share an entry."""
    entries, computed = feature_entries(), dict(measures_in_words())
    parts = []
    for group, (heading, text) in HEADINGS.items():
        parts.append(f"## {heading}\n\n{text}\n")
        for name, (key, columns) in entries.items():
            if _group(key) == group:
                formula = computed.get(key.removeprefix("history__"), "") if group == "history" else ""
                parts.append(
                    entry("feature", name, _meaning(name, read_templates()[key]), formula, _example(name, columns))
                )
    return "\n".join(parts)


def _example(name: str, columns: list[str]) -> str:
    """Return an example of a column whose name is longer than that of its entry; empty if there is none."""
    family = name.partition("__")[0]
    longer = next((column for column in columns if column != name and column.startswith(family)), None)
    return "" if longer is None else f"For example `{longer}`."


def _group(key: str) -> str:
    family = key.partition("__")[0]
    return {"pinyin": "wording", "number": "profile", "category": "profile", "rhythm": "profile"}.get(family, family)


def _meaning(name: str, template: Template) -> str:
    """Return the unit and the sentence; placeholders are in capitals, as in the name of the entry."""
    yours = re.search(r"[A-Z]+$", name)
    said = fill(template.en, SLOTS | {"name": yours[0] if yours else ""}, template.unit in ("sign", "level"))
    return f"{UNITS[template.unit]}: “{' '.join(said.split())}”."


def measures_in_words() -> Iterator[tuple[str, str]]:
    """Yield each measure of a history with its formula, from its declaration."""
    for name, measure in DECLARED.items():
        meaning, without = inline(measure.meaning), inline(measure.without_events)
        yield name, f"Computed as: {meaning}. Without events: {without}."
