"""Obfuscated copies of fraudulent messages to train on, because fraud comes back in another spelling.

A model that has never seen obfuscation relies on the words it knows, and loses the fraud when those are hidden. In a
copy some characters are replaced by homophones or by random letters, or separated by symbols. It teaches the model that
unknown and improbable writing is evidence of fraud. Copies are generic noise: they use none of the obfuscations that
`fraudsieve.training.attack` measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from fraudsieve._typing import Array
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.pinyin import to_pinyin

__all__ = ["Augmentation", "augment", "obfuscated_copies"]


MANNERS: Final = {"homophone": 0.5, "other": 0.3, "inserted": 0.2}
"""How often a copy is written in each manner: homophones are found only for Chinese, and others else."""
LEAST, MOST = 0.1, 0.6
"""Of the letters of a copy so large a share is changed, drawn evenly."""
SYMBOLS: Final = np.array([ord(char) for char in "*.·_|- 、丶/"], np.uint32)
FLOOR = 0.3
"""What a homophone counts that was never seen, beside the square roots of the counts of those that were."""


def obfuscated_copies(texts: Sequence[str], corpus: Sequence[str], *, seed: int = 0) -> list[str]:
    """Write every text once more, obfuscated.

    Parameters
    ----------
    texts : sequence of str, length n_texts
        Texts.
    corpus : sequence of str
        Texts whose characters are drawn from, as often as they are there.
    seed : int, default=0
        Seed of all that is drawn.

    Returns
    -------
    list of str, length n_texts

    Examples
    --------
    >>> texts = ["win a prize now", "call now"]
    >>> copies = obfuscated_copies(texts, texts, seed=1)
    >>> len(copies), copies == obfuscated_copies(texts, texts, seed=1)
    (2, True)
    """
    rng = np.random.default_rng(seed)
    packed, drawn_from = pack(texts), pack(corpus).codes
    lengths = np.diff(packed.offsets)
    manner = np.repeat(rng.choice(len(MANNERS), len(texts), p=list(MANNERS.values())), lengths)
    rate = np.repeat(rng.uniform(LEAST, MOST, len(texts)), lengths)
    changed = _is_letter(packed.codes) & (rng.random(len(packed.codes)) < rate)
    homophone, other, inserted = (changed & (manner == place) for place in range(len(MANNERS)))
    codes = packed.codes.copy()
    alike = _homophones(packed, drawn_from, rng)
    codes[homophone] = alike[homophone]
    other |= homophone & (alike == packed.codes) & ~_is_chinese(packed.codes)
    codes[other] = _others(packed.codes, drawn_from, rng)[other]
    return _with_symbols(CodePoints(codes, packed.offsets), inserted, rng).unpack()


def _is_chinese(codes: Array) -> npt.NDArray[np.bool_]:
    return np.asarray((codes >= 0x4E00) & (codes <= 0x9FFF))


def _is_letter(codes: Array) -> npt.NDArray[np.bool_]:
    lower = codes | 32
    return np.asarray(_is_chinese(codes) | ((lower >= 97) & (lower <= 122)))


def _homophones(texts: CodePoints, corpus: Array, rng: np.random.Generator) -> Array:
    """Draw a character of the same sound for every character: common ones more often, and rare ones too."""
    seen, counts = np.unique(corpus, return_counts=True)
    han = np.arange(0x4E00, 0xA000, dtype=np.uint32)
    heard = to_pinyin(CodePoints(han, np.array([0, len(han)]))).codes
    weights = np.full(len(han), FLOOR)
    known = _is_chinese(seen)
    weights[seen[known] - 0x4E00] += np.sqrt(counts[known])
    order = np.argsort(heard, kind="stable")
    totals = np.cumsum(weights[order])
    mine = to_pinyin(texts).codes
    starts, stops = (np.searchsorted(heard[order], mine, side) for side in ("left", "right"))
    low = np.where(starts > 0, totals[np.maximum(starts, 1) - 1], 0.0)
    high = totals[np.maximum(stops, 1) - 1]
    drawn = np.searchsorted(totals, low + rng.random(len(mine)) * (high - low), "right")
    found = han[order][np.minimum(drawn, np.maximum(stops, 1) - 1)]
    return np.where(stops > starts, found, texts.codes)


def _others(codes: Array, corpus: Array, rng: np.random.Generator) -> Array:
    """Draw any letter of the corpus for every letter, Chinese for Chinese, as often as it is there."""
    drawn = codes.copy()
    for is_kind in (_is_chinese, lambda some: _is_letter(some) & ~_is_chinese(some)):
        mine, pool = is_kind(codes), corpus[is_kind(corpus)]
        if len(pool):
            drawn[mine] = rng.choice(pool, mine.sum())
    return drawn


def _with_symbols(texts: CodePoints, after: Array, rng: np.random.Generator) -> CodePoints:
    """Put a symbol after characters, in a text always the same."""
    symbols = np.repeat(rng.choice(SYMBOLS, len(texts)), np.diff(texts.offsets))
    places = np.flatnonzero(after)
    added = np.concatenate([[0], np.cumsum(after)])
    return CodePoints(np.insert(texts.codes, places + 1, symbols[places]), texts.offsets + added[texts.offsets])


@dataclass(frozen=True, eq=False)
class Augmentation:
    """Rows with their obfuscated copies behind them.

    Parameters
    ----------
    texts : list of str, length n_rows + n_copies
        Texts.
    rows : ndarray of int64, shape (n_rows + n_copies,)
        The row that each is, or is a copy of.
    """

    texts: list[str]
    rows: Array


def augment(
    texts: Sequence[str], is_fraud: npt.NDArray[np.bool_], *, share: float = 0.5, seed: int = 0
) -> Augmentation:
    """Put obfuscated copies of fraudulent messages behind the messages.

    A message and its copy are of one campaign: give both that group, so that together they count as one.

    Parameters
    ----------
    texts : sequence of str, length n_rows
        Texts.
    is_fraud : ndarray of bool, shape (n_rows,)
        Which of them may be copied.
    share : float, default=0.5
        Share of these that are.
    seed : int, default=0
        Seed.

    Returns
    -------
    Augmentation

    Examples
    --------
    >>> copies = augment(["win a prize", "see you"], np.array([True, False]), share=1.0)
    >>> copies.rows.tolist()
    [0, 1, 0]
    """
    rng = np.random.default_rng(seed)
    copied = np.flatnonzero(is_fraud & (rng.random(len(texts)) < share))
    copies = obfuscated_copies([texts[row] for row in copied.tolist()], texts, seed=seed) if len(copied) else []
    return Augmentation([*texts, *copies], np.concatenate([np.arange(len(texts)), copied]))
