"""The list of kernels that are compiled ahead, ``fraudsieve/kernels.tsv``: ``python -m benchmarks.cold.listing``.

Run it after a kernel is new, has another name or is called with other types.
"""

import os
import subprocess
import sys
import tempfile
import time
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
STEP_OF = {"message": "first_score", "account": "first_history"}
PLAIN = (types.Integer, types.Float, types.Boolean)


class Nesting(Listener):
    """The kernels that were compiled: their seconds, and the nesting of kernels in them."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], float] = {}
        self.depth: dict[tuple[str, str], int] = {}
        self._open: list[list[Any]] = []

    def on_start(self, event: Event) -> None:
        """Note a function that Numba begins to compile."""
        self._open.append([time.process_time(), 0])

    def on_end(self, event: Event) -> None:
        """Note its seconds, if Python can call it, and whether it calls other kernels."""
        began, depth = self._open.pop()
        dispatcher = event.data["dispatcher"]
        name = dispatcher.py_func.__module__, dispatcher.py_func.__qualname__
        if name[0].startswith("fraudsieve.") and not dispatcher.targetoptions.get("no_cpython_wrapper"):
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
            self.depth[name] = max(self.depth.get(name, 0), depth)
            depth += 1
        if self._open:
            self._open[-1][1] = max(self._open[-1][1], depth)


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


def lines(subject: str, folder: Path) -> list[str]:
    """Run the step of a subject in this process, whose cache is empty, and return the lines of its kernels."""
    nesting = Nesting()
    cast(Any, register)("numba:compile", nesting)
    STEPS[STEP_OF[subject]](folder)
    found = []
    for module, name in sorted(nesting.seconds, key=lambda key: (nesting.depth[key], -nesting.seconds[key])):
        written = [signature_of(one) for one in getattr(import_module(module), name).signatures]
        if None not in written:
            found.append("\t".join((subject, module, name, ";".join(cast(list[str], written)))))
    return found


def main(subject: str = "", folder: str = "") -> None:
    """Write the list, each subject in a process of its own."""
    if subject:
        sys.stdout.write("".join(line + "\n" for line in lines(subject, Path(folder))))
        return
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name))
        LIST.write_text("", encoding="utf-8")  # so that nothing is compiled ahead
        found = ""
        for one in STEP_OF:
            progress(f"compiling the kernels of a {one}")
            call = [sys.executable, "-m", "benchmarks.cold.listing", one, name]
            environment = os.environ | {"NUMBA_CACHE_DIR": f"{name}/kernels-{one}"}
            found += subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout
        LIST.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
