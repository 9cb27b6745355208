"""The tests of a release exist, and are left out of other runs unless their file is named."""

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import tiers
from tests.tiers import RELEASE

ROOT = Path(__file__).parent.parent
NAMED = "tests/benchmarks/test_footprint.py"


class Item:
    """What is asked of a test."""

    path = ROOT / NAMED

    def __init__(self, name: str, nodeid: str) -> None:
        self.name, self.nodeid = name, nodeid
        self.markers: list[str] = []

    def add_marker(self, name: str) -> None:
        self.markers.append(name)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.markers else None


@pytest.mark.parametrize("test", RELEASE)
def test_a_test_of_a_release_exists(test: str) -> None:
    file, _, name = test.partition("::")
    module = ast.parse((ROOT / file).read_text("utf-8"))
    assert name.partition("[")[0] in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["src", "tests"], ["b"]),
        ([NAMED], ["a", "b"]),
        ([f"{NAMED}::x"], ["a", "b"]),
    ],
)
def test_it_is_left_out_unless_its_file_is_named(
    arguments: list[str], chosen: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "IN_RELEASE", False)
    of_release = "tests/benchmarks/test_footprint.py::test_the_whole"
    items: list[Any] = [
        Item("a", f"{of_release}[x]"),
        Item("b", "tests/benchmarks/test_footprint.py::test_another"),
    ]
    left_out: list[Any] = []
    hook = SimpleNamespace(pytest_deselected=lambda items: left_out.extend(items))
    config: Any = SimpleNamespace(args=arguments, hook=hook)
    tiers.choose_tests(config, items)
    assert [item.name for item in items] == chosen
    assert len(left_out) == 2 - len(chosen)
    assert {item.name for item in [*items, *left_out] if "release" in item.markers} == {"a"}
