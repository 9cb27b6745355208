"""The page of kernels: the table of what the algorithms of our own gain."""

import json
from pathlib import Path

from scripts.reference.kernels import ALGORITHMS, RESULTS, gains_page


def test_a_line_for_each_algorithm_that_was_measured(tmp_path: Path) -> None:
    figures = {"sort.alone_ms": 2.0, "sort.alone_gain": 4.5, "sort.end_to_end_gain": 0.317, "ids.alone_ms": 1.0}
    machine = {"cores": 2, "processor": "x86_64", "libraries": {"numpy": "2.0", "pyarrow": "25.0", "numba": "0.6"}}
    report = {"figures": figures, "peers": {"library": {"sort.alone_ms": 11.0}}, "machine": machine}
    (tmp_path / "own.json").write_text(json.dumps(report))
    lines = gains_page(tmp_path / "own.json").splitlines()
    assert lines[2] == "| Radix sort of events | `np.lexsort` | 2.0 ms | 11.0 ms | +450% | +32% |"
    assert lines[3:] == ["", "Measured on 2 cores of x86_64, numpy 2.0, pyarrow 25.0, numba 0.6."]


def test_the_results_have_every_algorithm() -> None:
    assert [name for name, _ in ALGORITHMS.values() if name not in gains_page(RESULTS)] == []
