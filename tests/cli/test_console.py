"""Titles and steps are printed as they are, whatever a file or a recipient is called."""

import pytest

from fraudsieve.cli import console
from fraudsieve.cli.console import Answer, exit_on_error, notes, steps
from fraudsieve.exceptions import SchemaError

NAMES = ["leads [final].jsonl", "FIU [/DE]", "[red]", "a:key:b.jsonl", "unit\\[1]"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_printed_as_they_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Answer({}, f"{name}: nothing was changed", [("log", name)]).show(as_json=False)
    assert capsys.readouterr().out == f"{name}: nothing was changed\n  log  {name}\n"


@pytest.mark.parametrize("name", NAMES)
def test_errors_notes_and_steps_are_printed_as_they_are(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes((name,))
    with pytest.raises(SystemExit), exit_on_error(as_json=False):
        raise FileNotFoundError(name)
    with steps(quiet=False) as progress:
        progress(name)
    shown = capsys.readouterr().err.splitlines()
    assert [shown[0], shown[1], shown[2].rpartition("s] ")[2]] == [f"note: {name}", f"error: {name}", name]
    terminal = console.plain_console(stderr=True, force_terminal=True, width=200, record=True)
    monkeypatch.setattr(console, "errors", terminal)
    with steps(quiet=False) as progress:
        progress(name)
    assert name in terminal.export_text()


@pytest.mark.parametrize("as_json", [False, True])
def test_shapes_of_values_are_printed_below_the_error_and_are_not_in_json(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SchemaError("e.csv", "none of 2 rows is accepted", "Correct them.", {"at": ("99/99", "[a]"), "b": ()})
    with pytest.raises(SystemExit), exit_on_error(as_json=as_json):
        raise error
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        f"error: {error}",
        "  at has values such as 99/99 and [a] (9: a digit, a and A: a letter)",
    ]
    assert "99/99" not in shown.out
    assert bool(shown.out) == as_json
