"""The structure of the code: allowed imports, sizes of files and functions, and unique names."""

import ast
import importlib
import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

import fraudsieve.exceptions
from scripts.imports import FRONT, LIBRARY, ROOMS, ROOT, imports_of, modules, name_of, tree_of

PRIVATE = {path.stem for path in (ROOT / FRONT).glob("_*.py")} - {"__init__", "__main__"}
# A floor may import those above it in this list, but neither those below it nor its neighbours on the same floor.
FLOORS = (
    {"exceptions", *PRIVATE},
    {"tables"},
    {"features"},
    {"models"},
    {"training", "live"},
    {"evidence"},
    {"cases", "retrain", "spark"},
    {"leads", "review", "service"},
    {"cli"},
    {"__main__"},
)
# In a room, a package may import those above it in this list, but not those below it.
ORDER = {
    "features": (
        "label_trust",
        "text",
        "wording",
        "cues",
        "history",
        "network",
        "record_fields",
        "history_declaration",
        "live_state",
        "campaign",
        "default_views",
        "profile",
        "account_matrix",
        "account_records",
        "accounts",
        "message_frames",
        "message_records",
        "message_matrix",
        "messages",
        "feature_matrix",
    ),
    "models": (
        "calibration",
        "guarantees",
        "points",
        "likelihood_ratios",
        "thresholds",
        "trees",
        "classifier",
        "policy",
        "unlike_training",
        "sentences",
        "artifact",
        "rules",
        "scoring",
        "reasons",
        "verification",
        "pipeline",
        "predict",
        "model_scores",
        "batch",
        "flavor",
    ),
    "training": (
        "json_types",
        "labels",
        "recipe",
        "attack",
        "data",
        "memory",
        "splits",
        "evaluation",
        "pages",
        "tracking",
        "tuning",
        "leaks",
        "monitoring",
        "simulation",
        "facts",
        "rounds",
        "chosen_points",
        "refit",
        "output",
        "recalibration",
        "run_content",
        "split_model",
        "promotion",
        "fit",
        "first_run",
    ),
}
# What has one definition: how a second one would look, and where the one is.
ONE_HOME = {
    "array": (r"\bArray\b.* = npt\.NDArray", "src/fraudsieve/_typing.py"),
    "record": (r"^_?Records?\b.* = (Mapping|dict)\[str, Any\]", "src/fraudsieve/_typing.py"),
    "second, minute, hour and day in microseconds": (
        r"^_?(SECOND|MINUTE|HOUR|DAY)\b.* = (\d+ \* [A-Z]|[\d_]+_000_000$)|\b(86_400|3_600)_000_000\b",
        "src/fraudsieve/_microseconds.py",
    ),
    "id": (r"\"expected a string or a whole number", "src/fraudsieve/tables/values/reading.py"),
    "time": (r"\"expected a time such as", "src/fraudsieve/tables/values/reading.py"),
    "text of a time": (r"\bdatetime\.(strptime|fromisoformat)\((iso|str)", "src/fraudsieve/tables/values/moments.py"),
    "amount": (r"f\"expected a number up to", "src/fraudsieve/tables/values/reading.py"),
    "table of a user's columns": (r"^ +def (without_repeats|categories)\(self", "features/history/columns/table.py"),
    "missing value": (r"\"<NA>\"", "src/fraudsieve/tables/values/reading.py"),
    "table to feature rows": (r"^ *def \w*feature_rows\(", "models/batch/rows.py"),
    "atomic write": (r"\bos\.replace\(|\bos\.fsync\(", "src/fraudsieve/_io.py"),
    "pseudonym": (r"b32(en|de)code|\"pseudonym \{", "src/fraudsieve/_pseudonyms.py"),
    "hash table of digests": (
        r"token_bytes\(48\)|^ +(mask|\w+_mask) = .*\.size - 1\)?$|\(\w+ \+ [^()]+(\(1\))?\) & \w*mask",
        "features/history/kernels/digest_table.py",
    ),
    "slabs": (
        r"^SIZES\b.*np\.array|^N_CLASSES\b|^ +(\w+\.)?(heads|blocks)\[\w+\] = (\w+\.)?\w+\[[\w, ]+\]$",
        "features/history/kernels/slabs.py",
    ),
    "kind of matrix": (r"isinstance\([^)]*\b(MessageMatrix|AccountMatrix)\b", "features/feature_matrix.py"),
}
MAX_LINES = 400
ONE_CLASS = {"features/live_state/state.py": 600}
"""Files that hold one class, which would have to be cut into pieces to be shorter."""
MAX_BODY = 60
MAX_FILES_AT_TOP = 13
MAX_FILES = 15
MAX_NAMESAKES = 3
"""Modules of one name: an editor shows a name without its folder."""


