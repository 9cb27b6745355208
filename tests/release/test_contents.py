"""What is in the packages is what is in the tree."""

import io
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from scripts.imports import ROOMS
from scripts.release.contents import METADATA, REQUIRED, sdist_problems, wheel_problems

INFO, TOP = "fraudsieve-0.1.0.dist-info", "fraudsieve-0.1.0"
Content = dict[str, bytes]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with the required files, a test, and the links to its rooms."""
    tree = tmp_path / "tree"
    for name in (*REQUIRED, *(f"fraudsieve/{room}/__init__.py" for room in ROOMS)):
        own = name.removeprefix("fraudsieve/")
        path = tree / (own if own.startswith(ROOMS) else f"src/fraudsieve/{own}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of {name}")
    for room in ROOMS:
        (tree / "src" / "fraudsieve" / room).symlink_to(f"../../{room}")
    (tree / "tests").mkdir()
    (tree / "tests" / "test_it.py").write_text("a test")
    return tree


@pytest.fixture
def wheel(tree: Path, tmp_path: Path) -> Callable[[Mapping[str, bytes | None]], list[str]]:
    """Return a function that writes a wheel with changes, None for no such file, and returns its problems."""
    right = {name: f"of {name}".encode() for name in REQUIRED}
    right |= {f"fraudsieve/{room}/__init__.py": f"of fraudsieve/{room}/__init__.py".encode() for room in ROOMS}
    right |= {f"{INFO}/{name}": b"metadata" for name in METADATA}

    def problems(changes: Mapping[str, bytes | None]) -> list[str]:
        path = tmp_path / "a.whl"
        with ZipFile(path, "w") as archive:
            for name, content in {**right, **changes}.items():
                if content is not None:
                    archive.writestr(name, content)
        return wheel_problems(path, tree, "0.1.0", ["/home/someone"])

    return problems


@pytest.fixture
def sdist(tree: Path, tmp_path: Path) -> Callable[..., list[str]]:
    """Return a function that writes an sdist with changes, None for no such file, and returns its problems."""
    right = {f"{TOP}/PKG-INFO": b"metadata"}
    for folder, _, names in os.walk(tree):
        paths = [Path(folder, name) for name in names]
        right |= {f"{TOP}/{path.relative_to(tree)}": path.read_bytes() for path in paths}

    def problems(changes: Mapping[str, bytes | None], link: str = "") -> list[str]:
        path = tmp_path / "a.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name, content in {**right, **changes}.items():
                if content is not None:
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
            if link:
                member = tarfile.TarInfo(link)
                member.type, member.linkname = tarfile.SYMTYPE, "../../features"
                archive.addfile(member)
        return sdist_problems(path, tree, "0.1.0", ["/home/someone"])

    return problems


def test_right_packages_have_no_problem(wheel: Callable[..., list[str]], sdist: Callable[..., list[str]]) -> None:
    assert wheel({}) == []
    assert sdist({}) == []


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        (
            {"fraudsieve/py.typed": None},
            ["fraudsieve/py.typed is missing", "fraudsieve/py.typed is missing"],
        ),
        ({"fraudsieve/training/__init__.py": None}, ["fraudsieve/training/__init__.py is missing"]),
        ({"fraudsieve/models/__init__.py": b"else"}, ["fraudsieve/models/__init__.py differs from the tree"]),
        ({f"{INFO}/licenses/LICENSE": None}, [f"{INFO}/licenses/LICENSE is missing"]),
        (
            {"tests/test_it.py": b"a test"},
            ["tests/test_it.py is a test", "tests/test_it.py is not in the tree"],
        ),
        ({f"{INFO}/RECORD": b"in /home/someone/x"}, [f"{INFO}/RECORD has a path of this machine"]),
    ],
)
def test_a_wrong_wheel(
    changes: Mapping[str, bytes | None], problems: list[str], wheel: Callable[..., list[str]]
) -> None:
    assert wheel(changes) == problems


@pytest.mark.parametrize(
    ("changes", "link", "problems"),
    [
        ({f"{TOP}/training/__init__.py": None}, "", [f"{TOP}/training/__init__.py is missing"]),
        ({f"{TOP}/PKG-INFO": None}, "", [f"{TOP}/PKG-INFO is missing"]),
        ({f"{TOP}/tests/test_it.py": b"/home/someone"}, "", ["differs from the tree", "has a path of this machine"]),
        ({f"{TOP}/scratch.txt": b""}, "", [f"{TOP}/scratch.txt is not in the tree"]),
        ({}, f"{TOP}/src/fraudsieve/features", [f"{TOP}/src/fraudsieve/features is a link or a device"]),
    ],
)
def test_a_wrong_sdist(
    changes: Mapping[str, bytes | None], link: str, problems: list[str], sdist: Callable[..., list[str]]
) -> None:
    found = sdist(changes, link)
    assert len(found) == len(problems)
    assert all(text.endswith(problem) for text, problem in zip(found, problems, strict=True))
