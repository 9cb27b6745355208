"""The structure of the code: allowed imports, unique names, and one home for errors."""

import ast
import importlib
import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from graphlib import TopologicalSorter

import pytest

import fraudsieve.exceptions
from scripts.house import FOLDERS, packages_in_order, uses
from scripts.imports import FRONT, LIBRARY, ROOT, imports_of, modules, name_of, tree_of

PRIVATE = {path.stem for path in (ROOT / FRONT).glob("_*.py")} - {"__init__", "__main__"}
# A floor may import those above it in this list, but neither those below it nor its neighbours on the same floor.
FLOORS = (
    {"exceptions", *PRIVATE},
    {"tables"},
    {"features"},
    {"models"},
    {"pages"},
    {"training", "live"},
    {"evidence"},
    {"cases", "retrain", "spark"},
    {"leads", "review", "service"},
    {"cli"},
    {"__main__"},
)


@pytest.mark.parametrize("room", FOLDERS)
def test_the_packages_of_a_room_import_each_other_in_no_circle(room: str) -> None:
    assert packages_in_order(room, uses())  # a circle raises CycleError, which names it


def test_modules_import_each_other_in_no_circle() -> None:
    files = {name_of(path): path for path in modules(*LIBRARY)}
    imported = {name: files.keys() & imports_of(path) for name, path in files.items()}
    TopologicalSorter(imported).prepare()  # a circle, also one for type checkers only, raises CycleError


def test_floors_import_downward_only() -> None:
    floor_of = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    wrong = []
    for path in modules(*LIBRARY):
        own = name_of(path).split(".")[1:2]
        for name in imports_of(path) if own else ():  # the package itself imports at first use
            to = name.split(".")[1] if name.startswith("fraudsieve.") else own[0]
            if to != own[0] and floor_of[to] >= floor_of[own[0]] > 0:
                wrong.append(f"{name_of(path)} imports {name}")
    assert wrong == []


def test_only_the_package_for_spark_imports_pyspark_and_no_room_imports_it() -> None:
    for path in modules(*LIBRARY):
        in_package = path.is_relative_to(ROOT / "src" / "fraudsieve" / "spark")
        wrong = [name for name in imports_of(path) if name.startswith(("pyspark", "fraudsieve.spark"))]
        assert in_package or wrong == [], path


def test_no_folder_holds_one_or_two_files() -> None:
    folders = Counter(path.parent for path in modules(*LIBRARY) if path.name != "__init__.py")
    subfolders = Counter(path.parents[1] for path in modules(*LIBRARY) if path.name == "__init__.py")
    few = {folder.relative_to(ROOT).as_posix() for folder, n in folders.items() if n < 3 and not subfolders[folder]}
    assert few == set()


def test_every_package_has_a_docstring() -> None:
    for root in {path.parent for path in modules(*LIBRARY, "benchmarks")}:
        assert ast.get_docstring(tree_of(root / "__init__.py")), root


def test_names_of_public_classes_and_functions_are_unique() -> None:
    homes = defaultdict(list)
    for path in modules(*LIBRARY):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                homes[node.name].append(name_of(path))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_module_has_the_name_of_a_function_that_its_package_exports() -> None:
    for root in {path.parent for path in modules(*LIBRARY)}:
        package = importlib.import_module(name_of(root / "__init__.py"))
        inside = {path.stem for path in root.iterdir()}
        assert not inside & {*getattr(package, "__all__", ())}, package.__name__


def test_only_packages_export_names() -> None:
    private = [path for path in modules(*LIBRARY) if path.name not in {"__init__.py", "exceptions.py"}]
    exporting = {
        name_of(path).removeprefix("fraudsieve.") for path in private if "\n__all__ = " in path.read_text("utf-8")
    }
    assert exporting == set()


def test_all_errors_are_in_one_module() -> None:
    errors = vars(fraudsieve.exceptions)
    for path in modules(*LIBRARY):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and re.search(r"Error$|Exception$", node.name):
                assert node.name in errors or node.name.startswith("_"), f"{name_of(path)}.{node.name}"


def test_the_documented_tree_of_errors_is_right() -> None:
    drawn = []
    above: list[str] = []
    drawing = fraudsieve.exceptions.__doc__ or ""
    for indent, name, also in re.findall(r"^    ([│├└─ ]*)(\w+Error)(?: \((\w+)\))?$", drawing, re.M):
        above = [*above[: len(indent) // 4], name]
        bases = [*above[-2:-1], *([also] if also else [])]
        drawn.append((name, bases or ["Exception"]))
    classes = [
        thing
        for name, thing in vars(fraudsieve.exceptions).items()
        if inspect.isclass(thing) and name.endswith("Error")
    ]
    actual = {thing.__name__: [base.__name__ for base in thing.__bases__] for thing in classes}
    assert dict(drawn) == actual
    assert actual != {}
    assert sorted(actual) == sorted(fraudsieve.exceptions.__all__)


def test_only_some_packages_import_what_reads_workbooks_and_databases_or_serves() -> None:
    allowed = (
        "fraudsieve.tables",
        "fraudsieve.live",
        "fraudsieve.service",
        "fraudsieve.leads",
        "fraudsieve.training.tracking",
    )
    libraries = {"openpyxl", "sqlalchemy", "psycopg", "starlette"}
    wrong = {
        name_of(path): found
        for path in modules(*LIBRARY)
        if (found := libraries & {name.split(".")[0] for name in imports_of(path)})
        and not name_of(path).startswith(allowed)
    }
    assert wrong == {}


@pytest.mark.slow
def test_the_core_imports_no_optional_part(run_alone: Callable[[str], str]) -> None:
    imported = run_alone("""
import sys
from importlib import import_module
from pkgutil import walk_packages
for part in ("tables", "features", "models", "pages", "training"):
    package = import_module(f"fraudsieve.{part}")
    for module in walk_packages(package.__path__, f"fraudsieve.{part}."):
        import_module(module.name)
print(*sorted({".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("fraudsieve.")}))
""")
    optional = {"live", "service", "cases", "evidence", "leads", "retrain", "review", "spark", "cli"}
    parts = {name.removeprefix("fraudsieve.") for name in imported.split()}
    assert {"tables", "features", "models", "pages", "training"} <= parts
    assert not parts & optional
