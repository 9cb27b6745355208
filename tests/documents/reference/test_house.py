"""The picture of the house shows every package once, after what it imports."""

import re

import pytest

from scripts.counts import BUDGET, WIDTH, Counts, budget_of, count, counts_now, table_of
from scripts.house import FOLDERS, draw_house, packages_page, place_of
from scripts.imports import LIBRARY, ROOMS, ROOT, imports_of, modules, name_of


def test_the_picture_shows_every_package_of_a_room_after_what_it_imports() -> None:
    rooms = re.findall(r'<p class="room-name">(\S+)</p><ul>(.*?)</ul>', draw_house())
    assert tuple(name for name, _ in rooms) == FOLDERS
    for room, chips in rooms:
        order = re.findall(r"<li>(\w+)</li>", chips)
        if room in ROOMS:
            packages = {path.relative_to(ROOT / room).parts[0].removesuffix(".py") for path in modules(room)}
            assert sorted(order) == sorted(packages - {"__init__"})
        for path in modules(room):
            own = place_of(name_of(path))
            for place in map(place_of, imports_of(path)):
                if path.name != "__init__.py" and own and place and place.room == room and place.package in order:
                    assert own.package not in order or order.index(place.package) <= order.index(own.package)


def test_arrows_say_how_many_modules_import_a_room() -> None:
    importing = [
        path
        for path in modules("models")
        if path.name != "__init__.py" and any(name.startswith("fraudsieve.features") for name in imports_of(path))
    ]
    assert f"{len(importing)} import features</p>\n<section" in draw_house()
    assert len(importing) > 10


def test_every_package_is_described() -> None:
    entries = re.findall(r"^`(\w+)`\n: (.*)$", packages_page(), re.M)
    assert len(entries) > 60
    assert [name for name, text in entries if len(text) < 10] == []


def test_counts_are_those_of_the_files() -> None:
    text = [path.read_text("utf-8") for path in modules("features/text")]
    counts = counts_now("features/text")["features/text"]
    assert counts[:2] == (len(text), sum(len(source.splitlines()) for source in text))
    assert sum(source.count("\n    return ") for source in text) < counts.statements < counts.lines


def test_changes_are_those_of_the_packages_that_changed() -> None:
    now = {"models": Counts(3, 40, 20, 5), "models/live": Counts(1, 2, 3, 4), "tests": Counts(1, 1, 1, 0)}
    before = {
        "models": Counts(2, 50, 20, 0),
        "models/live": Counts(1, 2, 3, 4),
        "models/gone": Counts(2, 30, 20, 5),
    }
    rows = {line[:WIDTH].strip(): line[WIDTH:].split() for line in table_of(now, before).splitlines()}
    assert rows["models"] == ["3", "+1", "40", "-10", "20", "+0", "5", "+5", "0", "+0", "0", "+0"]
    assert rows["models/gone"] == ["0", "-2", "0", "-30", "0", "-20", "0", "-5", "0", "+0", "0", "+0"]
    assert "models/live" not in rows
    whole = ["4", "-1", "42", "-40", "23", "-20", "9", "+0", "0", "+0", "0", "+0"]
    assert rows["all of models"] == rows["the library"] == whole
    assert rows["all of tests"][:2] == ["1", "+1"]


def test_code_lines_have_a_token_outside_docstrings_and_comments() -> None:
    source = '"""Module."""\n\n# comment\nx = """a\n\nb"""  # c\n\n\ndef f():\n    """Doc."""\n'
    source += "    return (\n        x\n    )\n"
    assert count(source)[4:] == (7, 12)


def test_a_budget_is_exceeded_by_one_line() -> None:
    counts = {"models": Counts(code_lines=60, tokens=700), "training": Counts(code_lines=40)}
    table, within = budget_of(counts, 100)
    assert within
    assert "0 lines left" in table
    table, within = budget_of(counts, 99)
    assert not within
    assert "1 lines too many" in table


@pytest.mark.slow
def test_the_library_keeps_its_budget() -> None:
    table, within = budget_of(counts_now(*LIBRARY), int(BUDGET.read_text("utf-8")))
    assert within, table