@pytest.mark.parametrize("room", ROOMS)
def test_packages_import_in_the_declared_order(room: str) -> None:
    order = ORDER[room]
    wrong = []
    for path in modules(room):
        if path.parent == ROOT / room and path.name == "__init__.py":
            continue  # it imports lazily
        own = path.relative_to(ROOT / room).parts[0].removesuffix(".py")
        for name in imports_of(path):
            parts = name.split(".")
            if parts[:2] == ["fraudsieve", room] and len(parts) > 2 and order.index(parts[2]) > order.index(own):
                wrong.append(f"{name_of(path)} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_the_order_lists_every_package_and_module(room: str) -> None:
    existing = {
        path.stem for path in (ROOT / room).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert existing - {"__init__"} == {*ORDER[room]}


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


@pytest.mark.parametrize("folder", [*LIBRARY, "benchmarks", "scripts", "tests"])
def test_files_and_functions_are_short(folder: str) -> None:
    too_long = []
    for path in modules(folder):
        file, n_lines = path.relative_to(ROOT).as_posix(), path.read_text("utf-8").count("\n")
        if n_lines > ONE_CLASS.get(file, MAX_LINES):
            too_long.append(f"{file}: {n_lines} lines")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > MAX_BODY:
                too_long.append(f"{file}: {node.name} has {body_lines(node)} lines")
    assert too_long == []


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function's body, without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("folder", [*LIBRARY, "benchmarks", "scripts"])
def test_folders_hold_few_files(folder: str) -> None:
    for root in {path.parent for path in modules(folder)}:
        files = [path for path in root.glob("*.py") if path.name != "__init__.py"]
        if root.name == "commands":  # one file per command
            continue
        at_the_top = root == ROOT / folder
        assert len(files) <= (MAX_FILES_AT_TOP if at_the_top else MAX_FILES), root


def test_few_modules_share_a_name() -> None:
    names = Counter(path.stem for path in modules(*LIBRARY) if path.name != "__init__.py")
    assert {name: count for name, count in names.items() if count > MAX_NAMESAKES} == {}


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
    assert exporting == {  # names that they import from their homes: each goes once its users import it from there
        "features.network.graph",
        "models.sentences.values",
        "tables.label_values",
        "tables.reader",
        "training.labels",
        "training.simulation.basics",
    }


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


@pytest.mark.parametrize(("pattern", "home"), ONE_HOME.values(), ids=ONE_HOME)
def test_some_code_is_in_one_module(pattern: str, home: str) -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in modules(*LIBRARY, "benchmarks", "scripts")
        if re.search(pattern, path.read_text("utf-8"), re.M)
    }
    assert found == {home}


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
for part in ("tables", "features", "models", "training"):
    package = import_module(f"fraudsieve.{part}")
    for module in walk_packages(package.__path__, f"fraudsieve.{part}."):
        import_module(module.name)
print(*sorted({".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("fraudsieve.")}))
""")
    optional = {"live", "service", "cases", "evidence", "leads", "retrain", "review", "spark", "cli"}
    parts = {name.removeprefix("fraudsieve.") for name in imported.split()}
    assert {"tables", "features", "models", "training"} <= parts
    assert not parts & optional
