"""The public names: there, documented, in their place; and the files that promise facts about the repo."""

import importlib
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from numpydoc.validate import validate

import fraudsieve

ROOT = Path(__file__).parent.parent
PACKAGES = ("fraudsieve", "fraudsieve.features", "fraudsieve.models", "fraudsieve.training")
# numpydoc's checks that hold for every public name: a summary, all parameters with types and text, returns, an example.
CHECKS = {"GL08", "SS03", "SS05", "PR01", "PR02", "PR03", "PR04", "PR07", "RT01", "RT03", "YD01"}


def public_objects() -> list[tuple[str, Any]]:
    found = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                found[f"{thing.__module__}.{thing.__qualname__}"] = thing
    return sorted(found.items())


@pytest.mark.parametrize("package", PACKAGES)
def test_all_lists_just_the_names_that_are_there(package: str) -> None:
    module = importlib.import_module(package)
    assert list(module.__all__) == sorted(module.__all__)
    assert set(module._HOMES) == set(module.__all__) - {"__version__"}
    assert all(hasattr(module, name) for name in module.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize(("name", "thing"), public_objects())
def test_public_objects_come_from_the_package_and_not_from_the_checkout(name: str, thing: Any) -> None:
    assert name.startswith("fraudsieve.")
    assert thing.__module__.split(".")[0] == "fraudsieve"


@pytest.mark.parametrize(("name", "thing"), public_objects())
def test_public_objects_are_documented(name: str, thing: Any) -> None:
    errors = [text for code, text in validate(name)["errors"] if code in CHECKS]
    assert errors == []


@pytest.mark.parametrize(("name", "thing"), public_objects())
def test_defaults_in_docstrings_are_those_of_the_signature(name: str, thing: Any) -> None:
    documented = dict(re.findall(r"^    (\w+) : .*default=([^\s)]+)$", inspect.getdoc(thing) or "", re.M))
    documented |= dict(re.findall(r"^(\w+) : .*default=([^\s)]+)$", inspect.getdoc(thing) or "", re.M))
    parameters = inspect.signature(thing).parameters
    for parameter, text in documented.items():
        default = parameters[parameter].default
        shown = repr(default).replace("'", '"')
        assert shown == text or str(default) == text, parameter


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert fraudsieve.__version__ == project["version"]
    assert f"## [{fraudsieve.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_lock_is_hashed_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock, flags=re.M).strip())
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_rooms_are_linked() -> None:
    for room in ("features", "models", "training"):
        link = ROOT / "src" / "fraudsieve" / room
        assert link.is_symlink()
        assert link.resolve() == ROOT / room


def test_imports_run_downward_only() -> None:
    below = {"features": (), "models": ("features",), "training": ("features", "models")}
    for room, allowed in below.items():
        for path in (ROOT / room).rglob("*.py"):
            used = set(
                re.findall(r"^\s*(?:from|import) fraudsieve\.(features|models|training)", path.read_text("utf-8"), re.M)
            )
            assert used <= {*allowed}, path.name


def test_the_readme_runs_the_test_command_of_ci() -> None:
    command = "pytest -n 2 --dist loadfile"
    assert f'```sh\npip install -e ".[dev]" && {command}\n```' in (ROOT / "README.md").read_text("utf-8")
    assert f"\n{command}\n" in (ROOT / ".ci" / "run").read_text("utf-8")
