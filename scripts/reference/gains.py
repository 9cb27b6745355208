"""The gains of our own algorithms over those of libraries: a table of ``benchmarks/results/own.json``."""

import json
from pathlib import Path

from scripts.imports import ROOT

__all__ = ["RESULTS", "gains_page"]

RESULTS = ROOT / "benchmarks" / "results" / "own.json"
"""The output of ``python -m benchmarks.own --json``."""
ALGORITHMS = {
    "sort": ("Radix sort of events", "`np.lexsort`"),
    "ids": ("Table of ids", "PyArrow's `dictionary_encode`"),
    "words": ("Search for words", "`pyahocorasick`"),
}
HEAD = """| algorithm | library | ours, alone | library's, alone | gain alone | gain end to end |
|---|---|---:|---:|---:|---:|
"""


def gains_page(path: Path = RESULTS) -> str:
    """Return a table with a line for each algorithm that was measured, in Markdown."""
    report = json.loads(path.read_text("utf-8"))
    ours, library = report["figures"], report["peers"]["library"]
    measured = [name for name in ALGORITHMS if f"{name}.alone_ms" in library]
    lines = [_line(name, ours, library[f"{name}.alone_ms"]) for name in measured]
    machine = report["machine"]
    versions = ", ".join(f"{name} {machine['libraries'][name]}" for name in ("numpy", "pyarrow", "numba"))
    measured_on = f"Measured on {machine['cores']} cores of {machine['processor']}, {versions}."
    return "\n".join([HEAD + "\n".join(lines), "", measured_on, ""])


def _line(name: str, ours: dict[str, float], library_ms: float) -> str:
    cells = [*ALGORITHMS[name], f"{ours[f'{name}.alone_ms']:.1f} ms", f"{library_ms:.1f} ms"]
    cells += [f"{ours[f'{name}.{part}_gain']:+.0%}" for part in ("alone", "end_to_end")]
    return f"| {' | '.join(cells)} |"
