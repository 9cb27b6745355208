"""Names that are imported at first use."""

from importlib import import_module
from typing import Any

__all__ = ["lazy_attribute"]


def lazy_attribute(package: str, homes: dict[str, str], name: str) -> Any:
    """Import a public name of a package from the module that holds it.

    Parameters
    ----------
    package : str
        Full name of the package.
    homes : dict of str to str
        Lazy names and the modules, inside the package, that hold them.
    name : str
        The requested name.

    Returns
    -------
    object

    Raises
    ------
    AttributeError
        If the package has no such name.

    Examples
    --------
    >>> lazy_attribute("json", {"JSONDecoder": "decoder"}, "JSONDecoder").__name__
    'JSONDecoder'
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(f"{package}.{homes[name]}"), name)
