"""How many megabytes a contestant takes on disk: its distributions, and all that they require."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

__all__ = ["installed_mb", "versions"]


def installed_mb(names: tuple[str, ...]) -> float:
    """Return the size of the files of distributions and of what they require, in MB of 2**20 bytes.

    A requirement that is not installed counts as nothing.

    Examples
    --------
    >>> installed_mb(("scikit-learn",)) > 50
    True
    """
    sizes = [_size(found) for found in _closure(names).values()]
    return sum(sizes) / 2**20


def versions(names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of installed distributions by name.

    Examples
    --------
    >>> sorted(versions(("scikit-learn",)))
    ['scikit-learn']
    """
    installed = _closure(names)
    return {name: installed[name].version for name in names if name in installed}


def _closure(names: tuple[str, ...]) -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    pending = list(names)
    while pending:
        name = re.sub(r"[-_.]+", "-", pending.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        required = [text for text in found[name].requires or () if "extra ==" not in text]
        pending += [match[0] for text in required if (match := re.match(r"[\w.-]+", text))]
    return found


def _size(found: Distribution) -> int:
    paths = [Path(str(file.locate())) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file())
