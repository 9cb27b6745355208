"""The lock as constraints, and the bill of materials of the packages that a release installs."""

import os
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

__all__ = ["constraints_of", "only", "write_bill"]

BLOCK: Final = re.compile(r"^(?P<name>[\w.-]+)==[^\n]*(?:\n[ \t]+[^\n]*)*\n?", re.MULTILINE)
"""A requirement, with its hashes on the lines below it."""


def constraints_of(lock: str) -> str:
    r"""Return the requirements of a lock without their hashes.

    Examples
    --------
    >>> constraints_of("numba==0.68.1 ; python_version > '3' \\\n    --hash=sha256:1a\n")
    "numba==0.68.1 ; python_version > '3'\n"
    """
    first_lines = (match[0].splitlines()[0] for match in BLOCK.finditer(lock))
    return "".join(line.rstrip(" \\") + "\n" for line in first_lines)


def only(names: Collection[str], lock: str) -> str:
    r"""Return the requirements of a lock that have one of the names.

    Examples
    --------
    >>> only({"PyYAML"}, "numba==1 \\\n    --hash=sha256:1a\npyyaml==6 \\\n    --hash=sha256:2b\n")
    'pyyaml==6 \\\n    --hash=sha256:2b\n'

    Raises
    ------
    ValueError
        If the lock lacks one of them.
    """
    wanted = {canonicalize_name(name) for name in names}
    blocks = [match for match in BLOCK.finditer(lock) if canonicalize_name(match["name"]) in wanted]
    missing = wanted - {canonicalize_name(match["name"]) for match in blocks}
    if missing:
        raise ValueError(f"requirements.lock: expected {', '.join(sorted(missing))}. Run scripts/lock.")
    return "".join(match[0] for match in blocks)


def write_bill(requirements: Path, tree: Path, bill: Path) -> None:
    """Write the requirements as a CycloneDX bill of materials, which is checked with the schema of CycloneDX."""
    options = ["--pyproject", str(tree / "pyproject.toml"), "--mc-type", "library", "--output-reproducible"]
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", *options, "--validate", "-o", str(bill)]
    subprocess.run([*command, str(requirements)], env=os.environ | {"PYTHONWARNINGS": "ignore"}, check=True)
