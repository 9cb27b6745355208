"""The compiled kernels: what each computes and what it is compared with, from the docstrings of their modules."""

import ast
import inspect
from pathlib import Path

from scripts.imports import ROOMS, ROOT

from .entries import inline

__all__ = ["kernels_page"]

DECORATORS = {"compile_kernel", "compile_part", "compile_inlined"}


def kernels_page() -> str:
    """Return a definition per module with a compiled kernel: its name and the docstring of the module."""
    parts = []
    for room in ROOMS:
        found = {path: tree for path in sorted((ROOT / room).rglob("*.py")) if has_kernel(tree := _parse(path))}
        if found:
            parts.append(f"## `{room}`\n")
        for path, tree in found.items():
            name = ".".join(("fraudsieve", *path.relative_to(ROOT).with_suffix("").parts))
            text = inspect.cleandoc(ast.get_docstring(tree) or "").split("\n\n")
            paragraphs = [inline(paragraph) for paragraph in text if not paragraph.startswith(("=", " "))]
            parts.append(f"`{name}`\n: {_indented(paragraphs)}\n")
    return "\n".join(parts)


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def has_kernel(tree: ast.Module) -> bool:
    """Return whether a module compiles a function."""
    return any(
        isinstance(node, ast.FunctionDef) and any(_called(decorator) in DECORATORS for decorator in node.decorator_list)
        for node in tree.body
    )


def _called(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.id if isinstance(called, ast.Name) else ""


def _indented(paragraphs: list[str]) -> str:
    return "\n\n  ".join(paragraphs)
