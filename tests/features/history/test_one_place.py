"""A measure is in one place: declared once, beside the kernel that computes it in batch, live and on Spark."""

import ast
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from fraudsieve.features.history.declaration import DECLARED
from scripts.imports import LIBRARY, ROOT, modules, tree_of

KERNELS = ROOT / "features" / "history" / "kernels"
CALLER = ROOT / "features" / "history" / "timeline.py"
CALLED = (
    *("totals_in_windows", "spread_in_windows", "codes_in_windows", "pairs_in_windows", "hours_in_windows"),
    *("fill_latest", "fill_ends", "fill_derived", "labels_in_windows"),
)
"""The kernels that write the columns of measures."""


def kernel_modules() -> list[Any]:
    names = [f"fraudsieve.features.history.kernels.{path.stem}" for path in KERNELS.glob("[a-z]*.py")]
    return [module for module in map(import_module, names) if hasattr(module, "MEASURES")]


def names_in(path: Path) -> set[str]:
    return {node.id for node in ast.walk(tree_of(path)) if isinstance(node, ast.Name)}


def test_every_measure_is_declared_by_one_module_of_kernels() -> None:
    declared = Counter(measure.name for module in kernel_modules() for measure in module.MEASURES)
    assert {name for name, n in declared.items() if n > 1} == set()
    assert declared.keys() == DECLARED.keys()


def test_no_measure_has_two_implementations() -> None:
    """One module calls the kernels, for batch, live and Spark alike, and no other writes columns of measures."""
    callers = {path for path in modules(*LIBRARY) if {*CALLED} & names_in(path)}
    assert {path for path in callers if path.parent != KERNELS} == {CALLER}
    written = {
        node.name
        for path in KERNELS.glob("*.py")
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and {"bounds", "cutoffs"} & {argument.arg for argument in node.args.args}
    }
    of_windows = {name for name in written if not name.startswith("_")}
    assert of_windows - {*CALLED} == {"count_bounded", "fill_floors", "left_of"}
    assert {*CALLED} - of_windows == {"fill_derived"}  # from columns


def test_the_state_has_types() -> None:
    state = [*(ROOT / "features" / "history").glob("pool_*.py"), ROOT / "features" / "history" / "timeline.py"]
    assert [path.name for path in state if "Any" in names_in(path)] == []
