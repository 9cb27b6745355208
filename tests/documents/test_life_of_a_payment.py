"""The pages that follow a payment and the history of an entity name files, functions and classes that exist."""

import ast
import re
from collections.abc import Iterator

import pytest

from scripts.imports import LIBRARY, ROOT, modules, tree_of

PAGE = ROOT / "docs" / "design" / "life_of_a_payment.md"
CHAPTER = ROOT / "docs" / "design" / "history.md"
STEP = re.compile(r"^\d+\. `([\w/]+\.py)`, ([^:]+):", re.MULTILINE)
"""The beginning of a step: a file, and names in it."""


def steps(text: str) -> list[tuple[str, list[str]]]:
    """Return the files and the names of the steps."""
    return [(file, re.findall(r"`([\w.]+)`", names)) for file, names in STEP.findall(text)]


def defined(scope: ast.AST, prefix: str = "") -> Iterator[str]:
    """Yield the functions and classes of a file, and the methods of its classes."""
    for node in getattr(scope, "body", []):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name
            if isinstance(node, ast.ClassDef):
                yield from defined(node, f"{node.name}.")


def test_every_numbered_step_is_read() -> None:
    text = PAGE.read_text("utf-8")
    assert len(steps(text)) == len(re.findall(r"^\d+\. ", text, re.MULTILINE)) > 30


@pytest.mark.parametrize(("file", "names"), steps(PAGE.read_text("utf-8")))
def test_a_step_names_what_is_in_its_file(file: str, names: list[str]) -> None:
    assert {*names} <= {*defined(tree_of(ROOT / file))}, file


def test_every_class_that_is_named_exists() -> None:
    classes = {name for path in modules(*LIBRARY) for name in defined(tree_of(path)) if name[:1].isupper()}
    named = {*re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", PAGE.read_text("utf-8"))}
    assert len(named) > 3
    assert named <= classes


def test_every_invariant_of_the_history_names_its_code_and_its_test() -> None:
    invariants = re.findall(r"^\d+\. (.*?)(?=^\d+\. |^#)", CHAPTER.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(invariants) == 9
    for invariant in invariants:
        named = re.findall(r"`([\w/]+\.py)`,\s+`([\w.]+)`", invariant)
        assert [file.startswith("tests/") for file, _ in named] == [False, True], invariant
        for file, name in named:
            assert name in {*defined(tree_of(ROOT / file))}, (file, name)


def test_files_that_the_history_names_exist() -> None:
    text = CHAPTER.read_text("utf-8")
    assert all((ROOT / file).is_file() for file in re.findall(r"`((?:features|tests)/[\w/]+\.py)`", text))
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`([\w.]+)`", row)]
    assert len(names) >= 8
    assert all((ROOT / "features" / "history" / name).exists() for name in names)
