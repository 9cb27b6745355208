"""Entries of the reference in Markdown: one per command, key, column, metric or path. Each is a target of links."""

import inspect
import re
from typing import Any

from numpydoc.docscrape import NumpyDocString

__all__ = ["KINDS", "documented", "entry", "inline", "sentence", "summary"]

KINDS = {
    "command": "a command of the command line",
    "recipe": "a key of a recipe",
    "input-column": "a column of an input table",
    "feature": "a feature column, or a family of them",
    "metric": "a metric of the evaluation report",
    "prometheus": "a metric of the service",
    "model-file": "a file of a model folder",
    "manifest": "a key of a manifest",
    "http": "a path of the service",
    "score": "a field of a score",
}
"""The kinds of entries. Each is a role, as in ``{recipe}`split.kind```, and an object type in the site's inventory."""


def entry(kind: str, name: str, *paragraphs: str) -> str:
    """Return an entry with its text.

    Examples
    --------
    >>> print(entry("recipe", "seed", "Seed of every random draw."))
    :::{recipe} seed
    Seed of every random draw.
    :::
    <BLANKLINE>
    """
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    return f":::{{{kind}}} {name}\n{text}\n:::\n"


def inline(text: str) -> str:
    """Convert a text to Markdown: a name in backticks links to its page, and a literal or an option is code.

    Examples
    --------
    >>> inline("As for `History`; ``all`` for no bound.")
    'As for {py:obj}`History`; `all` for no bound.'
    >>> inline("Add --labels, or a label column.")
    'Add `--labels`, or a label column.'
    """
    parts = re.split(r"(``[^`]+``|`[^`]+`|(?<![\w-])--[a-z][a-z-]*)", " ".join(text.split()))
    return "".join(_span(part) if place % 2 else _plain(part) for place, part in enumerate(parts))


def _span(part: str) -> str:
    if part.startswith("--"):
        return f"`{part}`"
    return part[1:-1] if part.startswith("``") else f"{{py:obj}}{part}"


def _plain(text: str) -> str:
    """Escape characters that Markdown would read as emphasis, a link or markup."""
    return re.sub(r"([*_<>\[\]\\{}$])", r"\\\1", text)


def sentence(text: str) -> str:
    """Return a text that ends with a full stop.

    Examples
    --------
    >>> sentence("Requests"), sentence("Requests.")
    ('Requests.', 'Requests.')
    """
    text = text.strip()
    return text if not text or text.endswith((".", ":")) else f"{text}."


def summary(thing: Any) -> str:
    """Return the first paragraph of a docstring in Markdown."""
    return inline((inspect.getdoc(thing) or "").split("\n\n")[0])


def documented(thing: Any, section: str = "Parameters") -> dict[str, tuple[str, str]]:
    """Return the type and the text of each name of a section of a docstring; names that share a text are split.

    Examples
    --------
    >>> documented(entry) == {}
    True
    """
    parsed = NumpyDocString(inspect.getdoc(thing) or "")
    return {
        name.strip(): (parameter.type, " ".join(parameter.desc))
        for parameter in parsed[section]
        for name in parameter.name.split(",")
    }
