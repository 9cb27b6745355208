"""The page that follows a payment through the code names files, functions and classes that exist."""

import ast
import re
from collections.abc import Iterator

import pytest

from scripts.imports import LIBRARY, ROOT, modules, tree_of

PAGE = ROOT / "docs" / "design" / "life_of_a_payment.md"
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
