"""The commands of the command line, from typer."""

from collections.abc import Iterator
from typing import Any

import typer

from fraudsieve.cli.app import app

from .entries import entry, inline, sentence

__all__ = ["command_line_page", "commands"]


def commands() -> dict[str, Any]:
    """Return every command, by the words that call it."""
    return dict(_below("fraudsieve", typer.main.get_command(app)))


def _below(words: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _below(f"{words} {name}", command)
        else:
            yield f"{words} {name}", command


def command_line_page() -> str:
    """Return a list of the commands, and an entry per command with its options."""
    listed = [f"- {{command}}`{words}`: {inline(command.help)}" for words, command in commands().items()]
    entries = [entry("command", words, *_text(words, command)) for words, command in commands().items()]
    return "\n".join(["## Commands\n", *listed, "\n## Options\n", *entries])


def _text(words: str, command: Any) -> Iterator[str]:
    context = command.make_context(words, [], resilient_parsing=True)
    yield inline(command.help)
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```"
    rows = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    yield "\n".join(f"`{' '.join(name.split())}`\n: {sentence(inline(text)) or 'Required.'}\n" for name, text in rows)
