"""The modules of the library and what they import, read from their sources."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["FRONT", "LIBRARY", "ROOMS", "ROOT", "imports_of", "modules", "name_of", "tree_of"]

ROOT = Path(__file__).parent.parent
ROOMS = ("features", "models", "training")
FRONT = "src/fraudsieve"
LIBRARY = (*ROOMS, FRONT)


def modules(*folders: str) -> list[Path]:
    """Return the Python files below folders, without the links in src."""
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not any(parent.is_symlink() for parent in path.parents)
    ]


def name_of(path: Path) -> str:
    """Return the full name under which a file of the library is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "src" else ("fraudsieve", *parts)
    return ".".join(parts).removesuffix(".__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"))


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Return the full name of every module that a file of the library imports."""
    return tuple(_imports_of(path))


def _imports_of(path: Path) -> Iterator[str]:
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])
