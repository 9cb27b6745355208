"""Building the wheel and the sdist, and their checksums."""

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final, NamedTuple

from scripts.imports import ROOT

__all__ = ["CHECKSUMS", "Packages", "build_packages", "unpack_sdist", "write_checksums"]

CHECKSUMS: Final = "SHA256SUMS"


class Packages(NamedTuple):
    """The two files that are published."""

    sdist: Path
    wheel: Path


def build_packages(tree: Path, folder: Path, scratch: Path) -> Packages:
    """Build an sdist of a tree, and a wheel from that sdist; the same commit gives the same bytes.

    Raises
    ------
    ValueError
        If a wheel that is built from the tree itself has other bytes.
    """
    (sdist,) = _build(tree, folder, "sdist")
    (wheel,) = _build(unpack_sdist(sdist, scratch / "from-sdist"), folder, "wheel")
    (same,) = _build(tree, scratch / "from-tree", "wheel")
    if digest_of(same) != digest_of(wheel):
        raise ValueError(f"{wheel.name}: expected the same bytes from the sdist and from the tree.")
    return Packages(sdist, wheel)


def _build(tree: Path, folder: Path, target: str) -> list[Path]:
    """Build without an isolated environment, which would need a package index, and return what was written."""
    before = {*folder.glob("*")}
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=tree, env=os.environ | {"SOURCE_DATE_EPOCH": _commit_time()}, check=True)
    return sorted({*folder.glob("*")} - before)


def _commit_time() -> str:
    """Return the time of the commit, in seconds since 1970."""
    command = ["git", "show", "--no-patch", "--format=%ct", "HEAD"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def unpack_sdist(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist, and return its only folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


def write_checksums(folder: Path) -> str:
    """Write the SHA-256 of every file of a folder, for ``sha256sum --check``, and return the lines."""
    files = [path for path in sorted(folder.iterdir()) if path.name != CHECKSUMS]
    lines = "".join(f"{digest_of(path)}  {path.name}\n" for path in files)
    (folder / CHECKSUMS).write_text(lines, "utf-8")
    return lines


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
