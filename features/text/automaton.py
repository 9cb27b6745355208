"""Search for many words at once: the automaton of Aho and Corasick over code points.

Each character is one table look-up, for any number of words. ASCII words count only between word boundaries, and other
words anywhere, since Chinese has no spaces. ``python -m benchmarks.own`` shows what it gains over pyahocorasick.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import numpy as np

from fraudsieve._compiled import compile_inlined
from fraudsieve._typing import Array

from .characters import is_alnum

PLANE = 0x10000


@dataclass(frozen=True, slots=True)
class Automaton:
    """The tables of an automaton."""

    # Shape (n_codes,). Column of each character, of at least the basic multilingual plane; 0 for a character that is in
    # no word.
    letters: Array
    # Shape (n_states, n_letters). The next state; 0 is the start.
    steps: Array
    # Shape (n_states,). The longest word that ends at a state; -1 if there is none.
    ends: Array
    # Shape (n_states,). The state at which the next shorter word ends; 0 if there is none.
    shorter: Array
    # Shape (n_words,). Length and kind of each word.
    lengths: Array
    kinds: Array
    # Shape (n_words,). Whether a word counts only between word boundaries.
    bounded: Array

    @property
    def tables(self) -> tuple[Array, ...]:
        """The arrays, in the order that kernels expect."""
        return self.letters, self.steps, self.ends, self.shorter, self.lengths, self.kinds, self.bounded


def build_automaton(words: Mapping[str, int]) -> Automaton:
    """Build an automaton of words."""
    alphabet = sorted({ord(char) for word in words for char in word})
    letters = np.zeros(max([PLANE, *(code + 1 for code in alphabet[-1:])]), np.uint16)
    letters[alphabet] = np.arange(1, len(alphabet) + 1)
    children: list[dict[int, int]] = [{}]
    ends = [-1]
    for number, word in enumerate(words):
        state = 0
        for char in word:
            if ord(char) not in children[state]:
                children[state][ord(char)] = len(children)
                children.append({})
                ends.append(-1)
            state = children[state][ord(char)]
        ends[state] = number
    steps, shorter = _link(children, ends, letters, len(alphabet) + 1)
    lengths, kinds = np.array([*map(len, words)], np.int32), np.array([*words.values()], np.int32)
    return Automaton(
        letters, steps, np.array(ends, np.int32), shorter, lengths, kinds, np.array([word.isascii() for word in words])
    )


def _link(children: Sequence[dict[int, int]], ends: list[int], letters: Array, n_letters: int) -> tuple[Array, Array]:
    """Build the table of steps in breadth-first order; a state without a word inherits the word of its tail."""
    steps = np.zeros((len(children), n_letters), np.int32)
    shorter, tail = np.zeros(len(children), np.int32), np.zeros(len(children), np.int32)
    waiting = deque([0])
    while waiting:
        state = waiting.popleft()
        steps[state] = steps[tail[state]]
        if state:
            shorter[state] = tail[state] if ends[tail[state]] >= 0 else shorter[tail[state]]
        for code, child in children[state].items():
            tail[child] = steps[state, letters[code]] if state else 0
            steps[state, letters[code]] = child
            waiting.append(child)
    for state in range(len(children)):
        if ends[state] < 0 and shorter[state]:
            ends[state], shorter[state] = ends[shorter[state]], shorter[shorter[state]]
    return steps, shorter


@compile_inlined()
def is_bounded(codes: Array, begin: int, end: int, start: int, stop: int) -> bool:
    """Return whether a span of a text has no adjacent letter or digit.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> is_bounded(pack(["a pin!"]).codes, 2, 5, 0, 6), is_bounded(pack(["spins"]).codes, 1, 4, 0, 5)
    (True, False)
    """
    return (begin == start or not is_alnum(codes[begin - 1])) and (end == stop or not is_alnum(codes[end]))


def read_words(path: Traversable, categories: Sequence[str]) -> dict[str, int]:
    """Read a list of words."""
    words: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        category, _, word = line.partition("\t")
        if category not in categories or not word or word != word.strip() or word in words:
            problem = "a known category, a tab and a new word"
            raise ValueError(f"{path.name}, line {number}: expected {problem}. Correct the line.")
        words[word] = list(categories).index(category)
    return words
