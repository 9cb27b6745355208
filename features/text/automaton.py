"""Find many words in texts at once: the automaton of Aho and Corasick over code points.

Every character is one step in a table, whatever the number of words. Words of ASCII count between word boundaries, and
words of another script anywhere, for Chinese has no blanks.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import numba as nb
import numpy as np

from fraudsieve._typing import Array

from .characters import is_alnum

__all__ = ["Automaton", "build_automaton", "is_bounded", "read_words"]


PLANE = 0x10000


@dataclass(frozen=True, slots=True)
class Automaton:
    """The tables of an automaton.

    Parameters
    ----------
    letters : ndarray of uint16, shape (65536,)
        The column of a character; 0 for one of no word.
    steps : ndarray of int32, shape (n_states, n_letters)
        The state that follows; 0 at the start.
    ends : ndarray of int32, shape (n_states,)
        The longest word that ends at a state; -1 for none.
    shorter : ndarray of int32, shape (n_states,)
        The state at which the next shorter word ends; 0 for none.
    lengths, kinds : ndarray of int32, shape (n_words,)
        Of every word.
    bounded : ndarray of bool, shape (n_words,)
        Whether it counts between word boundaries alone.

    Examples
    --------
    >>> build_automaton({"free": 0, "微信": 1}).lengths.tolist()
    [4, 2]
    """

    letters: Array
    steps: Array
    ends: Array
    shorter: Array
    lengths: Array
    kinds: Array
    bounded: Array

    @property
    def tables(self) -> tuple[Array, ...]:
        """The arrays, as kernels take them."""
        return self.letters, self.steps, self.ends, self.shorter, self.lengths, self.kinds, self.bounded


def build_automaton(words: Mapping[str, int]) -> Automaton:
    """Build the automaton of some words.

    Parameters
    ----------
    words : mapping of str to int
        Words of the basic plane as folding leaves them, none of them empty, and their kinds.

    Returns
    -------
    Automaton

    Examples
    --------
    >>> automaton = build_automaton({"ab": 0})
    >>> automaton.steps.shape  # the start, "a", "ab"; no letter, "a", "b"
    (3, 3)
    """
    letters = np.zeros(PLANE, np.uint16)
    alphabet = sorted({ord(char) for word in words for char in word})
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
    """Fill the table of steps from the start outwards; a state that ends no word takes over the word of its tail."""
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


@nb.njit(inline="always")
def is_bounded(codes: Array, begin: int, end: int, start: int, stop: int) -> bool:
    """Return whether no letter or digit touches a span of a text.

    Examples
    --------
    >>> from fraudsieve.features.text.codepoints import pack
    >>> is_bounded(pack(["a pin!"]).codes, 2, 5, 0, 6), is_bounded(pack(["spins"]).codes, 1, 4, 0, 5)
    (True, False)
    """
    return (begin == start or not is_alnum(codes[begin - 1])) and (end == stop or not is_alnum(codes[end]))


def read_words(path: Traversable, categories: Sequence[str]) -> dict[str, int]:
    """Read a list of words.

    Parameters
    ----------
    path : Path or Traversable
        Lines of a category, a tab and a word; blank lines and lines that begin with ``#`` do not count.
    categories : sequence of str
        The categories, in the order of their numbers.

    Returns
    -------
    dict of str to int
        The number of the category of every word.

    Raises
    ------
    ValueError
        When a line is none of that, its category is unknown, or its word is listed twice.

    Examples
    --------
    >>> from fraudsieve.features.cues.words import CATEGORIES, WORDS
    >>> CATEGORIES[read_words(WORDS, CATEGORIES)["贷款"]]
    'loan'
    """
    words: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        category, _, word = line.partition("\t")
        if category not in categories or not word or word != word.strip() or word in words:
            problem = "a known category, a tab and a word that is new"
            raise ValueError(f"{path.name}, line {number}: expected {problem}. Correct the line.")
        words[word] = list(categories).index(category)
    return words
