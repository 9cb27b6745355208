"""The command that runs, for the pages and documents that it writes."""

import re
import shlex
from collections.abc import Sequence
from contextvars import ContextVar

from ._addresses import read_address

_arguments: ContextVar[tuple[str, ...] | None] = ContextVar("arguments", default=None)


def remember_command(arguments: Sequence[str]) -> None:
    """Remember the arguments of the command that runs."""
    _arguments.set(tuple(arguments))


def command_line() -> str | None:
    """Return the command as it was typed, without the passwords and queries of addresses; None if no command runs."""
    arguments = _arguments.get()
    return None if arguments is None else shlex.join(["fraudsieve", *map(without_secrets, arguments)])


def without_secrets(argument: str) -> str:
    """Hide the parts of an address that may be confidential: the user and the query."""
    if "://" not in argument:
        return argument
    _, user, password, rest = address = read_address(argument)
    login = "***@" if user or password is not None else ""
    return address.written(login + re.sub(r"([?#]).*", r"\1...", rest, flags=re.DOTALL))
