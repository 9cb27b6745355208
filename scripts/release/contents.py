"""What is in a wheel and in an sdist, compared with the tree that they were built from."""

import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from zipfile import ZipFile

from scripts.imports import FRONT, ROOMS

__all__ = ["sdist_problems", "wheel_problems"]

METADATA: Final = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
REQUIRED: Final = (
    "fraudsieve/py.typed",
    "fraudsieve/kernels.tsv",
    "fraudsieve/messages.zh.tsv",
    "fraudsieve/features/text/data/lookalikes.txt",
    "fraudsieve/models/sentences/data/sentences.tsv",
    "fraudsieve/training/attack/tables/synonyms.tsv",
)
"""The mark of typed packages, and data of the front door and of each room."""


def wheel_problems(wheel: Path, tree: Path, version: str, private: Iterable[str] = ()) -> list[str]:
    """Return what is wrong with a wheel: every file of the library is in it as in the tree, and nothing else.

    Parameters
    ----------
    wheel : Path
    tree : Path
        The files that it was built from, with the rooms as folders at the top.
    version : str
    private : iterable of str
        Texts that must not be in it, such as paths of this machine.
    """
    expected = _library(tree)
    with ZipFile(wheel) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    metadata = {f"fraudsieve-{version}.dist-info/{name}" for name in METADATA}
    missing = [f"{name} is missing" for name in REQUIRED if name not in found]
    tests = [f"{name} is a test" for name in found if _is_test(PurePosixPath(name))]
    differing = _differences(expected, {name: found[name] for name in found.keys() - metadata})
    unwritten = [f"{name} is missing" for name in sorted(metadata - found.keys())]
    return [*missing, *tests, *differing, *unwritten, *_private(found, private)]


def sdist_problems(sdist: Path, tree: Path, version: str, private: Iterable[str] = ()) -> list[str]:
    """Return what is wrong with an sdist: every file of the tree is in it, the rooms as folders, and no link.

    The parameters are those of `wheel_problems`.
    """
    top = f"fraudsieve-{version}"
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
        content = {member.name: archive.extractfile(member) for member in members if member.isfile()}
        found = {name: file.read() for name, file in content.items() if file is not None}
    others = [f"{member.name} is a link or a device" for member in members if not (member.isfile() or member.isdir())]
    expected = {f"{top}/{path.relative_to(tree).as_posix()}": path for path in _files(tree)}
    written = {f"{top}/PKG-INFO"}
    differing = _differences(expected, {name: found[name] for name in found.keys() - written})
    unwritten = [f"{name} is missing" for name in written - found.keys()]
    return [*others, *differing, *unwritten, *_private(found, private)]


def _library(tree: Path) -> dict[str, Path]:
    """Return the files of the library by their names in a wheel."""
    folders = {FRONT: "fraudsieve", **{room: f"fraudsieve/{room}" for room in ROOMS}}
    return {
        f"{name}/{path.relative_to(tree / folder).as_posix()}": path
        for folder, name in folders.items()
        for path in _files(tree / folder)
    }


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without links and what is behind them."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif not path.is_symlink():
            yield path


def _differences(expected: Mapping[str, Path], found: Mapping[str, bytes]) -> list[str]:
    missing = [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    unexpected = [f"{name} is not in the tree" for name in sorted(found.keys() - expected.keys())]
    common = sorted(expected.keys() & found.keys())
    changed = [f"{name} differs from the tree" for name in common if found[name] != expected[name].read_bytes()]
    return [*missing, *unexpected, *changed]


def _is_test(path: PurePosixPath) -> bool:
    return "tests" in path.parts or path.name.startswith("test_") or path.name == "conftest.py"


def _private(found: Mapping[str, bytes], private: Iterable[str]) -> list[str]:
    texts = [text.encode() for text in private]
    return [
        f"{name} has a path of this machine"
        for name, content in found.items()
        if any(text in content for text in texts)
    ]
