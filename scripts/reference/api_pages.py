"""The pages of the Python API: one per package with a table of its names, and one per name."""

import inspect
from collections.abc import Iterator
from pathlib import Path

from .public_names import constant_text, documented_names, is_code, resolve, shorter_paths

__all__ = ["write_api_pages"]

INDEX = "api"


def write_api_pages(folder: Path) -> None:
    """Write the pages into a folder, and remove pages without a name. Unchanged files keep their times."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = dict(_pages())
    for path in folder.glob("*.rst"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each page. Packages whose names all have a shorter path have no page."""
    for package, names in documented_names().items():
        if names:
            yield f"package-{package}", _package_page(package, names)
        for name in names:
            yield name, _name_page(name)


def _package_page(package: str, names: tuple[str, ...]) -> str:
    summary = (inspect.getdoc(__import__(package, fromlist=["*"])) or "").split("\n\n")[0]
    constants = [name for name in names if not is_code(resolve(name))]
    code = [name for name in names if name not in constants]
    parts = [_title(package), summary, ""]
    if code:
        parts += [".. autosummary::", "   :nosignatures:", "", *(f"   ~{name}" for name in code), ""]
    for name in constants:
        parts += [f"- :py:data:`~{name}`: {_first_line(constant_text(name))}"]
    if elsewhere := [name for name in shorter_paths(package) if name not in names]:
        parts += ["", f"Also importable from here: {', '.join(f':py:obj:`~{name}`' for name in elsewhere)}.", ""]
    return "\n".join([*parts, "", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in names), ""])


def _first_line(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


def _name_page(name: str) -> str:
    thing = resolve(name)
    short = name.rpartition(".")[2]
    if not is_code(thing):
        text = constant_text(name).replace("\n", "\n   ")
        return f"{_title(short)}.. py:data:: {name}\n\n   {text}\n"
    if inspect.isclass(thing):
        shown = "   :members:\n" if not issubclass(thing, Exception) else "   :show-inheritance:\n"
        return f"{_title(short)}.. autoclass:: {name}\n{shown}"
    return f"{_title(short)}.. autofunction:: {name}\n"


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n\n"
