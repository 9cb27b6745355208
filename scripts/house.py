"""A picture of the layers and packages, generated from the imports: ``python -m scripts.house`` prints it as HTML.

``python -m scripts.house --counts main`` prints what each package weighs, against a commit or without one.
``python -m scripts.house --budget`` prints the code lines of the library; more than in budget.txt exit with 1.

Each layer (a room) lists its packages in order of imports: a package imports only those before it. Between two rooms is
the number of modules that import from the rooms below.
"""

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Sequence
from graphlib import TopologicalSorter
from html import escape
from pathlib import Path
from typing import NamedTuple

from scripts.counts import BUDGET, budget_of, counts_at, counts_now, table_of
from scripts.imports import FRONT, LIBRARY, ROOMS, ROOT, imports_of, modules, name_of
from scripts.reference.entries import inline

__all__ = ["draw_house", "main", "packages_page"]

FOLDERS = (FRONT, *reversed(ROOMS))
"""The rooms from top to bottom; each imports from those after it."""


class Place(NamedTuple):
    """A room, and a package or module directly in it."""

    room: str
    package: str


def place_of(name: str) -> Place | None:
    """Return where a module is; None outside the library, and for a room itself.

    Examples
    --------
    >>> place_of("fraudsieve.models.trees.arrays"), place_of("numpy")
    (Place(room='models', package='trees'), None)
    """
    parts = name.split(".")
    if parts[0] != "fraudsieve" or len(parts) < 2:
        return None
    if parts[1] not in ROOMS:
        return Place(FRONT, parts[1])
    return Place(parts[1], parts[2]) if len(parts) > 2 else None


def uses() -> dict[Path, set[Place]]:
    """Return the imports of every module; a package that only exports names, lazily, is left out."""
    found: dict[Path, set[Place]] = {}
    for path in modules(*FOLDERS):
        if path.name != "__init__.py":
            found[path] = {place for name in imports_of(path) if (place := place_of(name)) is not None}
    return found


def packages_in_order(room: str, found: dict[Path, set[Place]]) -> list[str]:
    """Return the packages of a room, each after those that it imports."""
    below: dict[str, set[str]] = defaultdict(set)
    for path, imported in found.items():
        own = place_of(name_of(path))
        if own is not None and own.room == room:
            below[own.package] |= {place.package for place in imported if place.room == room} - {own.package}
    order = TopologicalSorter({name: sorted(below[name]) for name in sorted(below)}).static_order()
    return [name for name in order if not name.startswith("_")]


def draw_house() -> str:
    """Return the picture in HTML, without styles."""
    found, parts = uses(), []
    for level, room in enumerate(FOLDERS):
        chips = "".join(f"<li>{escape(name)}</li>" for name in packages_in_order(room, found))
        parts.append(f'<section class="room"><p class="room-name">{room}</p><ul>{chips}</ul></section>')
        inside = [imported for path, imported in found.items() if path.is_relative_to(ROOT / room)]
        lower = FOLDERS[level + 1 :]
        users = [sum(any(to.room == room for to in places) for places in inside) for room in lower]
        below = [f"{count} import {room}" for room, count in zip(lower, users, strict=True) if count]
        if below:
            parts.append(f'<p class="below">↓ of {len(inside)} modules, {", ".join(below)}</p>')
    return "\n".join(['<div class="house">', *parts, "</div>", ""])


def packages_page() -> str:
    """Return the content of each package, by room, from the first line of its docstring, in Markdown."""
    found, parts = uses(), []
    for room in FOLDERS:
        parts.append(f"## `{room}`\n")
        for name in packages_in_order(room, found):
            folder = ROOT / room / name
            own = folder / "__init__.py"  # of a package that was moved, caches may be left
            source = own if own.is_file() else folder.with_suffix(".py")
            text = ast.get_docstring(ast.parse(source.read_text("utf-8"))) or ""
            parts.append(f"`{name}`\n: {inline(text.split(chr(10) * 2)[0])}\n")
    return "\n".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    """Print the picture, the counts or the budget; exit with 1 above the budget."""
    parser = argparse.ArgumentParser(description="Print a picture of the packages as HTML, or what they weigh.")
    against = "print files, lines, statements, code lines and tokens by package, with the changes since a commit"
    parser.add_argument("--counts", nargs="?", const="", metavar="COMMIT", help=against)
    budget = f"print the code lines of the library, and exit with 1 if there are more than {BUDGET.name} says"
    parser.add_argument("--budget", action="store_true", help=budget)
    arguments = parser.parse_args(argv)
    commit: str | None = arguments.counts
    if arguments.budget:
        table, within = budget_of(counts_now(*LIBRARY), int(BUDGET.read_text("utf-8")))
        sys.stdout.write(table)
        sys.exit(0 if within else 1)
    if commit is None:
        sys.stdout.write(draw_house())
    else:
        sys.stdout.write(table_of(counts_now(), counts_at(commit) if commit else None))


if __name__ == "__main__":
    main()
