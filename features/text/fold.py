"""Folding: normalisation of text that removes obfuscation and counts the characters that it changed.

Folding (normalisation) maps every code point to what a reader sees. Compatibility forms (full width, ligatures),
enclosed letters and digits, look-alikes of other scripts, accents and upper case become the plain letter. Traditional
and variant Chinese characters become the simplified one. Marks without a letter and invisible characters are removed,
and runs of blanks become one space. The mapping is one table look-up per code point; ``scripts/tables/fold.py``
builds the table from the Unicode character database and reviewed lists, so that folding does not depend on the Python
version. Then `fold_rules` removes signs inserted between letters, and converts spelled digits and digits that stand for
letters, by their neighbours.
Folding is idempotent, and a folded text is at most twice as long as its input.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array

from .codepoints import CodePoints, pack
from .fold_rules import undo_by_context

TABLE = files("fraudsieve.features.text") / "data" / "fold.npz"
CHARACTER_KINDS = ("compat", "enclosed", "invisible", "mark", "lookalike", "traditional", "case", "blank", "sign")
KINDS = (*CHARACTER_KINDS, "inserted", "spelled")
"""The kinds of changes that folding makes: the last two depend on the neighbours, the others on one code point."""
OBFUSCATIONS = (*KINDS[:6], *KINDS[9:])
"""The kinds that obfuscate text. Letter case, blanks and full-width signs are also folded, but are ordinary."""
STYLES = np.array([KINDS.index(name) for name in ("case", "blank", "sign")])
SHARES = np.array([KINDS.index(name) for name in ("case", *OBFUSCATIONS)])

DROPPED = -1
UNCHANGED = 255
"""The kind of a character that folding does not change."""
BLANK = 32


@cache
def _tables() -> tuple[Array, Array, Array]:
    """Return (step, pairs, kind): the dense look-up tables, built once per process."""
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        source, length, target, kinds = (stored[k] for k in ("source", "length", "target", "kind"))
    start = np.cumsum(length, dtype=np.int64) - length
    step = np.arange(0x110000, dtype=np.int32)
    step[source[length == 0]] = DROPPED
    step[source[length == 1]] = target[start[length == 1]]
    double = np.flatnonzero(length == 2)
    step[source[double]] = -2 - np.arange(len(double), dtype=np.int32)
    pairs = target[start[double][:, None] + np.arange(2)].reshape(-1, 2)
    kind = np.full(0x110000, UNCHANGED, np.uint8)
    kind[source] = kinds
    return step, pairs, kind


@cache
def styled_characters() -> Array:
    """Return which code points are ordinary, although folding changes them: capitals, full-width signs and blanks."""
    return np.isin(_tables()[2], STYLES)


@compile_kernel()
def _fold_kernel(
    codes: Array, offsets: Array, step: Array, pairs: Array, kind: Array, counts: Array
) -> tuple[Array, Array]:
    n_texts = offsets.size - 1
    out = np.empty(2 * codes.size, np.uint32)
    ends = np.zeros(n_texts + 1, np.int64)
    position = 0
    for i in range(n_texts):
        begin = position
        for j in range(offsets[i], offsets[i + 1]):
            code = codes[j]
            to = step[code]
            if kind[code] != UNCHANGED:
                counts[i, kind[code]] += 1
            if to >= 0:
                if to == BLANK and position > begin and out[position - 1] == BLANK:
                    continue
                out[position] = np.uint32(to)
                position += 1
            elif to != DROPPED:  # two characters
                out[position] = pairs[-2 - to, 0]
                out[position + 1] = pairs[-2 - to, 1]
                position += 2
        ends[i + 1] = position
    return out[:position].copy(), ends


def fold_codes(texts: CodePoints, *, letter_digits: bool = True) -> tuple[CodePoints, Array]:
    """Fold packed texts."""
    step, pairs, kind = _tables()
    counts = np.zeros((len(texts), len(KINDS)), np.int32)
    codes, offsets = _fold_kernel(texts.codes, texts.offsets, step, pairs, kind, counts)
    codes, offsets, by_context = undo_by_context(codes, offsets, letter_digits=letter_digits)
    counts[:, -2:] = by_context[:, :2]
    counts[:, KINDS.index("lookalike")] += by_context[:, 2]
    return CodePoints(codes, offsets), counts


@compile_kernel()
def _share_kernel(counts: Array, offsets: Array, kinds: Array, out: Array) -> None:
    for i in range(counts.shape[0]):
        length = max(offsets[i + 1] - offsets[i], 1)
        for k in range(kinds.size):
            out[i, k] = counts[i, kinds[k]] / length


def obfuscation_shares(folded: CodePoints, counts: Array) -> Array:
    """Return the shares of each text that are upper case, and of each kind of obfuscation."""
    out = np.empty((len(folded), len(SHARES)))
    _share_kernel(counts, folded.offsets, SHARES, out)
    return out


def fold_text(text: str) -> str:
    """Fold one text to what a reader sees.

    Parameters
    ----------
    text : str
        Any string: lone surrogates become U+FFFD.

    Returns
    -------
    str
        At most twice as long as `text`; folding it again changes nothing.

    Examples
    --------
    >>> fold_text("Ｃlick\\u200b ＨＥＲＥ\\n\\n⑤⓪")
    'click here 50'
    """
    return fold_codes(pack([text]))[0].unpack()[0]
