"""Delete compiled kernels of Numba that are older than a module that they depend on.

Numba recompiles a kernel when its own file changes, but not when it calls a function of another file that changes.
"""

import ast
from functools import cache
from pathlib import Path

__all__ = ["delete_stale_kernels"]

ROOT = Path(__file__).parents[1]
ROOMS = ("features", "models", "training")


def delete_stale_kernels() -> None:
    """Delete every kernel that is older than its module, or than a module that it imports."""
    for room in ROOMS:
        for kernel in (ROOT / room).rglob("__pycache__/*.nb[ic]"):
            module = kernel.parents[1] / f"{kernel.name.partition('.')[0]}.py"
            if not module.exists() or kernel.stat().st_mtime < last_changed(module):
                kernel.unlink(missing_ok=True)


@cache
def last_changed(module: Path) -> float:
    """Return when a module, or one that it imports directly or indirectly, was last changed."""
    reached, waiting = {module}, [module]
    while waiting:
        modules = imports_of(waiting.pop()) - reached
        reached |= modules
        waiting += modules
    return max(path.stat().st_mtime for path in reached)


@cache
def imports_of(module: Path) -> frozenset[Path]:
    """Return the modules of this library that a module imports."""
    modules = set[Path]()
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
            modules.update(path for path in candidates if path.is_file())
    return frozenset(modules)
