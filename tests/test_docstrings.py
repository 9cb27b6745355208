"""Only public names and kernels have docstrings with sections."""

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from scripts.imports import LIBRARY, modules, name_of, tree_of
from scripts.reference.kernels import is_kernel
from scripts.reference.public_names import public_names

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

HEADING: Final = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)
ALLOWED: Final = {"Notes", "References"}
"""Sections of private names: the source of a formula."""
OF_RECIPES: Final = {"fraudsieve.models.thresholds.Costs", "fraudsieve.models.thresholds.Targets"}
"""Classes whose parameters are keys of recipes: the page of recipes is made of their docstrings."""


class Documented(NamedTuple):
    """A definition with a docstring, its full name, and whether it is public: its own name or that of its class."""

    name: str
    node: Definition
    text: str
    is_public: bool


def documented() -> Iterator[Documented]:
    public = {*public_names(), *OF_RECIPES}
    for path in modules(*LIBRARY):
        yield from definitions(tree_of(path), name_of(path), public)


def definitions(scope: ast.AST, prefix: str, public: set[str]) -> Iterator[Documented]:
    for node in getattr(scope, "body", []):
        if not isinstance(node, Definition):
            continue
        name = f"{prefix}.{node.name}"
        is_public = name in public or (prefix in public and not node.name.startswith("_"))
        inside = public | {name} if is_public else public
        text = ast.get_docstring(node)
        if text:
            yield Documented(name, node, text, is_public)
        yield from definitions(node, name, inside)


def test_only_public_names_and_kernels_have_sections() -> None:
    private = [item for item in documented() if not (item.is_public or is_kernel(item.node))]
    wrong = {item.name: sorted(extra) for item in private if (extra := {*HEADING.findall(item.text)} - ALLOWED)}
    assert len(private) > 1000
    assert wrong == {}
