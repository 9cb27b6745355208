"""Reports of other benchmarks on the page of results: a table of each, as ``--json`` has printed it.

The last part of a figure's name is its column, and the others are its line: ``known.0.02.recall.covered``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["STORED", "stored_sections"]

FOLDER: Final = Path(__file__).resolve().parents[1] / "results"
STORED: Final = {
    "weighted": ("Labels that were drawn: intervals", "python -m benchmarks.evaluation weighted --json"),
    "rehearsal": ("Rehearsals", "python -m benchmarks.evaluation rehearsal --json"),
}
"""The title and the command of every report, by the name of its file."""


def stored_sections(folder: Path = FOLDER) -> list[str]:
    """Return a section of each report that is stored, as Markdown."""
    paths = {name: folder / f"{name}.json" for name in STORED}
    return [_section(name, json.loads(path.read_text("utf-8"))) for name, path in paths.items() if path.is_file()]


def _section(name: str, report: Mapping[str, Any]) -> str:
    title, command = STORED[name]
    missed = [bar["name"] for bar in report["bars"] if not bar["holds"]]
    held = f"Bars of `--strict` that do not hold: {', '.join(missed)}." if missed else "All bars of `--strict` hold."
    parts = [f"## {title}\n", f"`{command}`, stored as `benchmarks/results/{name}.json`.\n", f"{report['protocol']}\n"]
    return "\n".join([*parts, _table(report["figures"], report["peers"]), f"{held}\n"])


def _table(figures: Mapping[str, float], peers: Mapping[str, Mapping[str, float]]) -> str:
    """A line for each beginning of a name, and columns for its ends: ours, then those of each peer."""
    lines = dict.fromkeys(name.rpartition(".")[0] for name in figures)
    ends = list(dict.fromkeys(name.rpartition(".")[2] for name in figures))
    sources = {"": figures, **peers}
    titles = [f"{end}, {source}" if source else end for source in sources for end in ends]
    rows = [f"| | {' | '.join(titles)} |", "|---|" + "---:|" * len(titles)]
    for line in lines:
        values = [of.get(f"{line}.{end}") for of in sources.values() for end in ends]
        rows.append(f"| {line} | {' | '.join('' if value is None else f'{value:.3f}' for value in values)} |")
    return "\n".join(rows) + "\n"
