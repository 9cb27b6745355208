"""The tree that a release is built from: the files of a commit, with its version and the date in CHANGELOG.md."""

import io
import re
import subprocess
import tarfile
import tomllib
from datetime import date
from pathlib import Path
from typing import Final

from scripts.imports import ROOT

__all__ = ["export_commit", "stamp", "version_of"]

CHANGELOG: Final = "CHANGELOG.md"
UNRELEASED: Final = "unreleased"
HEADING: Final = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<date>\S+)$", re.MULTILINE)


def export_commit(folder: Path, day: date) -> str:
    """Write the files of the commit into a folder, stamp its changelog, and return the version."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    version = version_of(folder)
    changelog = folder / CHANGELOG
    changelog.write_text(stamp(changelog.read_text("utf-8"), version, day), "utf-8")
    return version


def version_of(folder: Path) -> str:
    """Return the version of a tree.

    Raises
    ------
    ValueError
        If CITATION.cff names another one.
    """
    version: str = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if f"\nversion: {version}\n" not in (folder / "CITATION.cff").read_text("utf-8"):
        raise ValueError(f"CITATION.cff: expected 'version: {version}', as in pyproject.toml.")
    return version


def stamp(changelog: str, version: str, day: date) -> str:
    """Put the date into the first heading of a changelog, unless it has one.

    Examples
    --------
    >>> stamp("## [0.1.0] - unreleased", "0.1.0", date(2026, 12, 1))
    '## [0.1.0] - 2026-12-01'

    Raises
    ------
    ValueError
        If the first heading is of another version.
    """
    heading = HEADING.search(changelog)
    if heading is None or heading["version"] != version:
        found = "none" if heading is None else heading[0]
        raise ValueError(f"{CHANGELOG}: expected the first heading '## [{version}] - {UNRELEASED}', got {found}.")
    if heading["date"] != UNRELEASED:
        date.fromisoformat(heading["date"])
        return changelog
    return changelog[: heading.start("date")] + day.isoformat() + changelog[heading.end("date") :]
