"""Run the steps of a release: ``python -m scripts.release``.

It takes the commit, not the files of the checkout, and writes to ``build/release``: the wheel, the sdist, a bill of
materials, CHANGELOG.md with the date of the release, and checksums. The fresh environments need a package index. The
first step that fails ends the run, with the exit code 1.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from scripts.imports import ROOT
from scripts.release_check import Result, git_version, table_of

from .contents import sdist_problems, wheel_problems
from .environments import Environment, create_environment, run_sdist_tests
from .lock import constraints_of, only, write_bill
from .packages import build_packages, write_checksums
from .tree import CHANGELOG, export_commit

__all__ = ["STEPS", "Release", "main", "run_steps"]

OUTPUT: Final = ROOT / "build" / "release"
EXTRAS: Final = ("", "serve", "train")
"""Each has an environment of its own, so that it cannot use what another one installs."""


class Release:
    """A release as far as it is done; its methods are the steps, in this order.

    Parameters
    ----------
    output : Path
        Where the files are written. What it holds is removed.
    scratch : Path
        A folder outside the checkout, for everything else.
    day : date
        The day of the release.
    """

    def __init__(self, output: Path, scratch: Path, day: date) -> None:
        self.output, self.scratch, self.day = output, scratch, day
        self.tree = scratch / "tree"
        self.constraints = scratch / "constraints.txt"
        self.installed: set[str] = set()

    def export(self) -> None:
        """Take the files of the commit, with the date in the changelog."""
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        self.version = export_commit(self.tree, self.day)
        shutil.copy(self.tree / CHANGELOG, self.output)
        self.lock = (self.tree / "requirements.lock").read_text("utf-8")
        self.constraints.write_text(constraints_of(self.lock), "utf-8")

    def build(self) -> None:
        """Build the sdist, and the wheel from it; the wheel of the tree has the same bytes."""
        self.packages = build_packages(self.tree, self.output, self.scratch)

    def contents(self) -> None:
        """Compare what is in the packages with the tree."""
        private = [str(ROOT), str(self.scratch), sys.prefix]
        problems = wheel_problems(self.packages.wheel, self.tree, self.version, private)
        problems += sdist_problems(self.packages.sdist, self.tree, self.version, private)
        if problems:
            raise ValueError("\n".join(problems))

    def base(self) -> None:
        """Score golden records with the base dependencies alone."""
        environment = self._environment("")
        environment.run("python", self.tree / "scripts/bare_scoring.py", "--alone", self.tree / "tests/walk/golden")

    def serve(self) -> None:
        """Serve a golden model, and compare its scores over HTTP with those of the scorer."""
        newest = max((self.tree / "tests/walk/golden").iterdir(), key=_numbers)
        self._environment("serve").run("python", self.tree / "scripts/bare_serving.py", newest)

    def train(self) -> None:
        """Run the quickstart, and verify the model that it trained."""
        environment = self._environment("train")
        environment.run("fraudsieve", "quickstart")
        environment.run("fraudsieve", "verify", "--model", "fraudsieve-quickstart/model")

    def bill(self) -> None:
        """Write the bill of materials of what these environments installed."""
        requirements = self.scratch / "requirements.txt"
        requirements.write_text(only(self.installed, self.lock), "utf-8")
        write_bill(requirements, self.tree, self.output / f"fraudsieve-{self.version}.cdx.json")

    def tests(self) -> None:
        """Run the quick tests of the sdist."""
        run_sdist_tests(self.packages, self.scratch)

    def checksums(self) -> None:
        """Write the checksums of all files."""
        sys.stdout.write(write_checksums(self.output))

    def _environment(self, extra: str) -> Environment:
        folder = self.scratch / (extra or "base")
        environment = create_environment(folder, self.packages.wheel, extra, self.constraints)
        packages = environment.packages()
        self.installed |= packages
        what = f"fraudsieve[{extra}]" if extra else "fraudsieve"
        sys.stdout.write(f"{what}: {len(packages)} packages and {environment.installed_mb():.0f} MB\n")
        sys.stdout.flush()
        return environment


STEPS: Final[Sequence[Callable[[Release], None]]] = (
    Release.export,
    Release.build,
    Release.contents,
    Release.base,
    Release.serve,
    Release.train,
    Release.bill,
    Release.tests,
    Release.checksums,
)


def _numbers(folder: Path) -> list[int]:
    """Return the numbers in the name of a folder, such as format-3-features-10."""
    return [int(part) for part in folder.name.split("-") if part.isdecimal()]


def run_steps(release: Release, commit: str, steps: Sequence[Callable[[Release], None]] = STEPS) -> list[Result]:
    """Run steps until one fails, and return what each did."""
    results: list[Result] = []
    for step in steps:
        sys.stdout.write(f"\n== {step.__name__}: {(step.__doc__ or '').splitlines()[0]}\n")
        sys.stdout.flush()
        start = time.monotonic()
        try:
            step(release)
            code = 0
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            sys.stdout.write(f"{error}\n")
            code = 1
        seconds = round(time.monotonic() - start)
        results.append(Result(part=step.__name__, commit=commit, code=code, seconds=seconds))
        if code:
            break
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Run all steps, and return the exit code: 1 if one failed."""
    parser = argparse.ArgumentParser(description="Build a release, check what is in it and try it. Upload nothing.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write (default: build/release)")
    today = datetime.now(UTC).date()
    parser.add_argument("--date", type=date.fromisoformat, default=today, help="day of the release (default: today)")
    options = parser.parse_args(argv)
    commit = git_version()
    if commit.endswith("dirty"):
        sys.stdout.write("The files of the checkout differ from the commit. The release has those of the commit.\n")
    with tempfile.TemporaryDirectory() as scratch:
        results = run_steps(Release(options.output.resolve(), Path(scratch), options.date), commit)
    sys.stdout.write(f"\n{table_of(results)}")
    return int(results[-1]["code"])


if __name__ == "__main__":
    sys.exit(main())
