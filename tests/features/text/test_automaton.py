"""Search for many words at once."""

from pathlib import Path

import pytest

from fraudsieve.features.text.automaton import build_automaton, is_bounded, read_words
from fraudsieve.features.text.codepoints import pack
from tests.messages import refused


def test_a_state_without_a_word_inherits_that_of_its_tail() -> None:
    automaton = build_automaton({"b": 0, "abc": 1, "ab": 2})
    state = 0
    found = []
    for char in "ab":
        state = automaton.steps[state, automaton.letters[ord(char)]]
    while state:
        found.append(int(automaton.ends[state]))
        state = automaton.shorter[state]
    assert found == [2, 0]


@pytest.mark.parametrize(
    ("text", "holds"), [("ab", True), ("xab", False), ("ab1", False), (".ab.", True), ("中ab中", True), ("_ab", True)]
)
def test_words_are_bounded_by_letters_and_digits(text: str, holds: bool) -> None:
    begin = text.index("ab")
    assert is_bounded(pack([text]).codes, begin, begin + 2, 0, len(text)) == holds


@pytest.mark.parametrize("line", ["loan", "loan\t", "other\tmoney", "loan\t money", "loan\tcash"])
def test_an_invalid_line_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"# a comment\n\nloan\tcash\n{line}\n", encoding="utf-8")
    with refused(ValueError, "list.txt"):
        read_words(path, ("loan",))
