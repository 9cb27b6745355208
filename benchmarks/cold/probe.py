"""One first result in a process of its own, with the kernels that it compiled: ``python -m benchmarks.cold.probe``."""

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from numba.core.event import Event, Listener, register

__all__ = ["STEPS", "Kernels", "main"]

TEXT = "Your parcel is held, pay the fee at http://parcel.example"


class Kernels(Listener):
    """Seconds of processor time per compiled function, without those of the functions that it calls.

    Functions of Numba itself are counted with the kernel that needs them.

    Examples
    --------
    >>> import numba
    >>> kernels = Kernels()
    >>> register("numba:compile", kernels)
    >>> numba.njit(lambda x: x + 1)(1), sum(kernels.seconds.values()) > 0
    (2, True)
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[tuple[str, float, list[float]]] = []

    def on_start(self, event: Event) -> None:
        """Note the function that Numba begins to compile."""
        function = event.data["dispatcher"].py_func
        name = f"{function.__module__}.{function.__qualname__}".removeprefix("fraudsieve.")
        if self._open and name.startswith("numba."):
            name = self._open[-1][0]
        self._open.append((name, time.process_time(), []))

    def on_end(self, event: Event) -> None:
        """Add the time since the start, without that of the functions in between."""
        name, began, callees = self._open.pop()
        whole = time.process_time() - began
        self.seconds[name] += whole - sum(callees)
        if self._open:
            self._open[-1][2].append(whole)


def _score(folder: Path) -> None:
    from fraudsieve.models.predict import Scorer

    Scorer.load(folder / "model").score({"text": TEXT})


def _reasons(folder: Path) -> None:
    from fraudsieve.models.predict import Scorer

    Scorer.load(folder / "model").score({"text": TEXT}, reasons=True)


def _history(folder: Path) -> None:
    import pandas as pd

    from fraudsieve.features.accounts import AccountFeatures

    subjects = pd.read_parquet(folder / "subjects.parquet")
    AccountFeatures(pd.read_parquet(folder / "events.parquet")).fit_transform(subjects)


def _quickstart(folder: Path) -> None:
    from fraudsieve.training.first_run import quickstart

    quickstart(folder / "quickstart")


STEPS: Mapping[str, Callable[[Path], None]] = {
    "first_score": _score,
    "first_reasons": _reasons,
    "first_history": _history,
    "quickstart": _quickstart,
}
"""The measured steps: each takes the folder with the model and the tables."""


def main(step: str, folder: str) -> None:
    """Run a step; print when it ended, on the clock of all processes, and what it cost."""
    kernels, listen = Kernels(), cast(Any, register)
    listen("numba:compile", kernels)
    STEPS[step](Path(folder))
    ended = time.monotonic()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    measured: dict[str, Any] = {"ended": ended, "cpu_s": cpu, "kernels": kernels.seconds}
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
