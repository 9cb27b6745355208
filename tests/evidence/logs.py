"""Evidence logs of small models, for the tests."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fraudsieve.evidence.canonical import encode_canonical, to_plain
from fraudsieve.evidence.checkpoints import NO_RECORD, Checkpoint, line_of, read_line
from fraudsieve.evidence.log import EvidenceLog

__all__ = ["bodies_of", "change", "kinds", "lines_of", "write_bodies", "write_log"]


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


def bodies_of(path: Path) -> list[dict[str, Any]]:
    """Return the contents of the records of a log."""
    return [read_line(line, "log").body for line in lines_of(path)]


def write_bodies(path: Path, bodies: Sequence[bytes]) -> None:
    """Write a log of records of any content, with digests that match."""
    previous = NO_RECORD
    with path.open("wb") as file:
        for index, body in enumerate(bodies):
            line, previous = line_of(body, "forged", index, previous)
            file.write(line)
