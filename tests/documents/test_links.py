"""Links inside the repository lead to files and headings that exist; CONTRIBUTING maps every package."""

import re
from pathlib import Path

import pytest

from scripts.imports import LIBRARY

from .blocks import ROOT, documents
from .prose import FENCE

PAGES = [*documents(), "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
MAX_LINES = 130


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Return the links of a page whose file or heading does not exist."""
    broken = []
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        path = page.parent / target if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(f"{page.name}: {target}#{anchor}")
    return broken


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert broken_links(ROOT / page) == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A heading\n\n## Trust in `labels`\n")
    page = tmp_path / "page.md"
    page.write_text("[a](other.md#trust-in-labels) [b](other.md#none) [c](none.md) [d](https://example.org)\n")
    assert broken_links(page) == ["page.md: other.md#none", "page.md: none.md#"]


def test_tests_that_the_threat_model_names_exist() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs" / "security.md").read_text("utf-8"))
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_a_readme_is_short(readme: str) -> None:
    assert len((ROOT / readme).read_text("utf-8").splitlines()) <= MAX_LINES


def test_every_package_is_on_the_map() -> None:
    packages = {
        f"{folder}/{init.parent.name}"
        for folder in LIBRARY
        for init in (ROOT / folder).glob("*/__init__.py")
        if not init.parent.is_symlink()
    }
    assert len(packages) > 30
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert {*re.findall(r"^\| `((?:features|models|training|src/fraudsieve)/\w+)` \|", text, re.MULTILINE)} == packages


def test_every_guide_and_concept_is_in_its_index() -> None:
    for folder in ("concepts", "how_to"):
        listed = re.findall(r"^(\w+)$", (ROOT / "docs" / folder / "index.md").read_text("utf-8"), re.MULTILINE)
        pages = [path.stem for path in (ROOT / "docs" / folder).glob("*.md") if path.stem != "index"]
        assert sorted(listed) == sorted(pages)
