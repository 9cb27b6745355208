"""The templates of sentences, from ``data/sentences.tsv``.

The techniques of the MITRE Fight Fraud Framework (F3) for each class of fraud, from ``data/f3.tsv``.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from fraudsieve._translation import Language

TABLE: Final = files("fraudsieve.models.sentences") / "data" / "sentences.tsv"
SLOT: Final = re.compile(r"\{([^{}]*)\}")


class Template(NamedTuple):
    """The unit of a value, and a sentence about it in each language; of a measure, also its name on Chinese pages."""

    unit: str
    en: str
    zh: str
    name_zh: str = ""

    def text(self, language: Language) -> str:
        """Return the sentence in a language."""
        return self.zh if language == "zh" else self.en


@cache
def read_templates() -> Mapping[str, Template]:
    """Return the templates by key; the file is read once per process."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    cells = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {key: Template(*texts) for key, *texts in cells}


def fill(template: str, slots: Mapping[str, str], is_first: bool) -> str:
    """Fill a template."""
    return SLOT.sub(_filler(slots, is_first), template)


def _filler(slots: Mapping[str, str], is_first: bool) -> Callable[[re.Match[str]], str]:
    def text_of(match: re.Match[str]) -> str:
        first, bar, second = match[1].partition("|")
        return (first if is_first else second) if bar else slots[first]

    return text_of


TECHNIQUES_TABLE: Final = files("fraudsieve.models.sentences") / "data" / "f3.tsv"


@cache
def _techniques() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the ids and names of the techniques by class; the file is read once per process."""
    by_class: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in TECHNIQUES_TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, technique, words = line.split("\t")
            by_class[name] = (*by_class.get(name, ()), (technique, words))
    return by_class


def techniques_of(name: str) -> list[dict[str, str]]:
    """Return the techniques of a class."""
    return [{"id": technique, "name": words} for technique, words in _techniques().get(name, ())]
