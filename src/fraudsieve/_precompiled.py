"""Kernels that two processes compile side by side into Numba's cache, before the first result needs them.

Numba compiles in one thread at a time, so a second core helps in another process only. ``kernels.tsv`` lists the
kernels of each subject with their signatures, the slowest first. The time of a kernel includes that of the kernels that
call it, so that it comes before them. Both processes take the next one of the list until none is left.
``python -m benchmarks.cold.listing`` writes it.

Without it, a first score takes 19.9 s on two idle cores; with it 9.8 s, where the bar is 12 s (``benchmarks.cold --step
first_score``). If all cores are busy, it gains nothing.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import numba as nb
from numba.core.sigutils import normalize_signature

from fraudsieve._typing import Progress

MIN_KERNELS = 6
"""Fewer kernels than these compile as fast as another process starts."""
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of processor time that a container may use, and in how many."""
PATIENCE_S = 60.0
"""Seconds to wait for the last kernel of the other process."""
_running: "list[_OtherProcess]" = []
"""The process that compiles now, if there is one."""


class Kernel(NamedTuple):
    """A kernel, and the types that it is called with."""

    subject: str
    module: str
    name: str
    signatures: str
    """Tuples of types as Numba reads them, divided by semicolons."""

    def compile(self) -> None:
        """Compile the kernel, or load it from the cache."""
        for argument_types in self.types():
            self._function().compile(argument_types)

    def types(self) -> list[tuple[Any, ...]]:
        """Return Numba's types of the arguments, for each signature. They are the keys of its cache; text is not."""
        read: Any = normalize_signature
        return [read(signature)[0] for signature in self.signatures.split(";")]

    def is_cached(self) -> bool:
        """Return whether Numba's cache has the kernel, for some signature and some processor."""
        return any(Path(self._function().stats.cache_path).glob(f"*.{self.name}-*.nbi"))

    def _function(self) -> Any:
        return getattr(import_module(self.module), self.name)


def listed_kernels(subject: str) -> list[Kernel]:
    """Return the kernels of a subject, in the order in which to compile them."""
    lines = (files("fraudsieve") / "kernels.tsv").read_text("utf-8").splitlines()
    kernels = (Kernel(*line.split("\t")) for line in lines)
    return [kernel for kernel in kernels if kernel.subject == subject]


def missing_kernels(*subjects: str) -> list[Kernel]:
    """Return the listed kernels that Numba's cache does not have."""
    return [kernel for subject in subjects for kernel in listed_kernels(subject) if not kernel.is_cached()]


@cache  # later calls have nothing to do
def compile_kernels(subject: str) -> None:
    """Compile the kernels that score a subject, unless most of them are in the cache."""
    with compiling(subject):
        pass


@contextmanager
def compiling(*subjects: str) -> Iterator[None]:
    """Have another process compile kernels; at the end, compile what it has not begun.

    It does nothing if most kernels are in the cache, there is one core only, or Numba does not compile, nor inside
    another such block.
    """
    kernels = missing_kernels(*subjects) if not _running and _is_of_use() else []
    side = None
    if len(kernels) >= MIN_KERNELS:
        with suppress(OSError, RuntimeError):  # the system may refuse one more process, or thread
            side = _OtherProcess(kernels)
            _running.append(side)
    try:
        yield
        if side is not None:
            side.help()
    finally:
        if side is not None:
            _running.remove(side)
            side.close()


def compile_rest(report_step: Progress) -> None:
    """Within `compiling`: compile what the other process has not begun, before the first kernel is called."""
    for side in _running:
        report_step("compiling, once after an installation")
        side.help()


class _OtherProcess:
    """A process that compiles kernels of a queue; it ends with this one, when the pipe to it is closed."""

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        self._queue = deque(kernels)
        # -P: modules of the working directory must not be found before those that are installed
        call = [sys.executable, "-P", "-m", __name__]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(call, stdin=pipe, stdout=pipe, stderr=nothing, text=True)
        self._thread = Thread(target=self._feed, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._process.kill()
            self._process.wait()
            raise

    def help(self) -> None:
        """Compile kernels until none is left, and wait for the last one of the other process."""
        while (kernel := self._next()) is not None:
            with suppress(Exception):  # it is raised again where the kernel is needed
                kernel.compile()
        self._thread.join(PATIENCE_S)

    def close(self) -> None:
        """End the process."""
        self._queue.clear()
        self._process.kill()
        self._thread.join()
        self._process.wait()

    def _feed(self) -> None:
        """Send kernels one by one; if the process failed, what it has not compiled is compiled when it is needed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError, ValueError), self._process.stdin as kernels, self._process.stdout as answers:
            while (kernel := self._next()) is not None:
                kernels.write("\t".join(kernel) + "\n")
                kernels.flush()
                if not answers.readline():
                    return

    def _next(self) -> Kernel | None:
        with suppress(IndexError):
            return self._queue.popleft()
        return None


def _is_of_use() -> bool:
    """Return whether another process can compile: there is a second core, and a Python that can be started."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # without a quota it says "max"
        quota, period = CPU_QUOTA.read_text().split()
        n_cores = min(n_cores, int(quota) // int(period))
    is_python = Path(sys.executable or "").name.startswith("python")  # not the program that Python is embedded in
    config: Any = nb.config
    return n_cores > 1 and is_python and not config.DISABLE_JIT


def _answer() -> None:
    """Compile the kernels of the lines of standard input, and answer each with a line."""
    for line in sys.stdin:
        Kernel(*line.rstrip("\n").split("\t")).compile()
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _answer()
