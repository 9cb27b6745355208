"""How often fraudsieve has scored the test rows of each set: the more looks, the less a figure there can be trusted."""

import json
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.machine import code_commit

__all__ = ["COMMIT", "LOOKS", "count_look", "looks_by_set"]

LOOKS = Path(__file__).resolve().parent / "results" / "looks.jsonl"
COMMIT: Final = code_commit()
"""The commit of the checkout when this process began: a run may last longer than it is checked out."""


def count_look(name: str, benchmark: str) -> None:
    """Add a line to the file of looks, with the commit of the checkout; a scheme of a set (``set.scheme``) is its set.

    One run is one look, however many folds and seeds it has.
    """
    line = {"set": name.partition(".")[0], "benchmark": benchmark, "commit": COMMIT}
    with LOOKS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def looks_by_set() -> dict[str, int]:
    """Return the number of looks of each set in the file of looks."""
    if not LOOKS.is_file():
        return {}
    return dict(Counter(json.loads(line)["set"] for line in LOOKS.read_text("utf-8").splitlines()))
