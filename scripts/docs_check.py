"""Compare the entries of the built documentation with the code, both ways: ``python -m scripts.docs_check SITE``.

SITE is a folder that ``sphinx-build -W docs SITE`` has made; its inventory lists every entry. A public name, command,
recipe key, column, metric or path without an entry is an error, and so is an entry of something that is gone.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from sphinx.util.inventory import InventoryFile

from scripts.reference.command_line import commands
from scripts.reference.entries import KINDS
from scripts.reference.features import feature_entries
from scripts.reference.http_paths import http_operations
from scripts.reference.metrics import metric_names
from scripts.reference.model_folder import file_names, manifest_keys
from scripts.reference.prometheus import prometheus_names
from scripts.reference.public_names import documented_names
from scripts.reference.recipe import recipe_keys
from scripts.reference.scores import score_names
from scripts.reference.tables import input_columns

__all__ = ["differences", "entries_of", "expected_entries", "main"]

PUBLIC = "public name"
PAGES = "reference/generated/"
"""Where the pages of public names are; a page is named after what it documents."""


def expected_entries() -> dict[str, set[str]]:
    """Return the entries that the documentation must have, by kind."""
    return {
        PUBLIC: {name for names in documented_names().values() for name in names},
        "command": {*commands()},
        "recipe": {*recipe_keys()},
        "input-column": {*input_columns()},
        "feature": {*feature_entries()},
        "metric": {*metric_names()},
        "prometheus": {*prometheus_names()},
        "score": {*score_names()},
        "model-file": {*file_names()},
        "manifest": {*manifest_keys()},
        "http": {*http_operations()},
    }


def entries_of(site: Path) -> dict[str, set[str]]:
    """Return the entries of a built site, by kind.

    Parameters
    ----------
    site : Path
        The folder of the site.

    Returns
    -------
    dict of str to set of str
    """
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    pages = {name.removeprefix(PAGES) for name in inventory["std:doc"] if name.startswith(PAGES)}
    documented = {name for kind, items in inventory.items() if kind.startswith("py:") for name in items}
    names = {name for name in pages if not name.startswith("package-") and name in documented}
    return {PUBLIC: names} | {kind: {*inventory.get(f"std:{kind}", ())} for kind in KINDS}


def differences(entries: Mapping[str, set[str]], expected: Mapping[str, set[str]]) -> list[str]:
    """Return a line for every entry that is missing, and for every entry of something that is gone.

    Examples
    --------
    >>> differences({"recipe": {"seed", "speed"}}, {"recipe": {"seed", "name"}})
    ["recipe: 'name' has no entry", "recipe: 'speed' has an entry, and does not exist"]
    """
    lines = []
    for kind, names in expected.items():
        lines += [f"{kind}: {name!r} has no entry" for name in sorted(names - entries[kind])]
        lines += [f"{kind}: {name!r} has an entry, and does not exist" for name in sorted(entries[kind] - names)]
    return lines


def main(arguments: list[str]) -> int:
    """Print the differences; the exit code is 1 if there are any."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "objects.inv").is_file():
        sys.stderr.write("Expected the folder of a built site, got another argument. Run sphinx-build -W docs SITE.\n")
        return 2
    expected = expected_entries()
    lines = differences(entries_of(Path(arguments[0])), expected)
    counts = ", ".join(f"{len(names)} {kind}" for kind, names in expected.items())
    sys.stdout.write("\n".join([*lines, f"{len(lines)} differences in {counts}", ""]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
