"""All data sets by name."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks.data.kinds import AccountSet, MessageSet

__all__ = ["ACCOUNT_SETS", "MESSAGE_SETS", "message_sets_of"]

_MODULES: Final = [
    import_module(f"benchmarks.sets.{file.name}")
    for file in pkgutil.iter_modules([str(Path(__file__).parent)])
    if file.name != "table"
]
_ALL: Final = [one for module in _MODULES for one in module.SETS]
_ACCOUNTS: Final = [one for one in _ALL if isinstance(one, AccountSet)]
MESSAGE_SETS: Final[Mapping[str, MessageSet]] = {one.name: one for one in _ALL if isinstance(one, MessageSet)}
ACCOUNT_SETS: Final[Mapping[str, AccountSet]] = {one.name: one for one in sorted(_ACCOUNTS, key=lambda one: one.place)}


def message_sets_of(command: str) -> dict[str, MessageSet]:
    """Return the sets of messages that a benchmark takes.

    Examples
    --------
    >>> list(message_sets_of("attack"))
    ['smishing', 'mudou_sms']
    """
    return {name: one for name, one in MESSAGE_SETS.items() if command in one.commands}
