"""Undocumented names of other libraries that are used here: a new version may change them without notice.

If a test fails after an upgrade, read what changed in the library and adapt the module that the test names. Then move
the upper bound in pyproject.toml.
"""

import ctypes
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numba as nb
import numpy as np
import pytest

from fraudsieve._compiled import compile_inlined, compile_part

ROOT = Path(__file__).parents[1]


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize("library", ["lightgbm", "mlflow", "numba", "uvicorn"])
def test_the_installed_version_is_within_an_upper_bound(library: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = sum(project["optional-dependencies"].values(), start=project["dependencies"])
    (line,) = [line for line in lines if re.match(rf"{library}[<>=]", line)]
    bound = re.search(r",<([\d.]+)$", line)
    assert bound is not None, f"{line} has no upper bound"
    upper = [int(part) for part in bound[1].split(".")]
    assert [int(part) for part in version(library).split(".")[: len(upper)]] < upper


@pytest.mark.parametrize(
    "name",
    [
        "LGBM_BoosterPredictForMatSingleRowFastInit",
        "LGBM_BoosterPredictForMatSingleRowFast",
        "LGBM_FastConfigFree",
        "LGBM_GetLastError",
    ],
)
def test_lightgbm_has_its_c_library(name: str) -> None:
    """fraudsieve.models.trees.ensemble calls these."""
    assert isinstance(lgb.basic._LIB, ctypes.CDLL)  # type: ignore[attr-defined]
    assert callable(getattr(lgb.basic._LIB, name))  # type: ignore[attr-defined]


def test_numba_counts_no_references_to_borrowed_arrays() -> None:
    """fraudsieve._compiled does so in searches."""
    first: Any = nb.njit(_nrt=False)(lambda array: array[0])  # type: ignore[call-overload]
    assert first(np.array([7])) == 7
    assert "NRT_incref" not in next(iter(first.inspect_llvm().values()))


def test_a_booster_of_lightgbm_has_a_handle() -> None:
    """fraudsieve.models.trees.ensemble passes it to the C library."""
    rows = np.arange(40.0).reshape(-1, 1)
    booster = lgb.train({"verbosity": -1}, lgb.Dataset(rows, rows[:, 0]), 1)
    assert isinstance(booster._handle, ctypes.c_void_p)


@pytest.mark.parametrize("decorator", [compile_part(), compile_inlined()])
def test_numba_compiles_without_wrappers(decorator: Any) -> None:
    """fraudsieve._compiled passes no_cfunc_wrapper and no_cpython_wrapper, and replaces two methods of dispatchers."""

    def add_one(x: int) -> int:
        return x + 1

    part: Any = decorator(add_one)
    kernel: Any = nb.njit(lambda x: 2 * part(x))
    usual: Any = nb.njit(add_one)
    assert (kernel(1), usual(1)) == (4, 2)
    assert (part(1), part(2.5)) == (2, 3.5)  # without the replaced methods the process crashes here
    code, usual_code = (str(compiled.inspect_llvm((nb.int64,))) for compiled in (part, usual))
    for wrapper in ("cfunc.", "cpython"):
        assert wrapper not in code
        assert wrapper in usual_code


def test_mlflow_describes_an_environment() -> None:
    """fraudsieve.models.flavor writes it next to a model, as the flavors of MLflow do."""
    from mlflow.utils.environment import _mlflow_conda_env, _PythonEnv

    assert "additional_pip_deps" in parameters(_mlflow_conda_env)
    assert callable(_PythonEnv.current)
    assert callable(_PythonEnv.to_yaml)


def test_uvicorn_knows_what_a_connection_is_owed() -> None:
    """fraudsieve.service.server decides by these whether a half-closed connection stays."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

    assert parameters(HttpToolsProtocol.shutdown) == parameters(HttpToolsProtocol.eof_received) == ["self"]
    assert "self.cycle:" in inspect.getsource(HttpToolsProtocol.__init__)
    assert "self.more_body = True" in inspect.getsource(RequestResponseCycle.__init__)
