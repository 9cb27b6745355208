"""The compiled kernels: what each computes and what it is compared with, from the docstrings of their modules."""

import ast
import inspect
import json
from pathlib import Path

from scripts.imports import LIBRARY, ROOT, modules, name_of, tree_of

from .entries import inline

__all__ = ["RESULTS", "gains_page", "is_kernel", "kernels_page"]

DECORATORS = {"compile_kernel", "compile_part", "compile_inlined"}
RESULTS = ROOT / "benchmarks" / "results" / "own.json"
"""The output of ``python -m benchmarks.own --json``."""
ALGORITHMS = {
    "sort": ("Radix sort of events", "`np.lexsort`"),
    "ids": ("Table of ids", "PyArrow's `dictionary_encode`"),
    "words": ("Search for words", "`pyahocorasick`"),
}
HEAD = """| algorithm | library | ours, alone | library's, alone | gain alone | gain end to end |
|---|---|---:|---:|---:|---:|
"""


def kernels_page() -> str:
    """Return a definition per module with a compiled kernel: its name and the docstring of the module."""
    parts = []
    for room in LIBRARY:
        found = {path: tree_of(path) for path in modules(room) if has_kernel(tree_of(path))}
        if found:
            parts.append(f"## `{room}`\n")
        for path, tree in found.items():
            text = inspect.cleandoc(ast.get_docstring(tree) or "").split("\n\n")
            paragraphs = [inline(paragraph) for paragraph in text if not paragraph.startswith(("=", " "))]
            parts.append(f"`{name_of(path)}`\n: {_indented(paragraphs)}\n")
    return "\n".join(parts)


def has_kernel(tree: ast.Module) -> bool:
    """Return whether a module compiles a function."""
    return any(map(is_kernel, tree.body))


def is_kernel(node: ast.AST) -> bool:
    """Return whether a definition is a function that Numba compiles."""
    return isinstance(node, ast.FunctionDef) and any(_called(one) in DECORATORS for one in node.decorator_list)


def _called(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.id if isinstance(called, ast.Name) else ""


def _indented(paragraphs: list[str]) -> str:
    return "\n\n  ".join(paragraphs)


def gains_page(path: Path = RESULTS) -> str:
    """Return a table with a line for each algorithm that was measured, in Markdown."""
    report = json.loads(path.read_text("utf-8"))
    ours, library = report["figures"], report["peers"]["library"]
    measured = [name for name in ALGORITHMS if f"{name}.alone_ms" in library]
    lines = [_line(name, ours, library[f"{name}.alone_ms"]) for name in measured]
    machine = report["machine"]
    versions = ", ".join(f"{name} {machine['libraries'][name]}" for name in ("numpy", "pyarrow", "numba"))
    measured_on = f"Measured on {machine['cores']} cores of {machine['processor']}, {versions}."
    return "\n".join([HEAD + "\n".join(lines), "", measured_on, ""])


def _line(name: str, ours: dict[str, float], library_ms: float) -> str:
    cells = [*ALGORITHMS[name], f"{ours[f'{name}.alone_ms']:.1f} ms", f"{library_ms:.1f} ms"]
    cells += [f"{ours[f'{name}.{part}_gain']:+.0%}" for part in ("alone", "end_to_end")]
    return f"| {' | '.join(cells)} |"
