"""Public names that are imported at first use: a package names each once, in its block ``if TYPE_CHECKING``."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

_IMPORT: Final = re.compile(r"^    from \.([\w.]+) import (?:\(([^)]*)\)|(.*))$", re.MULTILINE)


def attach(package: str, file: str, *others: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package whose names are imported at first use.

    So the scoring path does not import scikit-learn or pandas, and ``--help`` imports next to nothing.
    """
    homes = homes_of(file)
    names = sorted([*homes, *others])

    def attribute(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return attribute, lambda: names.copy(), names


def homes_of(file: str) -> dict[str, str]:
    """Return the modules, inside the package of an ``__init__.py``, that hold its names."""
    found = _IMPORT.findall(Path(file).read_text("utf-8"))
    return {
        name.split()[-1]: module
        for module, several, one in found
        for name in (several or one).split(",")
        if name.strip()
    }
