"""All data sets by name."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import Final

from benchmarks.data.kinds import AccountSet, MessageSet

__all__ = ["ACCOUNT_SETS", "MESSAGE_SETS", "declared_sets", "message_sets_of"]


def declared_sets() -> list[MessageSet | AccountSet]:
    """Return what the modules of this package declare, in order of their places."""
    files = pkgutil.iter_modules(import_module("benchmarks.sets").__path__)
    modules = [import_module(f"benchmarks.sets.{file.name}") for file in files if file.name != "table"]
    return sorted((one for module in modules for one in module.SETS), key=lambda one: one.place)


_DECLARED: Final = declared_sets()
MESSAGE_SETS: Final[Mapping[str, MessageSet]] = {one.name: one for one in _DECLARED if isinstance(one, MessageSet)}
ACCOUNT_SETS: Final[Mapping[str, AccountSet]] = {one.name: one for one in _DECLARED if isinstance(one, AccountSet)}


def message_sets_of(benchmark: str) -> dict[str, MessageSet]:
    """Return the sets of messages that a benchmark takes.

    Examples
    --------
    >>> list(message_sets_of("attack"))
    ['smishing', 'mudou_sms']
    """
    return {name: one for name, one in MESSAGE_SETS.items() if benchmark in one.benchmarks}
