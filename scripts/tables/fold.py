"""Build ``features/text/data/fold.npz``, the table that maps each code point to what a reader sees.

Run ``python scripts/tables/fold.py`` in the root of the repository. Scoring reads the file and does not use
`unicodedata`, whose version depends on the Python version: texts must be folded in the same way in training and in
scoring.

Sources: the Unicode character database of the Python that runs this script (its version is stored);
`features/text/data/lookalikes.txt`, the reviewed list of look-alikes;
`features/text/data/traditional.txt`, which ``scripts/tables/traditional.py`` writes.
"""

import sys
import unicodedata
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[2] / "features" / "text" / "data"
KINDS = ("compat", "enclosed", "invisible", "mark", "lookalike", "traditional", "case", "blank", "sign")
LAST = 0x110000
# Blocks of decorations. Other marks are part of the spelling, such as Indic vowel signs and the voicing of kana.
DECORATIONS = (
    (0x0300, 0x036F),
    (0x0483, 0x0489),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
)
INVISIBLE_LETTERS = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
ACCENTED_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC")
MAX_EXPANSION = 2


def is_decoration(code: int) -> bool:
    """Return whether a code point is a combining mark that only decorates the letter before it."""
    return any(first <= code <= last for first, last in DECORATIONS)


def is_invisible(code: int) -> bool:
    """Return whether a code point is invisible: a format, control, selector or filler character."""
    category = unicodedata.category(chr(code))
    selector = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F
    return category in ("Cf", "Cc") or selector or code in INVISIBLE_LETTERS


def is_blank(code: int) -> bool:
    """Return whether a code point is a kind of white space other than the plain space."""
    return code != 0x20 and (unicodedata.category(chr(code)) in ("Zs", "Zl", "Zp") or code in (9, 10, 11, 12, 13, 0x85))


def strip_marks(text: str) -> str:
    """Remove accents from Latin, Greek and Cyrillic letters; in other scripts they are part of the spelling."""
    if not unicodedata.name(text[0], "").startswith(ACCENTED_SCRIPTS):
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if not is_decoration(ord(c)))


def fold_once(char: str, lookalikes: dict[str, str]) -> str:
    """Apply each folding rule once to a character."""
    if char.lower() in lookalikes:  # before NFKC, which maps the lunate sigma to sigma
        return lookalikes[char.lower()]
    compat = unicodedata.normalize("NFKC", char)
    if compat[:1] == "(" and compat[-1:] == ")" and len(compat) > 2:
        compat = compat[1:-1]
    folded = "".join(strip_marks(c) for c in compat.casefold())
    folded = "".join(lookalikes.get(c, c) for c in folded)
    return "".join(c for c in folded if not is_invisible(ord(c)) and not is_decoration(ord(c)))


def fold_fully(char: str, lookalikes: dict[str, str]) -> str:
    """Fold a character until it does not change; it is kept if the result has more than two characters."""
    text = char
    for _ in range(8):
        after = "".join(fold_once(c, lookalikes) for c in text)
        if after == text:
            break
        text = after
    text = text.strip() or text[:1]
    return text if 1 <= len(text) <= MAX_EXPANSION else char


def is_sign(char: str, folded: str) -> bool:
    """Return whether a character is a full-width sign or a unit, which are common in ordinary Chinese."""
    return (0xFF01 <= ord(char) <= 0xFFE6 and not folded.isalnum()) or char in "℃℉" or 0x3371 <= ord(char) <= 0x33DF


def kind_of(char: str, folded: str, lookalikes: dict[str, str]) -> str:
    """Return the kind of change that folding makes to a character."""
    name, category = unicodedata.name(char, ""), unicodedata.category(char)
    if is_sign(char, folded):
        return "sign"
    if any(word in name for word in ("CIRCLED", "PARENTHESIZED", "SQUARED", "REGIONAL INDICATOR", "TAG ")):
        return "enclosed"
    if unicodedata.normalize("NFKC", char) != char and category != "Ll" and not name.startswith(ACCENTED_SCRIPTS):
        return "compat"
    if char.lower() == folded or char.casefold() == folded:
        return "case"
    if char in lookalikes or char.lower() in lookalikes:
        return "lookalike"
    return "mark" if unicodedata.normalize("NFKC", char) == char else "compat"


def read_lookalikes(path: Path) -> dict[str, str]:
    """Read lines of ``look-alike TAB letter TAB name``; lines that start with # are comments."""
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {row[0]: row[1] for row in rows}


def build() -> dict[str, np.ndarray]:
    """Return the arrays of the table: sources, kinds, and lengths and characters of the targets."""
    lookalikes = read_lookalikes(DATA / "lookalikes.txt")
    traditional = read_lookalikes(DATA / "traditional.txt")
    plain = lookalikes | traditional
    sources: list[int] = []
    kinds: list[int] = []
    targets: list[str] = []
    for code in range(LAST):
        char = chr(code)
        if 0xD800 <= code <= 0xDFFF:
            target, kind = "�", "invisible"
        elif is_blank(code):
            target, kind = " ", "blank"
        elif is_invisible(code):
            target, kind = "", "invisible"
        elif is_decoration(code):
            target, kind = "", "mark"
        else:
            target = fold_fully(char, plain)
            if target == char:
                continue
            kind = "traditional" if char in traditional else kind_of(char, target, lookalikes)
        sources.append(code)
        kinds.append(KINDS.index(kind))
        targets.append(target)
    return {
        "source": np.array(sources, np.uint32),
        "kind": np.array(kinds, np.uint8),
        "length": np.array([len(t) for t in targets], np.uint8),
        "target": np.array([ord(c) for t in targets for c in t], np.uint32),
        "unicode_version": np.array(unicodedata.unidata_version),
    }


if __name__ == "__main__":
    table = build()
    np.savez_compressed(DATA / "fold.npz", **table)
    counts = np.bincount(table["kind"], minlength=len(KINDS))
    sys.stdout.write(f"Unicode {table['unicode_version']}, {len(table['source'])} code points: ")
    sys.stdout.write(", ".join(f"{kind} {count}" for kind, count in zip(KINDS, counts, strict=True)) + "\n")
