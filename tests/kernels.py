"""Delete compiled kernels of Numba that are older than a module that they depend on.

Numba recompiles a kernel when its own file changes, but not when it calls a function of another file that changes.
"""

import ast
from functools import cache
from pathlib import Path

__all__ = ["delete_stale_kernels"]

ROOT = Path(__file__).parents[1]
FOLDERS = (ROOT, ROOT / "src" / "fraudsieve")
"""What the names of modules are relative to: the rooms are linked from the second into the first."""


def delete_stale_kernels() -> None:
    """Delete every kernel that is older than its module, or than a module that it imports."""
    for folder in ("features", "models", "training", "src"):
        for kernel in (ROOT / folder).rglob("__pycache__/*.nb[ic]"):
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
            is_own = (node.module or "").startswith("fraudsieve.")
            bases = [module.parents[node.level - 1]] if node.level else FOLDERS if is_own else []
            parts = (node.module or "").removeprefix("fraudsieve.").split(".")
            for target in (base.joinpath(*filter(None, parts)) for base in bases):
                candidates = [target.with_suffix(".py"), *(target / f"{name.name}.py" for name in node.names)]
                modules.update(path.resolve() for path in candidates if path.is_file())
    return frozenset(modules)
