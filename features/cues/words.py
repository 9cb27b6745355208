"""Counts of words that are typical of fraud, by category: urgency, rewards, threats, payments and others.

The words are in ``data/words.txt``, which has a category, a tab and a word per line.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from fraudsieve._compiled import compile_kernel
from fraudsieve._typing import Array
from fraudsieve.features.text.automaton import Automaton, build_automaton, is_bounded, read_words
from fraudsieve.features.text.codepoints import CodePoints

WORDS = files("fraudsieve.features.cues") / "data" / "words.txt"
CATEGORIES = (
    "urgency",
    "authority",
    "reward",
    "threat",
    "secrecy",
    "payment",
    "verification",
    "contact_me",
    "loan",
    "gambling",
    "adult",
    "job",
    "invoice",
)


@cache
def word_automaton() -> Automaton:
    """Return the automaton of the words of ``data/words.txt``, built once per process."""
    return build_automaton(read_words(WORDS, CATEGORIES))


@compile_kernel()
def word_kernel(codes: Array, offsets: Array, tables: tuple[Array, ...], out: Array) -> None:
    letters, steps, ends, shorter, lengths, kinds, bounded = tables
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        state = 0
        for position in range(start, stop):
            code = codes[position]
            state = steps[state, letters[code] if code < letters.size else 0]
            end = state if ends[state] >= 0 else 0
            while end:
                word = ends[end]
                if not bounded[word] or is_bounded(codes, position + 1 - lengths[word], position + 1, start, stop):
                    out[i, kinds[word]] += 1
                end = shorter[end]


def count_words(texts: CodePoints) -> Array:
    """Count the words of each of `CATEGORIES`, including words within other words."""
    return count_groups(texts, word_automaton(), len(CATEGORIES))


def count_groups(texts: CodePoints, automaton: Automaton, n_groups: int) -> Array:
    """Count the words of an automaton by their kinds, from 0 to `n_groups`; returns shape (n_texts, n_groups)."""
    out = np.zeros((len(texts), n_groups))
    word_kernel(texts.codes, texts.offsets, automaton.tables, out)
    return out
