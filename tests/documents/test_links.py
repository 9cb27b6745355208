"""Links inside the repository lead to files and headings that exist; CONTRIBUTING maps every package.

Names that CONTRIBUTING tells to use exist, and a notebook imports what it says that it needs."""

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.imports import LIBRARY

from .blocks import ROOT, documents

PAGES = [*documents(), "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
FENCE = re.compile(r"^( *)(`{3,}|:{3,}).*?^\1\2$", re.MULTILINE | re.DOTALL)


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


@pytest.mark.parametrize(
    ("task", "part"), [("a command", "cli"), ("a table format", "tables"), ("an endpoint", "service")]
)
def test_names_in_the_steps_to_add_something_exist(task: str, part: str) -> None:
    steps = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition(f"## Add {task}\n")[2].partition("\n## ")[0]
    files = (path for top in ("src/fraudsieve", "tests") for path in (ROOT / top / part).rglob("*.py"))
    code = "".join(path.read_text("utf-8") for path in [*files, ROOT / "src/fraudsieve/exceptions.py"])
    names = {
        name
        for name in re.findall(r"`(?:\w+[.:] ?)?(\w+)(?:\(\w+\))?`", steps)
        if "NAME" not in name and name not in ("py", "toml")
    }
    assert len(names) > 10
    assert {name for name in names if re.search(rf"^\s*(?:def |class )?{name}\b *[:=(]", code, re.M) is None} == set()


def packages_of(extras: list[str]) -> set[str]:
    """Return the packages that extras install, without those that they need themselves."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: set[str] = set()
    for line in [line for extra in extras for line in project["optional-dependencies"][extra]] + project[
        "dependencies"
    ]:
        inner = re.match(r"fraudsieve\[(.*)\]", line)
        found |= packages_of(inner[1].split(",")) if inner else {re.split(r"[^\w-]", line)[0]}
    return found


@pytest.mark.parametrize("notebook", ["05_cases", "06_evidence_and_leads", "07_from_score_to_next_model"])
def test_a_notebook_needs_the_extras_that_it_names_and_what_runs_it(notebook: str) -> None:
    cells = json.loads((ROOT / f"notebooks/{notebook}.ipynb").read_text("utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    extras = re.search(r"pip install \"fraudsieve\[(.*?)\]", text)
    assert extras is not None
    allowed = packages_of(extras[1].split(",")) | sys.stdlib_module_names | {"fraudsieve", "IPython"}
    assert set(re.findall(r"^(?:import|from) (\w+)", text, re.M)) - allowed == set()
