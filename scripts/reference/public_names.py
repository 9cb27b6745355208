"""The public names: what the packages export, where each is documented, and the text of constants."""

import ast
import importlib
import inspect
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fraudsieve._lazy import homes_of
from scripts.imports import LIBRARY, modules, name_of

__all__ = [
    "constant_text",
    "documented_names",
    "is_code",
    "packages",
    "public_names",
    "resolve",
    "shorter_paths",
    "string_of",
]


def packages() -> list[str]:
    """Return the full names of the package and of every subpackage that exports names."""
    found = [name_of(path) for path in modules(*LIBRARY) if path.name == "__init__.py" and _exports(path)]
    missing = set() if find_spec("pyspark") else {"fraudsieve.spark"}
    return sorted({*found} - missing)


def _exports(path: Path) -> bool:
    return "__all__" in path.read_text("utf-8")


def is_code(thing: Any) -> bool:
    """Return whether a public name is a class or a function, and not a constant."""
    return inspect.isclass(thing) or inspect.isfunction(thing)


def exported(package: str) -> dict[str, Any]:
    """Return the exports of a package by name; a function compiled by Numba is replaced by its Python function."""
    module = importlib.import_module(package)
    names = {*module.__all__} - {"__version__"}
    return {name: getattr(getattr(module, name), "py_func", getattr(module, name)) for name in names}


def public_names() -> dict[str, Any]:
    """Return every public object, by the full name of its definition."""
    return {_home(package, name, thing): thing for package in _listed() for name, thing in exported(package).items()}


def resolve(name: str) -> Any:
    """Return the object of a full name; a function compiled by Numba is replaced by its Python function."""
    package, _, short = name.rpartition(".")
    thing = getattr(importlib.import_module(package), short)
    return getattr(thing, "py_func", thing)


@cache
def _shortest() -> dict[str, str]:
    """Return the shortest path to every public name, by the full name of its definition."""
    shortest: dict[str, str] = {}
    for package in sorted(_listed(), key=lambda name: (name.count("."), name)):
        for name, thing in exported(package).items():
            shortest.setdefault(_home(package, name, thing), f"{package}.{name}")
    return shortest


def _listed() -> tuple[str, ...]:
    first, *others = packages()
    return (first, "fraudsieve.exceptions", *others)


def _home(package: str, name: str, thing: Any) -> str:
    return f"{thing.__module__ if is_code(thing) else package}.{name}"


def shorter_paths(package: str) -> tuple[str, ...]:
    """Return the exports of a package, each by the shortest path to it."""
    return tuple(sorted(_shortest()[_home(package, name, thing)] for name, thing in exported(package).items()))


def documented_names() -> dict[str, tuple[str, ...]]:
    """Return, by package, the full names that are documented under it: those without a shorter path."""
    return {
        package: tuple(name for name in shorter_paths(package) if name.rpartition(".")[0] == package)
        for package in _listed()
    }


def constant_text(name: str) -> str:
    """Return the documentation of a constant: the string after its assignment, in the module that holds it."""
    package, _, constant = name.rpartition(".")
    module = importlib.import_module(package)
    home = importlib.import_module(f"{package}.{homes_of(str(module.__file__))[constant]}")
    body = ast.parse(inspect.getsource(home)).body
    (after,) = [body[place + 1] for place, node in enumerate(body[:-1]) if constant in assigned(node)]
    if (text := string_of(after)) is None:
        raise ValueError(f"{name}: expected a string after the assignment, got none. Document the constant.")
    return inspect.cleandoc(text)


def string_of(node: ast.stmt) -> str | None:
    """Return the text of a statement that is a string; None for another one."""
    value = node.value if isinstance(node, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def assigned(node: ast.stmt) -> set[str]:
    """Return the names that a statement assigns."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}
