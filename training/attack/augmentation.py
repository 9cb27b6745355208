"""Obfuscated copies of fraudulent Chinese messages to train on, because fraud comes back in another spelling.

Chinese has thousands of homophones, so that fraud is rewritten faster than a model learns its words. In a copy some
characters are replaced by homophones or by random letters, or separated by symbols. Copies are generic noise: they use
none of the obfuscations that `fraudsieve.training.attack` measures.

Messages without Chinese characters are not copied: the few tricks of alphabets are normalised before a model sees a
text. Copies also taught models of English that unfamiliar writing is fraud, which flags ordinary slang (``python -m
benchmarks.transfer``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.pinyin import to_pinyin

METHODS: Final = {"homophone": 0.5, "other": 0.3, "inserted": 0.2}
"""Probability of each method; only Chinese has homophones, other letters are replaced by random ones."""
MIN_SHARE, MAX_SHARE = 0.1, 0.6
"""Bounds of the share of letters that is changed in a copy, drawn uniformly."""
SYMBOLS: Final = np.array([ord(char) for char in "*.·_|- 、丶/"], np.uint32)
FLOOR = 0.3
"""Weight of a homophone that the corpus lacks; the square root of its count is added for the others."""


def obfuscated_copies(texts: Sequence[str], corpus: Sequence[str], *, seed: int = 0) -> list[str]:
    """Return an obfuscated copy of every text."""
    rng = np.random.default_rng(seed)
    packed, drawn_from = pack(texts), pack(corpus).codes
    lengths = np.diff(packed.offsets)
    method = np.repeat(rng.choice(len(METHODS), len(texts), p=list(METHODS.values())), lengths)
    rate = np.repeat(rng.uniform(MIN_SHARE, MAX_SHARE, len(texts)), lengths)
    changed = _is_letter(packed.codes) & (rng.random(len(packed.codes)) < rate)
    homophone, other, inserted = (changed & (method == place) for place in range(len(METHODS)))
    codes = packed.codes.copy()
    alike = _homophones(packed, drawn_from, rng)
    codes[homophone] = alike[homophone]
    other |= homophone & (alike == packed.codes) & ~_is_chinese(packed.codes)
    codes[other] = _others(packed.codes, drawn_from, rng)[other]
    return _with_symbols(CodePoints(codes, packed.offsets), inserted, rng).unpack()


def _is_chinese(codes: Array) -> npt.NDArray[np.bool_]:
    return np.asarray((codes >= 0x4E00) & (codes <= 0x9FFF))


def _have_chinese(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    packed = pack(texts)
    until = np.concatenate([[0], np.cumsum(_is_chinese(packed.codes))])[packed.offsets]
    return np.diff(until) > 0


def _is_letter(codes: Array) -> npt.NDArray[np.bool_]:
    lower = codes | 32
    return np.asarray(_is_chinese(codes) | ((lower >= 97) & (lower <= 122)))


def _homophones(texts: CodePoints, corpus: Array, rng: np.random.Generator) -> Array:
    """Draw a homophone of every character; common ones are more likely."""
    seen, counts = np.unique(corpus, return_counts=True)
    han = np.arange(0x4E00, 0xA000, dtype=np.uint32)
    pinyin = to_pinyin(CodePoints(han, np.array([0, len(han)]))).codes
    weights = np.full(len(han), FLOOR)
    chinese = _is_chinese(seen)
    weights[seen[chinese] - 0x4E00] += np.sqrt(counts[chinese])
    order = np.argsort(pinyin, kind="stable")
    totals = np.cumsum(weights[order])
    own = to_pinyin(texts).codes
    starts, stops = (np.searchsorted(pinyin[order], own, side) for side in ("left", "right"))
    low = np.where(starts > 0, totals[np.maximum(starts, 1) - 1], 0.0)
    high = totals[np.maximum(stops, 1) - 1]
    drawn = np.searchsorted(totals, low + rng.random(len(own)) * (high - low), "right")
    homophones = han[order][np.minimum(drawn, np.maximum(stops, 1) - 1)]
    return np.where(stops > starts, homophones, texts.codes)


def _others(codes: Array, corpus: Array, rng: np.random.Generator) -> Array:
    """Draw a letter of the corpus for every letter, by frequency: Chinese for Chinese, Latin for Latin."""
    drawn = codes.copy()
    for is_kind in (_is_chinese, lambda values: _is_letter(values) & ~_is_chinese(values)):
        of_kind, pool = is_kind(codes), corpus[is_kind(corpus)]
        if len(pool):
            drawn[of_kind] = rng.choice(pool, of_kind.sum())
    return drawn


def _with_symbols(texts: CodePoints, after: Array, rng: np.random.Generator) -> CodePoints:
    """Insert a symbol after characters; each text has one symbol."""
    symbols = np.repeat(rng.choice(SYMBOLS, len(texts)), np.diff(texts.offsets))
    places = np.flatnonzero(after)
    added = np.concatenate([[0], np.cumsum(after)])
    return CodePoints(np.insert(texts.codes, places + 1, symbols[places]), texts.offsets + added[texts.offsets])


@dataclass(frozen=True, eq=False)
class Augmentation:
    """Rows followed by obfuscated copies of some of them."""

    texts: list[str]
    # Shape (n_rows + n_copies,). The position of each row, or of the row that it is a copy of.
    rows: Array


def augment(
    texts: Sequence[str], is_fraud: npt.NDArray[np.bool_], *, share: float = 0.5, seed: int = 0
) -> Augmentation:
    """Append obfuscated copies of fraudulent messages with Chinese characters to the messages.

    A message and its copy belong to the same campaign: give both its group, so that together they count as one row.
    """
    rng = np.random.default_rng(seed)
    copied = np.flatnonzero(is_fraud & _have_chinese(texts) & (rng.random(len(texts)) < share))
    copies = obfuscated_copies([texts[row] for row in copied.tolist()], texts, seed=seed) if len(copied) else []
    return Augmentation([*texts, *copies], np.concatenate([np.arange(len(texts)), copied]))
