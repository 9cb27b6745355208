"""What a release must pass beyond `.ci/run`: ``python -m scripts.release_check``.

The parts run one after the other, each with its log in ``build/release_check``, and their results are kept there: on
the same commit, a second call goes on with the parts that have not passed. ``.ci/run`` is what every change must pass.
Which tests only a release must pass, and why, stands in ``tests/tiers.py``.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, TypedDict

__all__ = ["PARTS", "Part", "Result", "main", "run"]

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "build" / "release_check"
RESULTS: Final = FOLDER / "results.jsonl"
PYTEST: Final = ("pytest", "-n", "2", "--dist", "loadfile", "-q", "--durations=20")


class Part(NamedTuple):
    """A command, its environment, and what it shows."""

    name: str
    command: Sequence[str]
    shows: str
    environment: Mapping[str, str] = MappingProxyType({})


class Result(TypedDict):
    """What a part did on a commit."""

    part: str
    commit: str
    code: int
    seconds: int


SOAK: Final = ("--clients", "32", "--size", "8", "--days", "400", "--minutes", "10")
FULL: Final = {"FRAUDSIEVE_TESTS": "release"}
PARTS: Final = (
    Part("tests", (*PYTEST, "-m", "release"), "the tests of a release, and all examples and sizes of the others", FULL),
    Part(
        "coverage",
        (*PYTEST, "-m", "not slow", "--cov", "--cov-report=term:skip-covered", "--cov-fail-under=80"),
        "the quick tests run 80 % of the code",
    ),
    Part("zoo", (*PYTEST, "tests/walk", "-m", "walk"), "every table through every door"),
    Part("mutants", ("python", "-m", "tests.walk.mutants"), "the walk finds planted faults"),
    Part(
        "fuzz",
        ("python", "-m", "benchmarks.attack_surface", "--minutes", "10", "--at-least", "1000", "--strict"),
        "ten minutes of hostile input, and 1,000 inputs of each kind",
    ),
    Part(
        "kills",
        ("python", "-m", "benchmarks.attack_surface", "kills", "rewind_kills", "--strict"),
        "50 kills a store, and 50 while rows are removed, lose nothing that was acknowledged",
    ),
    Part(
        "score_kills",
        ("python", "-m", "benchmarks.attack_surface", "score_kills", "--kills", "30", "--strict"),
        "30 kills lose no answered score from the log, and log none twice",
    ),
    Part(
        "loop", ("python", "-m", "benchmarks.loop", "--strict"), "months of scores, late labels, kills and retrainings"
    ),
    Part(
        "soak",
        ("python", "-m", "benchmarks.loop", "postgresql", *SOAK, "--strict"),
        "ten minutes of 32 clients and two workers: every answer is that of a batch, and lag and memory are bounded",
    ),
    Part(
        "weighted",
        ("python", "-m", "benchmarks.evaluation", "weighted", "--strict"),
        "intervals of labels that were drawn hold the truth",
    ),
    Part(
        "rehearsal",
        ("python", "-m", "benchmarks.evaluation", "rehearsal", "--strict"),
        "intervals of rehearsals hold the truth, and those that must be refused are",
    ),
    Part(
        "loads",
        ("python", "-m", "benchmarks.attack_surface", "health", "--strict"),
        "the service answers under heavy loads",
    ),
    Part("notebooks", ("pytest", "-n", "2", "--nbmake", "--nbmake-timeout=300", "notebooks"), "every notebook runs"),
    Part(
        "release",
        ("python", "-m", "scripts.release"),
        "wheel and sdist have the right files, the wheel runs alone, and the tests of the sdist pass",
    ),
    Part(
        "lowest",
        ("scripts/dependencies", "lowest"),
        "every extra alone with the lowest declared versions, and the quick tests with all of them",
    ),
    Part("newest", ("scripts/dependencies", "newest"), "the same with the newest versions that they allow"),
    Part("orders", ("scripts/quick_loops", "random"), "the quick loop in five random orders"),
    Part("busy", ("scripts/quick_loops", "busy"), "the quick loop on a busy machine (load 6)"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts that have not passed on this commit, and return the exit code: 1 if one failed."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(description="Run what a release must pass, in parts.")
    parser.add_argument("parts", nargs="*", choices=[[], *names], metavar="PART", help=f"{', '.join(names)}; else all")
    parser.add_argument("--again", action="store_true", help="also parts that have passed on this commit")
    options = parser.parse_args(argv)
    commit = git_version()
    passed = {} if options.again or commit.endswith("dirty") else passed_on(commit)
    chosen = [part for part in PARTS if part.name in (options.parts or names)]
    results = [passed.get(part.name) or run(part, commit) for part in chosen]
    sys.stdout.write(table_of(results))
    return int(any(result["code"] for result in results))


def git_version() -> str:
    """Return the commit, with ``-dirty`` if files differ from it."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def passed_on(commit: str) -> dict[str, Result]:
    """Return the parts that have passed on a commit."""
    lines = RESULTS.read_text("utf-8").splitlines() if RESULTS.exists() else []
    results: list[Result] = [json.loads(line) for line in lines]
    return {result["part"]: result for result in results if result["commit"] == commit and not result["code"]}


def run(part: Part, commit: str) -> Result:
    """Run a part into its log, and keep the result."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = FOLDER / f"{part.name}.log"
    sys.stderr.write(f"{part.name}: {part.shows} (log: {log.relative_to(ROOT)})\n")
    start = time.monotonic()
    environment = {**os.environ, **part.environment}
    with log.open("wb") as output:
        code = subprocess.run(part.command, cwd=ROOT, env=environment, stdout=output, stderr=output).returncode
    result = Result(part=part.name, commit=commit, code=code, seconds=round(time.monotonic() - start))
    with RESULTS.open("a", encoding="utf-8") as results:
        results.write(f"{json.dumps(result)}\n")
    sys.stderr.write(f"  {'FAILED' if code else 'passed'} in {result['seconds']:,} s\n")
    return result


def table_of(results: Sequence[Result]) -> str:
    """Return the results as a table.

    Examples
    --------
    >>> print(table_of([Result(part="zoo", commit="1a2b", code=0, seconds=1800)]))
    part         seconds  result
    zoo            1,800  passed
    all            1,800  passed
    <BLANKLINE>
    """
    whole = Result(
        part="all",
        commit="",
        code=int(any(result["code"] for result in results)),
        seconds=sum(result["seconds"] for result in results),
    )
    rows = [
        f"{row['part']:<12}{row['seconds']:>8,}  {'FAILED' if row['code'] else 'passed'}" for row in (*results, whole)
    ]
    return "\n".join([f"{'part':<12}{'seconds':>8}  result", *rows, ""])


if __name__ == "__main__":
    sys.exit(main())
