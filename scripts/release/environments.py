"""Fresh environments with the wheel and nothing of the checkout, and the tests of the sdist."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.footprint import installed_mb

from .packages import Packages, unpack_sdist

__all__ = ["Environment", "create_environment", "run_sdist_tests"]

UV: Final = (sys.executable, "-m", "uv", "pip")


class Environment(NamedTuple):
    """A virtual environment, and an empty folder where its programs run."""

    folder: Path
    work: Path

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run a program of the environment, without the paths of this process.

        Raises
        ------
        subprocess.CalledProcessError
            If it fails.
        """
        command = [str(self.folder / "bin" / program), *map(str, arguments)]
        subprocess.run(command, cwd=self.work, env=_without_paths(), check=True)

    def packages(self) -> set[str]:
        """Return the names of the installed packages, other than fraudsieve."""
        command = [*UV, "list", "--quiet", "--format", "json", "--python", str(self.folder)]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return {package["name"] for package in json.loads(listed)} - {"fraudsieve"}

    def installed_mb(self) -> float:
        """Return the size of the installed packages with their byte code, in MB of 2**20 bytes."""
        (packages,) = self.folder.glob("lib/python*/site-packages")
        return installed_mb(packages)["installed_mb"]


def _without_paths() -> dict[str, str]:
    left_out = {"PYTHONPATH", "MLFLOW_TRACKING_URI", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in left_out}


def create_environment(folder: Path, wheel: Path, extra: str, constraints: Path) -> Environment:
    """Create an environment with the wheel and one of its extras; an empty one is none."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    what = f"fraudsieve{f'[{extra}]' if extra else ''} @ {wheel.as_uri()}"
    options = ["--quiet", "--compile-bytecode", "--python", str(folder), "-c", str(constraints)]
    subprocess.run([*UV, "install", *options, what], env=_without_paths(), check=True)
    work = folder / "work"
    work.mkdir()
    return Environment(folder, work)


def run_sdist_tests(packages: Packages, scratch: Path) -> None:
    """Run the quick tests of the sdist on the wheel, with the development tools of this environment.

    An sdist has no links in ``src``: its rooms are only the folders at the top, and the library is that of the wheel.
    """
    tree, library = unpack_sdist(packages.sdist, scratch / "sdist"), scratch / "library"
    subprocess.run([*UV, "install", "--quiet", "--no-deps", "--target", str(library), str(packages.wheel)], check=True)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-q", "-m", "not slow", "tests"]
    subprocess.run(command, cwd=tree, env=_without_paths() | {"PYTHONPATH": str(library)}, check=True)
