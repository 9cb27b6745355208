"""Folding: normalisation of text that removes obfuscation and counts the characters that it changed.

Folding (normalisation) maps every code point to what a reader sees. Compatibility forms (full width, ligatures),
enclosed letters and digits, look-alikes of other scripts, accents and upper case become the plain letter. Traditional
and variant Chinese characters become the simplified one. Marks without a letter and invisible characters are removed,
and runs of blanks become one space. The mapping is one table look-up per code point; ``scripts/tables/fold.py``
builds the table from the Unicode character database and reviewed lists, so that folding does not depend on the Python
version.

Then four conservative rules read the neighbours, in this order, since ordinary texts also have signs and blanks:

- one or two marks without a function in a sentence (``*``, ``_``, a star, a middle dot) are removed between Chinese
  characters; between Latin letters, only marks that never occur in words are removed;
- at least four single letters or Chinese characters, or six single digits, that are separated by the same sign or blank
  are joined: ``f.r.e.e``, ``加 微 信 号``;
- digits that resemble letters become these letters (``m0n3y``) in words of at least four characters that begin and end
  with letters, and have more letters than digits. Words next to a sign of a link or an address are excluded, and so are
  numbers and codes, where digits follow each other;
- runs of at least six digits that include digits spelled in Chinese are converted to digits.

Folding is idempotent, and a folded text is at most twice as long as its input.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._compiled import INT_0, compile_inlined, compile_kernel
from fraudsieve._typing import Array

from .characters import is_digit, is_han, is_latin
from .codepoints import CodePoints, pack

NOTHING, HAN, LATIN, DIGIT = range(4)
"""Kinds of characters."""
BETWEEN_HAN, BETWEEN_LATIN, BETWEEN_SINGLE = 1, 2, 4
"""Bits of a sign: the characters between which it is removed."""
NO_DIGIT = 255
MARKS = "*·_|^•`★☆♥♦※°○●◆◇■□▲△▼▽♠♣◎¤§¦"
"""Marks that occur between Chinese characters only as obfuscation."""
LATIN_MARKS = "*•|^★☆♥♦※°○●◆◇■□▲△▼▽♠♣◎"
"""Marks that occur between Latin letters only as obfuscation."""
SEPARATORS = MARKS + " .-~/\\+=:;'\"!#$%&@" + "…—–"
"""Signs that may separate single letters."""
LETTERS_APART, DIGITS_APART = 4, 6
SPELLED_RUN = 6
SPELLED = "零〇一二三四五六七八九壹贰叁肆伍陆柒捌玖幺"
SPELLED_DIGITS = "001234567891234567891"
LETTER_DIGITS, RESEMBLED = "01345789", "oieastbg"
"""Digits that resemble a letter inside a word, and these letters."""
SHORTEST_OBFUSCATED = 4
"""Shorter words with a digit are often ordinary, such as b2b."""
LINK_SIGNS = "./:@_-=?&%#"
"""Signs of links, addresses and codes: a word that one joins to something is left alone."""
LINK, OTHER_DIGIT = 1, 2
"""Uses of a character in words, other than the letter that it resembles."""
IDEOGRAPHIC_ZERO, ZERO, NINE, BLANK = map(ord, "〇09 ")


def _classes() -> tuple[Array, Array, Array]:
    """Return (signs, digits, uses): the uses of each sign as bits, the digit that a character spells or 255, and in
    words `LINK`, `OTHER_DIGIT` or the letter that a character resembles.
    """
    size = 0x10000
    uses = np.zeros(0x80, np.uint8)
    for chars, use in ((LINK_SIGNS, LINK), ("0123456789", OTHER_DIGIT)):
        uses[[ord(char) for char in chars]] = use
    uses[[ord(char) for char in LETTER_DIGITS]] = [ord(char) for char in RESEMBLED]
    signs, digits = np.zeros(size, np.uint8), np.full(size, NO_DIGIT, np.uint8)
    for bit, chars in ((BETWEEN_HAN, MARKS), (BETWEEN_LATIN, LATIN_MARKS), (BETWEEN_SINGLE, SEPARATORS)):
        signs[[ord(char) for char in chars]] |= bit
    for char, digit in zip(SPELLED + "0123456789", SPELLED_DIGITS + "0123456789", strict=True):
        digits[ord(char)] = int(digit)
    return signs, digits, uses


SIGNS, DIGITS, USES = _classes()
NO_USES = np.zeros_like(USES)


@compile_inlined()
def _kind(code: np.uint32) -> int:
    if is_han(code) or code == IDEOGRAPHIC_ZERO:
        return HAN
    if is_latin(code):
        return LATIN
    return DIGIT if is_digit(code) else NOTHING


@compile_inlined()
def _sign(code: np.uint32, signs: Array) -> int:
    return int(signs[code]) if code < signs.size else 0


@compile_inlined()
def _drop_marks(text: Array, n: int, signs: Array) -> int:
    """Remove marks between letters in place; return the new length."""
    kept = 0
    position = 0
    while position < n:
        removable = 0
        if kept and _sign(text[position], signs) & (BETWEEN_HAN | BETWEEN_LATIN):
            kind = _kind(text[kept - 1])
            removable = BETWEEN_HAN if kind == HAN else BETWEEN_LATIN if kind == LATIN else 0
        run = 0
        while removable and run < 3 and position + run < n and _sign(text[position + run], signs) & removable:
            run += 1
        if 0 < run <= 2 and position + run < n and _kind(text[position + run]) == _kind(text[kept - 1]):
            position += run
            continue
        text[kept] = text[position]
        kept += 1
        position += 1
    return kept


@compile_inlined()
def _letters_apart(text: Array, position: int, n: int, before: int, signs: Array) -> int:
    """Return how many single letters from here on are separated by the same sign; 0 if too few."""
    kind = _kind(text[position])
    if (
        kind == NOTHING
        or before != NOTHING
        or position + 1 >= n
        or not _sign(text[position + 1], signs) & BETWEEN_SINGLE
    ):
        return 0
    sign, count = text[position + 1], 1
    while (
        position + 2 * count < n
        and text[position + 2 * count - 1] == sign
        and _kind(text[position + 2 * count]) == kind
    ):
        count += 1
    last = position + 2 * (count - 1)
    if last + 1 < n and _kind(text[last + 1]) != NOTHING:
        count -= 1  # the last letter begins a longer word
    return count if count >= (DIGITS_APART if kind == DIGIT else LETTERS_APART) else 0


@compile_inlined()
def _join_letters(text: Array, n: int, signs: Array) -> int:
    """Join letters that are set apart, in place; return the new length."""
    kept = 0
    position, before = INT_0, NOTHING + INT_0
    while position < n:
        count = _letters_apart(text, position, n, before, signs)
        for k in range(max(count, 1)):
            text[kept + k] = text[position + 2 * k]
        kept += max(count, 1)
        position += max(2 * count - 1, 1)
        before = _kind(text[kept - 1])
    return kept


@compile_inlined()
def _use_in_words(code: np.uint32, uses: Array) -> int:
    return int(uses[code]) if code < uses.size else 0


@compile_inlined()
def _is_obfuscated(text: Array, start: int, stop: int, uses: Array) -> bool:
    """Return whether the digits of a word from start to stop stand for letters.

    Its first and last character are letters, so that the text around it is folded in the same way.
    """
    if stop - start < SHORTEST_OBFUSCATED or not (is_latin(text[start]) and is_latin(text[stop - 1])):
        return False
    letters = 0
    for position in range(start, stop):
        is_letter = is_latin(text[position])
        if not is_letter and (uses[text[position]] == OTHER_DIGIT or not is_latin(text[position - 1])):
            return False  # a number or a code
        letters += is_letter
    return letters < stop - start < 2 * letters


@compile_inlined()
def _in_link(text: Array, start: int, stop: int, n: int, uses: Array) -> bool:
    """Return whether a sign of a link joins a word to something before or after it."""
    if start > 1 and _use_in_words(text[start - 1], uses) == LINK and text[start - 2] != BLANK:
        return True
    return stop + 1 < n and _use_in_words(text[stop], uses) == LINK and text[stop + 1] != BLANK


@compile_inlined()
def _undo_letter_digits(text: Array, n: int, uses: Array) -> int:
    """Replace digits that stand for letters, in place; return their number."""
    changed, start = 0, INT_0
    for position in range(n + 1):
        if position < n and (is_latin(text[position]) or _use_in_words(text[position], uses) > LINK):
            continue
        if _is_obfuscated(text, start, position, uses) and not _in_link(text, start, position, n, uses):
            for k in range(start, position):
                if not is_latin(text[k]):
                    text[k] = np.uint32(uses[text[k]])
                    changed += 1
        start = position + 1
    return changed


@compile_inlined()
def _spell_digits(text: Array, n: int, digits: Array) -> int:
    """Convert long spelled numbers to digits, in place; return the number of changed characters."""
    changed, start, spelled = 0, 0, 0
    for position in range(n + 1):
        if position < n and text[position] < digits.size and digits[text[position]] != NO_DIGIT:
            spelled += text[position] > NINE
            continue
        if spelled and position - start >= SPELLED_RUN:
            for k in range(start, position):
                text[k] = np.uint32(ZERO + digits[text[k]])
            changed += spelled
        start, spelled = position + 1, 0
    return changed


@compile_kernel()
def _context_kernel(codes: Array, offsets: Array, signs: Array, digits: Array, uses: Array, counts: Array) -> Array:
    """Apply the rules in place to each text; return the offsets of the results."""
    ends = np.zeros(offsets.size, np.int64)
    for i in range(offsets.size - 1):
        n = offsets[i + 1] - offsets[i]
        text = codes[offsets[i] : offsets[i + 1]]
        left = _join_letters(text, _drop_marks(text, n, signs), signs)
        counts[i, 0] += n - left
        counts[i, 1] += _spell_digits(text, left, digits)
        counts[i, 2] += _undo_letter_digits(text, left, uses)
        for k in range(left):
            codes[ends[i] + k] = text[k]  # the output never overtakes the input
        ends[i + 1] = ends[i] + left
    return ends


def undo_by_context(codes: Array, offsets: Array, *, letter_digits: bool = True) -> tuple[Array, Array, Array]:
    """Remove inserted signs, and convert spelled digits and digits that stand for letters."""
    counts = np.zeros((offsets.size - 1, 3), np.int32)
    ends = _context_kernel(codes, offsets, SIGNS, DIGITS, USES if letter_digits else NO_USES, counts)
    return codes[: ends[-1]].copy(), ends, counts


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
