"""The reference has an entry for everything that the code declares, and for nothing else."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from scripts.docs_check import PUBLIC, differences, entries_of, expected_entries, main
from scripts.imports import ROOT
from scripts.reference.api_pages import write_api_pages
from scripts.reference.entries import KINDS
from scripts.reference.extension import PAGES
from scripts.reference.public_names import public_names, resolve

DOCS = ROOT / "docs"
ENTRY = re.compile(r"^:::\{([\w-]+)\} (.+)$", re.MULTILINE)
SMALL_SITE = """
def setup(app):
    for kind in {kinds!r}:
        app.add_object_type(kind, kind)
"""


@pytest.fixture(scope="module")
def expected() -> dict[str, set[str]]:
    return expected_entries()


@pytest.mark.slow
def test_parts_of_the_reference_have_exactly_the_entries_of_the_code(expected: dict[str, set[str]]) -> None:
    found = defaultdict(list)
    for make in PAGES.values():
        for kind, name in ENTRY.findall(make()):
            found[kind].append(name)
    assert {kind: sorted(names) for kind, names in expected.items() if kind != PUBLIC} == {
        kind: sorted(names) for kind, names in found.items()
    }
    assert found.keys() == KINDS.keys()


@pytest.mark.parametrize("part", PAGES)
def test_a_part_begins_with_a_heading_or_has_none(part: str) -> None:
    text = PAGES[part]()
    assert text.startswith("## ") or "\n## " not in text


def test_every_part_is_shown_on_one_page() -> None:
    shown = [
        name
        for page in sorted(DOCS.rglob("*.md"))
        for name in re.findall(r"^:::\{reference\} (\w+)$", page.read_text("utf-8"), re.M)
    ]
    assert sorted(shown) == sorted(PAGES)


def test_every_public_object_has_one_page(tmp_path: Path, expected: dict[str, set[str]]) -> None:
    write_api_pages(tmp_path)
    pages = {path.stem for path in tmp_path.iterdir() if not path.stem.startswith("package-")}
    assert pages == expected[PUBLIC]
    documented = [id(resolve(name)) for name in pages]
    assert {id(thing) for thing in public_names().values()} == {*documented}
    packages = "\n".join(path.read_text("utf-8") for path in tmp_path.glob("package-*"))
    assert [name for name in pages if not re.search(rf"^   {re.escape(name)}$", packages, re.M)] == []


def test_pages_of_names_that_are_gone_are_removed(tmp_path: Path) -> None:
    (tmp_path / "fraudsieve.gone.rst").write_text("gone\n")
    write_api_pages(tmp_path)
    assert not (tmp_path / "fraudsieve.gone.rst").exists()
    page = tmp_path / "fraudsieve.Scorer.rst"
    before = page.stat().st_mtime_ns
    write_api_pages(tmp_path)
    assert page.stat().st_mtime_ns == before


@pytest.mark.parametrize("kind", [PUBLIC, *KINDS])
def test_a_missing_entry_and_an_entry_of_something_gone_are_differences(
    kind: str, expected: dict[str, set[str]]
) -> None:
    missing = min(expected[kind])
    entries = expected | {kind: expected[kind] - {missing} | {"gone"}}
    assert differences(expected, expected) == []
    assert differences(entries, expected) == [
        f"{kind}: {missing!r} has no entry",
        f"{kind}: 'gone' has an entry, and does not exist",
    ]


@pytest.mark.slow
def test_entries_are_read_from_a_site(
    tmp_path: Path, expected: dict[str, set[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    from sphinx.cmd.build import build_main

    source, site = tmp_path / "docs", tmp_path / "site"
    (source / "reference" / "generated").mkdir(parents=True)
    page = source / "reference" / "generated" / "fraudsieve.Scorer.rst"
    (source / "conf.py").write_text(SMALL_SITE.format(kinds=[*KINDS]))
    (source / "index.rst").write_text(".. recipe:: seed\n\n.. recipe:: speed\n")
    page.write_text("S\n=\n\n.. py:class:: fraudsieve.Scorer\n")
    assert build_main(["-q", str(source), str(site)]) == 0
    entries = entries_of(site)
    assert entries[PUBLIC] == {"fraudsieve.Scorer"}
    assert entries["recipe"] == {"seed", "speed"}
    capsys.readouterr()
    assert main([str(site)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "recipe: 'speed' has an entry, and does not exist" in lines
    assert "recipe: 'seed' has no entry" not in lines
    assert len(lines) == sum(map(len, expected.values()))  # all but two are missing, one is gone, and the last line


def test_a_folder_without_a_site_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "Expected the folder of a built site" in capsys.readouterr().err
