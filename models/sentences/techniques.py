"""The techniques of the MITRE Fight Fraud Framework (F3) for each class of fraud, from ``data/f3.tsv``."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

TABLE: Final = files("fraudsieve.models.sentences") / "data" / "f3.tsv"


@cache
def _techniques() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return the ids and names of the techniques by class; the file is read once per process."""
    by_class: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, technique, words = line.split("\t")
            by_class[name] = (*by_class.get(name, ()), (technique, words))
    return by_class


def techniques_of(name: str) -> list[dict[str, str]]:
    """Return the techniques of a class."""
    return [{"id": technique, "name": words} for technique, words in _techniques().get(name, ())]
