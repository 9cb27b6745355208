"""The sentences and paragraphs of a document, in words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .blocks import ROOT

__all__ = ["Paragraph", "paragraphs_of", "sentences_of"]

FENCE = re.compile(r"^( *)(`{3,}|:{3,}).*?^\1\2$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"!?\[((?:[^\[\]]|!\[[^\]]*\])*)\]\([^)]*\)")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+\.)\s+")
ROLE = re.compile(r"\{[a-z:]+\}(?=`)")
END = re.compile(r"""(?<=[.?!])["')*_]*\s+(?=\W*(?:[A-Z0-9`]|fraudsieve\b))""")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, an item of a list or a cell of a table."""

    document: str
    line: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def words(self) -> int:
        return count_words(self.text)


def paragraphs_of(document: str) -> list[Paragraph]:
    """Return the paragraphs of a document, without its blocks, headings and comments."""
    text = (ROOT / document).read_text("utf-8")
    for pattern in (FENCE, COMMENT):
        text = pattern.sub(lambda match: "\n" * match[0].count("\n"), text)
    return [Paragraph(document, line, plain(part)) for line, part in _split(text)]


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Yield where a paragraph begins, and its text."""
    begin, lines = 0, list[str]()
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        alone = not line.strip() or line.startswith(("#", "|"))
        if lines and (alone or ITEM.match(line)):
            yield begin, " ".join(lines)
            lines = []
        if line.startswith("|"):
            yield from ((number, cell) for cell in line.strip("|").split("|") if not re.fullmatch(r"[ :-]*", cell))
        elif not alone:
            begin, lines = (begin if lines else number), [*lines, ITEM.sub("", line).strip()]


def plain(text: str) -> str:
    """Return a text without marks: code counts as one word, a link as its words."""
    text = re.sub(r"`[^`]+`", "`code`", ROLE.sub("", text))
    return LINK.sub(r"\1", LINK.sub(r"\1", text)).strip()


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a paragraph."""
    return END.split(text)


def count_words(text: str) -> int:
    """Count what has a letter or a digit between blanks."""
    return sum(any(map(str.isalnum, word)) for word in text.split())
