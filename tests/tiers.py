"""What every change must pass, and what a release must pass: the one place that says which test is of which.

Every change must pass all tests but these: ``pytest -n 2 --dist loadfile`` (the README's command) runs them, with fewer
examples than a release (`tests.profiles`), and of the zoo of tables only the smoke set. ``python -m
scripts.release_check`` runs the rest, in parts: what is named here, and again what is larger in a release (marker
`release`). A run that names a file runs what is in it, of either tier.
"""

from itertools import compress
from pathlib import Path
from typing import Final

import pytest

from tests.profiles import IN_RELEASE, size

__all__ = ["RELEASE", "choose_tests"]

BENCHMARK: Final = "a benchmark from end to end: a release runs the benchmarks; their parts are tested at every change"
COMPILES: Final = "compiles every kernel anew, in an environment or a folder of its own"
KILLS: Final = "kills and clocks that jump, in real services; the smaller kills of tests/models/live stay"
RELEASE: Final[dict[str, str]] = {
    "tests/benchmarks/cold/test_cold.py::test_the_whole": BENCHMARK,
    "tests/benchmarks/scale/test_sampling.py::test_figures": BENCHMARK,
    "tests/benchmarks/scale/test_spark.py::test_figures": BENCHMARK,
    "tests/benchmarks/scale/test_store.py::test_figures": BENCHMARK,
    "tests/benchmarks/scale/test_train.py::test_figures": BENCHMARK,
    "tests/benchmarks/speed/test_serve.py::test_figures_bars_and_peers": BENCHMARK,
    "tests/benchmarks/speed/test_shadow.py::test_figures_and_bars": BENCHMARK,
    "tests/benchmarks/test_footprint.py::test_the_whole": COMPILES,
    "tests/benchmarks/test_promotion.py::test_every_scenario": BENCHMARK,
    "tests/documents/test_hour.py::test_every_step_succeeds": (
        "the first hour in real processes; its commands are those of the README and the documents, which run"
    ),
    "tests/models/service/test_faults.py::test_a_clock_that_jumps": KILLS,
    "tests/models/service/test_faults.py::test_a_kill_while_a_model_takes_over": KILLS,
    "tests/models/service/test_image_example.py::test_the_image_scores_without_compiling": COMPILES,
    "tests/test_precompiled.py::test_the_list_is_what_a_first_result_compiles": COMPILES,
    "tests/training/memory/test_needed.py::test_the_estimate_is_near_the_peak": (
        "trains on 220,000 events to measure the peak of memory"
    ),
}
"""The tests that only a release must pass, and why."""


def choose_tests(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what a release runs, and leave out its own tests, unless it is one, or the run names their file."""
    for item in items:
        if item.nodeid.partition("[")[0] in RELEASE or _grows(item):
            item.add_marker("release")
    named = {Path(str(argument).partition("::")[0]).name for argument in config.args}
    of_release = [item.nodeid.partition("[")[0] in RELEASE and item.path.name not in named for item in items]
    if any(of_release) and not IN_RELEASE:
        config.hook.pytest_deselected(items=list(compress(items, of_release)))
        items[:] = [item for item, is_left_out in zip(items, of_release, strict=True) if not is_left_out]


def _grows(item: pytest.Item) -> bool:
    """Return whether a test is larger in a release: it draws examples, or its module asks for a size."""
    draws_examples = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    has_size = getattr(getattr(item, "module", None), "size", None) is size
    return draws_examples or (has_size and item.get_closest_marker("slow") is not None)
