"""The feature columns and their families: unit and meaning, from the sentences that explain them."""

import re
from collections.abc import Iterator

from fraudsieve.features.history import measures
from fraudsieve.features.history.measures import FAMILIES
from fraudsieve.models.sentences.phrases import phrases_of
from fraudsieve.models.sentences.templates import Template, fill, read_templates

from .entries import entry, inline, sentence
from .example_models import matrices

__all__ = ["feature_entries", "features_page"]

UNITS = {
    "count": "A count",
    "share": "A share, from 0 to 1",
    "seconds": "Seconds",
    "days": "Days",
    "amount": "In the unit of the column itself",
    "number": "A number without a unit",
    "hour": "Hour of the day, from 0 to 23, UTC",
    "weekday": "Day of the week, from 0 for Monday to 6 for Sunday",
    "sign": "Log-odds",
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
    "name": "NAME",
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
"""The columns whose names depend on the data; what is in capitals stands for a name of yours."""
HEADINGS = {
    "wording": "Text model: `wording`, `pinyin`",
    "surprisal": "Surprisal: `surprisal`",
    "cues": "Cues: `cues`",
    "shape": "Shape of the text: `shape`",
    "obfuscation": "Obfuscation: `obfuscation`",
    "campaign": "Campaigns: `campaign`",
    "history": "History: `volume`, `value`, `counterparties`, `novelty`, `rhythm`, `profile`, `network`, `sender`",
    "network": "Network: `network`, `reciprocity`",
    "profile": "The record itself: `profile`, `rhythm`, `value`",
}
ROW = re.compile(r"^((?:`\w+`(?:, )?)+)(?:, \.\.\.)?  +(\w+)  +(.+?)  +(\S.*)$", re.MULTILINE)


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
    """Return a heading per group of families, and an entry per column or per column that a view repeats."""
    entries, computed = feature_entries(), dict(measures_in_words())
    parts = []
    for group, heading in HEADINGS.items():
        parts.append(f"## {heading}\n")
        for name, (key, _) in entries.items():
            if _group(key) == group:
                formula = computed.get(key.removeprefix("history__"), "") if group == "history" else ""
                parts.append(entry("feature", name, _meaning(read_templates()[key]), formula))
    return "\n".join(parts)


def _group(key: str) -> str:
    family = key.partition("__")[0]
    return {"pinyin": "wording", "number": "profile", "category": "profile", "rhythm": "profile"}.get(family, family)


def _meaning(template: Template) -> str:
    said = fill(template.en, SLOTS, template.unit == "sign")
    said = said.replace("NAME", "a class" if template.unit == "sign" else "column")
    return f"{UNITS[template.unit]}: “{' '.join(said.split())}”."


def measures_in_words() -> Iterator[tuple[str, str]]:
    """Yield each measure of a history with its formula, from the table in the docstring of the measures."""
    for names, _, meaning, without in ROW.findall(measures.__doc__ or ""):
        text = f"Computed as: {inline(meaning)}. Without events: {inline(without)}."
        prefixes = [name.strip("` ") for name in names.split(",")]
        several = ", ..." in names or re.search(r"_\d$", prefixes[0])
        for name in FAMILIES:
            if name in prefixes or (several and name.rpartition("_")[0] == prefixes[0].rpartition("_")[0] != ""):
                yield name, sentence(text)
