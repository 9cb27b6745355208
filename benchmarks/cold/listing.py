"""The list of kernels that are compiled ahead, ``fraudsieve/kernels.tsv``: ``python -m benchmarks.cold.listing``.

Run it after a kernel is new, has another name or is called with other types.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from numba import types
from numba.core.event import Event, Listener, register

from benchmarks.cold.__main__ import _prepare
from benchmarks.cold.probe import STEPS
from benchmarks.runner import progress

__all__ = ["LIST", "Nesting", "lines", "main", "signature_of"]

LIST = Path(__file__).parents[2] / "src/fraudsieve/kernels.tsv"
STEP_OF = {"message": "first_score", "account": "first_history", "training": "quickstart"}
Name = tuple[str, str]
"""A module, and a function of it."""
FIRST = ("_context_kernel", "_fold_kernel")
"""The simulation of quickstart calls them, while the others are compiled."""
PLAIN = (types.Integer, types.Float, types.Boolean)


class Nesting(Listener):
    """The kernels that were compiled: the seconds of each, without those of other kernels in it, and what calls it."""

    def __init__(self) -> None:
        self.seconds: dict[Name, float] = {}
        self.caller: dict[Name, Name | None] = {}
        self._open: list[tuple[Name | None, float]] = []

    def on_start(self, event: Event) -> None:
        """Note a function that Numba begins to compile: its name, if it is a kernel."""
        dispatcher = event.data["dispatcher"]
        name = dispatcher.py_func.__module__, dispatcher.py_func.__qualname__
        is_kernel = name[0].startswith("fraudsieve.") and dispatcher.stats.cache_path is not None
        self._open.append((name if is_kernel else None, time.process_time()))

    def on_end(self, event: Event) -> None:
        """Add the seconds of a kernel, and take them from the kernel in which it was compiled."""
        name, began = self._open.pop()
        if name is None:
            return
        seconds = time.process_time() - began
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        caller = next((other for other, _ in reversed(self._open) if other is not None), None)
        self.caller.setdefault(name, caller)
        if caller is not None:
            self.seconds[caller] = self.seconds.get(caller, 0.0) - seconds

    def rank(self, name: Name) -> float:
        """Return the seconds of a kernel, with those of the kernels that call it; the highest comes first.

        A kernel that calls others counts half, and so comes later: until then the other process has compiled these.
        """
        caller = self.caller[name]
        seconds = self.seconds[name] / (2 if name in self.caller.values() else 1)
        return seconds + (0.0 if caller is None else self.seconds[caller] + self.rank(caller))


def signature_of(argument_types: tuple[Any, ...]) -> str | None:
    """Write types as Numba reads them; None if they have a class of ours.

    Examples
    --------
    >>> from numba import float64, int64
    >>> signature_of((float64[:, ::1], types.UniTuple(int64, 2)))
    "(Array(float64, 2, 'C', False), Tuple((int64, int64,)),)"
    """
    written = [_written(one) for one in argument_types]
    return None if None in written else f"({', '.join(cast(list[str], written))},)"


def _written(one: Any) -> str | None:
    if isinstance(one, types.Array):
        dtype = _written(one.dtype)
        return None if dtype is None else f"Array({dtype}, {one.ndim}, {one.layout!r}, {not one.mutable})"
    if isinstance(one, types.Tuple | types.UniTuple):
        parts = [_written(part) for part in one]
        return None if None in parts else f"Tuple(({', '.join(cast(list[str], parts))},))"
    if isinstance(one, types.Boolean):
        return "boolean"
    return str(one) if isinstance(one, PLAIN) and not isinstance(one, types.IntegerLiteral) else None


def lines(subject: str, folder: Path, listed: Collection[str] = ()) -> list[str]:
    """Run the step of a subject in this process, whose cache is empty, and return the lines of its kernels.

    Kernels in ``listed``, as ``module.name``, are left out.
    """
    nesting = Nesting()
    cast(Any, register)("numba:compile", nesting)
    STEPS[STEP_OF[subject]](folder)
    found = []
    for module, name in sorted(nesting.seconds, key=lambda key: (key[1] in FIRST, nesting.rank(key)), reverse=True):
        written = [signature_of(one) for one in getattr(import_module(module), name).signatures]
        if None not in written and f"{module}.{name}" not in listed:
            found.append("\t".join((subject, module, name, ";".join(cast(list[str], written)))))
    return found


def main(subject: str = "", folder: str = "", *listed: str) -> None:
    """Write the list, each subject in a process of its own."""
    if subject:
        sys.stdout.write("".join(line + "\n" for line in lines(subject, Path(folder), listed)))
        return
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name))
        LIST.write_text("", encoding="utf-8")  # so that nothing is compiled ahead
        found = ""
        for one in STEP_OF:
            progress(f"compiling the kernels of {one}")
            others = [".".join(line.split("\t")[1:3]) for line in found.splitlines()]
            call = [sys.executable, "-m", "benchmarks.cold.listing", one, name, *others]
            environment = os.environ | {"NUMBA_CACHE_DIR": f"{name}/kernels-{one}"}
            found += subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
        LIST.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
