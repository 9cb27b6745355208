"""The page of versions says what pyproject.toml declares, of every library of an extra that users install."""

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest

from scripts.import_all import WHOLE

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PAGE = (ROOT / "docs" / "reference" / "versions.md").read_text("utf-8")


def declared() -> dict[str, str]:
    """Return the bounds of every library, by name; each has the same bounds in all extras."""
    extras = {"base": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
    lines = {line for extra in WHOLE for line in extras[extra] if not line.startswith("fraudsieve")}
    bounds = {re.split(r"[\[<>=]", line)[0]: re.sub(r"^[^<>=]*", "", line) for line in lines}
    assert len(bounds) == len(lines)
    return bounds


def listed() -> dict[str, str]:
    """Return the bounds in the table, by name."""
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| ([\d.]+)(?:, below ([\d.]+))? \|", PAGE, re.M)
    return {name: f">={lowest}" + (f",<{end}" if end else "") for name, lowest, end in rows}


def test_the_table_has_every_bound() -> None:
    assert listed() == declared()


def test_every_extra_that_users_install_is_checked_at_a_release() -> None:
    ours = {"bench", "contest", "tables", "docs", "dev"}
    assert {*WHOLE} == {"base", *PROJECT["optional-dependencies"]} - ours
    loop = re.search(r"^for extra in (.*); do$", (ROOT / "scripts" / "dependencies").read_text("utf-8"), re.M)
    assert loop is not None
    assert {*loop[1].split()} == {*WHOLE}


@pytest.mark.parametrize("place", ["README.md", "CONTRIBUTING.md", "docs/reference/versions.md"])
def test_the_pythons_are_those_of_the_classifiers(place: str) -> None:
    classifiers = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if "Python :: 3." in name]
    assert f"Python {classifiers[0]} to {classifiers[-1]}" in (ROOT / place).read_text("utf-8")
    end = f"3.{int(classifiers[-1].partition('.')[2]) + 1}"
    assert PROJECT["requires-python"] == f">={classifiers[0]},<{end}"


def test_every_licence_that_asks_for_more_than_a_notice_is_named() -> None:
    found = set[str]()
    for name in (*declared(), "psycopg-binary"):
        about = metadata(name).json
        licence = " ".join([str(about.get("license_expression")), *about.get("classifier", [])])
        found |= {name} if "GPL" in licence or "Mozilla" in licence or "MPL" in licence else set()
    assert found == {"psycopg", "psycopg-binary"}
    assert "except `psycopg` and `psycopg-binary` of the extra\n`postgres`: LGPL 3.0" in PAGE
