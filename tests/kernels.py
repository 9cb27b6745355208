"""Kernels that Numba has compiled: which of them are older than a module that they are made from.

Numba compiles a kernel anew when its own file changes, but not when a function of another file changes that it calls.
"""

import ast
from functools import cache
from pathlib import Path

__all__ = ["forget_stale_kernels"]

ROOT = Path(__file__).parents[1]
ROOMS = ("features", "models", "training")


def forget_stale_kernels() -> None:
    """Delete every kernel that is older than its module, or than a module that this one imports."""
    for room in ROOMS:
        for kernel in (ROOT / room).rglob("__pycache__/*.nb[ic]"):
            module = kernel.parents[1] / f"{kernel.name.partition('.')[0]}.py"
            if not module.exists() or kernel.stat().st_mtime < newest(module):
                kernel.unlink(missing_ok=True)


@cache
def newest(module: Path) -> float:
    """Return when a module, or one that it imports by whatever way, was last changed."""
    reached, waiting = {module}, [module]
    while waiting:
        found = imports_of(waiting.pop()) - reached
        reached |= found
        waiting += found
    return max(path.stat().st_mtime for path in reached)


@cache
def imports_of(module: Path) -> frozenset[Path]:
    """Return the modules of this library that a module imports."""
    found = set[Path]()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = module.parents[node.level - 1]
            elif (node.module or "").startswith("fraudsieve."):
                base = ROOT
            else:
                continue
            parts = (node.module or "").removeprefix("fraudsieve.").split(".")
            target = base.joinpath(*filter(None, parts))
            candidates = [target.with_suffix(".py"), *(target / f"{name.name}.py" for name in node.names)]
            found.update(path for path in candidates if path.is_file())
    return frozenset(found)
