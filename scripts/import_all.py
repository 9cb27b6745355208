"""Import every module that an extra promises: ``python scripts/import_all.py EXTRA``, where only that is installed.

Other modules may need a library of another extra. Anything else that fails is an error: a library that pyproject.toml
does not declare, or a version of one that lacks a name.
"""

import importlib
import importlib.metadata
import pkgutil
import re
import sys
from typing import Final

import fraudsieve

WITH_TABLES: Final = (
    "cases cli evidence exceptions features leads live models retrain review tables training service.settings"
)
WHOLE: Final = {
    "base": "evidence exceptions features.text features.history.kernels live.store models.predict models.scoring",
    "train": WITH_TABLES,
    "serve": "cli evidence exceptions features.text live.store models.predict models.scoring service",
    "postgres": "evidence exceptions live.store models.predict models.scoring",
    "duckdb": WITH_TABLES,
    "cases": WITH_TABLES,
    "spark": f"{WITH_TABLES} spark",
    "evidence": "evidence exceptions models.predict models.scoring",
}
"""The packages and modules of which each extra promises every module."""
MODULES: Final = {"scikit-learn": "sklearn"}
"""Libraries with a module of another name than theirs."""
ALSO: Final = {"markupsafe"}
"""Modules that are used, and that come with a library of an extra."""


def main(extra: str) -> None:
    """Import the modules, and say how many of all; exit with the problems if there are any."""
    promised = tuple(f"fraudsieve.{name}" for name in WHOLE[extra].split())
    others = libraries(*WHOLE) | ALSO
    names = [module.name for module in pkgutil.walk_packages(fraudsieve.__path__, "fraudsieve.")]
    problems, left_out = [], 0
    for name in names:
        try:
            importlib.import_module(name)
        except (ImportError, SystemExit) as error:  # the second is how the command line says what it needs
            is_promised = any(f"{name}.".startswith(f"{package}.") for package in promised)
            if is_promised or (not isinstance(error, SystemExit) and error.name not in others):
                problems.append(f"{name}: {error}")
            left_out += 1
    for library in libraries(extra):
        importlib.import_module(library)
    if problems:
        sys.exit("\n".join(problems))
    sys.stdout.write(f"{extra}: {len(names) - left_out} of {len(names)} modules are imported\n")


def libraries(*extras: str) -> set[str]:
    """Return the modules of the libraries that extras declare themselves."""
    declared = importlib.metadata.requires("fraudsieve") or []
    names = {
        re.split(r"[^A-Za-z0-9_-]", line)[0] for line in declared if line.endswith(tuple(f"'{x}'" for x in extras))
    }
    return {MODULES.get(name, name.replace("-", "_")) for name in names - {"fraudsieve"}}


if __name__ == "__main__":
    main(sys.argv[1])
