"""One name for one thing: the options of all commands are those of the design page, and mean the same everywhere."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.cli.options import NEAR_MISSES, ReadingOptions, RunOptions, TableOptions

PAGE = (Path(__file__).parents[2] / "docs/design/options.md").read_text()
ROW = re.compile(r"^\| `(--[a-z-]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
OWN_HELP = {
    *("--output", "--recipe", "--report", "--challenger", "--model", "--labels", "--legitimate", "--scores"),
    *("--state", "--threads", "--cases", "--key", "--reason", "--since", "--until", "--subject"),
    *("--previous", "--capacity", "--threshold"),
}
"""Options whose help says what is particular to the command."""


def commands() -> dict[str, Any]:
    """Return all commands by name, such as ``state load``."""
    group: Any = typer.main.get_command(app)
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        parts = getattr(command, "commands", None)
        found |= {name: command} if parts is None else {f"{name} {part}": one for part, one in parts.items()}
    return found


def listed_commands(names: str) -> list[str]:
    """Return the commands that a row of the page lists: ``review draw/collect`` are two of a group."""
    groups = [name.rpartition(" ") for name in names.split(", ")]
    return [f"{group} {part}".strip() for group, _, parts in groups for part in parts.split("/")]


def options() -> dict[str, dict[str, Any]]:
    """Return the options by name, each by its command."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, command in commands().items():
        for option in command.params:
            if option.param_type_name == "option":
                found[option.opts[0]][name] = option
    return found


def test_the_page_lists_the_commands_of_every_shared_option() -> None:
    listed: dict[str, set[str]] = {}
    for option, names in ROW.findall(PAGE):
        above = next(reversed(listed.values()), set())
        listed[option] = set(above) if names == "as above" else set(listed_commands(names))
    found = {option: set(by_command) for option, by_command in options().items() if len(by_command) > 1}
    assert listed.pop("--json") == {"all"}
    assert found.pop("--json") == set(commands())
    assert listed == found


def type_of(option: Any) -> str:
    """Return what an option takes; Typer before 0.29 has the types of Click."""
    return str(option.type_descriptor.annotation if hasattr(option, "type_descriptor") else option.type.name.split()[0])


def test_an_option_takes_the_same_values_everywhere() -> None:
    differing = {}
    for option, by_command in options().items():
        forms = {(type_of(one), one.multiple, one.metavar) for one in by_command.values()}
        if len(forms) > 1:
            differing[option] = forms
    assert differing == {}


def test_an_option_has_the_same_help_everywhere() -> None:
    texts = {option: {one.help for one in by_command.values()} for option, by_command in options().items()}
    assert {option for option, helps in texts.items() if len(helps) > 1} <= OWN_HELP


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (("predict", "--input", "m.csv"), "--accounts, --events, --messages"),
        (("predict", "--labels", "l.csv"), "--known-labels"),
        (("recalibrate", "--past", "m.csv"), "--accounts, --events, --history, --messages"),
        (("evaluate", "--past", "m.csv"), "--accounts, --events, --messages"),
        (("monitor", "--current", "m.csv"), "--accounts, --events, --messages"),
        (("state", "load", "live.db", "--part", "labels"), "--events, --labels, --messages"),
        (("train", "--delimiter", ";"), "--separator"),
        (("train", "--mesages", "m.csv"), "--messages"),
    ],
)
def test_a_near_miss_names_the_right_option(call: tuple[str, ...], meant: str) -> None:
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 2
    given = next(word for word in call if word[:2] == "--")
    assert re.findall("--[a-z-]+", result.stderr.partition("No such option")[2]) == [given, *meant.split(", ")]


def test_near_misses_name_options_that_exist() -> None:
    known = options()
    assert {option for meant in NEAR_MISSES.values() for option in meant} <= set(known)
    assert {miss for miss in NEAR_MISSES if len(known.get(miss, ())) == len(commands())} == set()


@pytest.mark.parametrize(
    ("tables", "recipe", "texts"),
    [
        ({"messages": ["m.csv"]}, "", ("subject",)),
        ({"events": ["e.csv"]}, "", ("body", "subject")),
        ({}, 'events = "e.csv"', ("body", "subject")),
        ({}, 'messages = "m.csv"\nevents = "e.csv"', ("subject",)),
        ({"messages": ["m.csv"], "events": ["e.csv"]}, 'subject = "event"', ("body", "subject")),
    ],
)
def test_the_first_column_of_texts_is_that_of_messages_if_these_are_scored(
    tables: dict[str, Any], recipe: str, texts: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f"[data]\n{recipe}\n")
    read = RunOptions(recipe=path).read(TableOptions(**tables), ReadingOptions(text_column=["body", "subject"]), {})
    assert read.history.texts == texts
