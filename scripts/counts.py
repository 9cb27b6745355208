"""What the house weighs: files, lines, statements, docstring and code lines and tokens of each package.

``budget.txt`` holds the number of code lines that the library may have. Tokens are those of Python 3.11.
"""

import ast
import io
import subprocess
import tarfile
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from scripts.imports import LIBRARY, ROOT, modules

__all__ = ["BUDGET", "Counts", "budget_of", "count", "counts_at", "counts_now", "table_of"]

FOLDERS = (*LIBRARY, "tests", "benchmarks", "scripts")
WIDTH = 44
BUDGET = Path(__file__).with_name("budget.txt")
NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


class Counts(NamedTuple):
    """What one file, or all files of a package together, weigh."""

    files: int = 0
    lines: int = 0
    statements: int = 0
    docstring_lines: int = 0
    code_lines: int = 0
    tokens: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return the sum of two counts."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def count(source: str) -> Counts:
    '''Count one file.

    Examples
    --------
    >>> count('"""A module."""\\nx = 1\\n\\n\\ndef f():\\n    """Return x.\\n\\n    Twice.\\n    """\\n    return x\\n')
    Counts(files=1, lines=10, statements=3, docstring_lines=5, code_lines=3, tokens=10)
    '''
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)]
    in_docstrings = {line for text in docstrings for line in range(text.lineno, (text.end_lineno or text.lineno) + 1)}
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(tree)) - len(docstrings)
    tokens, code_lines = 0, set[int]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        covered = set(range(token.start[0], token.end[0] + 1)) - in_docstrings
        if token.type not in NO_CODE and covered:
            tokens += 1
            code_lines |= covered
    return Counts(1, len(source.splitlines()), statements, len(in_docstrings), len(code_lines), tokens)


def budget_of(counts: Mapping[str, Counts], budget: int) -> tuple[str, bool]:
    """Return the code lines and tokens of the packages as a table, and whether they are within the budget."""
    total = _sum(counts, counts)
    left = budget - total.code_lines
    verdict = f"{left:,} lines left" if left >= 0 else f"{-left:,} lines too many"
    rows = [("", "code lines", "tokens")]
    rows += [(name, f"{counts[name].code_lines:,}", f"{counts[name].tokens:,}") for name in sorted(counts)]
    rows += [("the library", f"{total.code_lines:,}", f"{total.tokens:,}"), ("the budget", f"{budget:,}", verdict)]
    return "".join(f"{name:<{WIDTH}}{lines:>20}{tokens:>24}\n" for name, lines, tokens in rows), left >= 0


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
