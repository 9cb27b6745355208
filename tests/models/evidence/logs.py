"""Evidence logs of small models, for the tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fraudsieve.models.evidence.canonical import encode_canonical, to_plain
from fraudsieve.models.evidence.checkpoints import Checkpoint
from fraudsieve.models.evidence.lines import line_of, read_line
from fraudsieve.models.evidence.log import EvidenceLog

__all__ = ["change", "kinds", "lines_of", "write_log"]


def write_log(path: Path, n: int = 7) -> Checkpoint:
    """Write a log of n records and return a checkpoint of all of them."""
    with EvidenceLog(path) as log:
        for number in range(n - 1):
            log.append([encode_canonical(to_plain({"kind": "score", "number": number, "p": 1 / (number + 3)}))])
        return log.checkpoint()


def lines_of(path: Path) -> list[bytes]:
    """Return the lines of a file, with their ends."""
    return path.read_bytes().splitlines(keepends=True)


def kinds(problems: Any) -> list[tuple[str, tuple[int, int]]]:
    """Return kinds and records of problems."""
    return [(problem.kind, problem.records) for problem in problems]


def change(path: Path, index: int, edit: Callable[[dict[str, Any]], None]) -> None:
    """Edit a record, and write its line anew with a digest that fits."""
    lines = lines_of(path)
    line = read_line(lines[index], "log")
    edit(line.body)
    lines[index], _ = line_of(encode_canonical(line.body), line.log, index, line.previous)
    path.write_bytes(b"".join(lines))
