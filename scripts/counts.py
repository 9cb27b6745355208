"""What the house weighs: files, lines, statements and docstring lines of each package, against another commit."""

import ast
import io
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import NamedTuple

from scripts.imports import FRONT, ROOMS, ROOT, modules

__all__ = ["Counts", "count", "counts_at", "counts_now", "table_of"]

FOLDERS = (*ROOMS, FRONT, "tests", "benchmarks", "scripts")
LIBRARY = (*ROOMS, FRONT)
WIDTH = 44


class Counts(NamedTuple):
    """What one file, or all files of a package together, weigh."""

    files: int = 0
    lines: int = 0
    statements: int = 0
    docstring_lines: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum of two counts."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def count(source: str) -> Counts:
    '''Count one file.

    Examples
    --------
    >>> count('"""A module."""\\nx = 1\\n\\n\\ndef f():\\n    """Return x.\\n\\n    Twice.\\n    """\\n    return x\\n')
    Counts(files=1, lines=10, statements=3, docstring_lines=5)
    '''
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)]
    lines = sum((text.end_lineno or text.lineno) - text.lineno + 1 for text in docstrings)
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(tree)) - len(docstrings)
    return Counts(1, len(source.splitlines()), statements, lines)


def package_of(path: str) -> str:
    """Return the folder, and the package in it, that a file counts for.

    Examples
    --------
    >>> package_of("models/trees/arrays.py"), package_of("src/fraudsieve/cli/app.py"), package_of("models/predict.py")
    ('models/trees', 'src/fraudsieve/cli', 'models')
    """
    folder = next(folder for folder in FOLDERS if path.startswith(f"{folder}/"))
    package, inner, _ = path.removeprefix(f"{folder}/").partition("/")
    return f"{folder}/{package}" if inner else folder


def counts_now(*folders: str) -> dict[str, Counts]:
    """Return the counts of the files in folders as they are, by package; of all folders by default."""
    return _by_package((str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in modules(*folders or FOLDERS))


def counts_at(commit: str) -> dict[str, Counts]:
    """Return the counts of a commit, by package."""
    return _by_package(_files_at(commit))


def _files_at(commit: str) -> Iterator[tuple[str, str]]:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            counted = member.name.endswith(".py") and member.name.startswith(tuple(f"{name}/" for name in FOLDERS))
            content = files.extractfile(member) if counted and member.isfile() else None
            if content is not None:
                yield member.name, content.read().decode()


def _by_package(sources: Iterator[tuple[str, str]]) -> dict[str, Counts]:
    found: dict[str, Counts] = {}
    for path, source in sources:
        package = package_of(path)
        found[package] = found.get(package, Counts()).plus(count(source))
    return found


def table_of(now: Mapping[str, Counts], before: Mapping[str, Counts] | None = None) -> str:
    """Return a table of the counts; against earlier ones, of the packages that changed, with the changes."""
    packages = sorted(
        now if before is None else {name for name in {*now, *before} if now.get(name) != before.get(name)}
    )
    rows = [("", [name.replace("_", " ") for name in Counts._fields])]
    rows += [(name, _cells([name], now, before)) for name in packages]
    everything = {*now, *(before or {})}
    for folder in FOLDERS:
        rows.append((f"all of {folder}", _cells(_below(everything, [folder]), now, before)))
    rows.append(("the library", _cells(_below(everything, LIBRARY), now, before)))
    return "".join(f"{name:<{WIDTH}}{''.join(f'{cell:>20}' for cell in cells)}\n" for name, cells in rows)


def _below(packages: Iterable[str], folders: Iterable[str]) -> list[str]:
    return [name for name in packages if any(f"{name}/".startswith(f"{folder}/") for folder in folders)]


def _cells(packages: Iterable[str], now: Mapping[str, Counts], before: Mapping[str, Counts] | None) -> list[str]:
    """Return the sums of packages as text, with their changes."""
    sums = _sum(packages, now)
    if before is None:
        return [f"{number:,}" for number in sums]
    return [f"{number:,} {number - old:+,}" for number, old in zip(sums, _sum(packages, before), strict=True)]


def _sum(packages: Iterable[str], counts: Mapping[str, Counts]) -> Counts:
    return reduce(Counts.plus, (counts[name] for name in packages if name in counts), Counts())
