"""The quickstart as a newcomer runs it, in a new process and an empty folder; once per test run."""

import subprocess
import sys
from pathlib import Path

from tests.shared import shared_folder

__all__ = ["run_quickstart"]


def run_quickstart() -> tuple[Path, str]:
    """Return the folder in which the quickstart was run, which is not changed later, and what was printed."""
    folder = shared_folder("quickstart", _run)
    return folder / "empty", (folder / "printed").read_text("utf-8")


def _run(folder: Path) -> None:
    (folder / "empty").mkdir()
    call = [sys.executable, "-m", "fraudsieve", "quickstart"]
    done = subprocess.run(call, cwd=folder / "empty", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout, "utf-8")
