"""Public names exist, are documented and have their place; files that state facts about the repository are right."""

import importlib
import inspect
import re
import tomllib
from typing import Any

import pytest
from numpydoc.validate import validate

import fraudsieve
from scripts.imports import ROOMS, ROOT
from scripts.reference.public_names import constant_text, is_code, packages, public_names, resolve

# The checks of numpydoc that every public name passes: a summary, all parameters with types, and returns. A parameter
# whose text would only repeat its name or its type has none: see test_docstrings.
CHECKS = {"GL08", "SS03", "SS05", "PR01", "PR02", "PR03", "PR04", "RT01", "RT03", "YD01"}


PACKAGES = packages()


def public_objects() -> list[tuple[str, Any]]:
    return sorted((name, thing) for name, thing in public_names().items() if is_code(thing))


def public_constants() -> list[str]:
    return sorted(name for name, thing in public_names().items() if not is_code(thing))


@pytest.mark.parametrize("name", public_constants())
def test_a_public_name_is_a_class_a_function_or_a_documented_constant(name: str) -> None:
    assert constant_text(name)
    assert not inspect.ismodule(resolve(name))


def test_public_names_of_every_kind_exist() -> None:
    assert len(PACKAGES) > 20
    assert len(public_objects()) > 60
    assert len(public_constants()) > 5


@pytest.mark.parametrize("package", PACKAGES)
def test_all_lists_exactly_the_names_that_exist(package: str) -> None:
    module = importlib.import_module(package)
    assert all(hasattr(module, name) for name in module.__all__)
    assert dir(module) == sorted(module.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize(("name", "thing"), public_objects())
def test_public_objects_come_from_the_package_and_not_from_the_checkout(name: str, thing: Any) -> None:
    assert name.startswith("fraudsieve.")
    assert thing.__module__.split(".")[0] == "fraudsieve"


@pytest.mark.parametrize(("name", "thing"), public_objects())
def test_public_objects_are_documented(name: str, thing: Any) -> None:
    inherited = inspect.isclass(thing) and "__init__" not in vars(thing)  # documented where it is defined
    checks = CHECKS - ({"PR01"} if inherited else set())
    parameters = inspect.signature(thing).parameters.values() if not inherited else ()
    if all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters):
        checks -= {"PR03"}  # their order does not matter
    errors = [text for code, text in validate(name)["errors"] if code in checks]
    assert errors == []


@pytest.mark.parametrize(("name", "thing"), public_objects())
def test_signatures_show_the_name_of_what_may_be_a_table(name: str, thing: Any) -> None:
    if inspect.isfunction(thing):
        assert "ArrowFrame" not in str(inspect.signature(thing)), 'quote it: messages: "Source | None" = None'


@pytest.mark.parametrize(("name", "thing"), public_objects())
def test_defaults_in_docstrings_are_those_of_the_signature(name: str, thing: Any) -> None:
    if inspect.isclass(thing) and issubclass(thing, Exception) and "__init__" not in vars(thing):
        return
    documented = dict(re.findall(r"^    (\w+) : .*default=([^\s)]+)$", inspect.getdoc(thing) or "", re.M))
    documented |= dict(re.findall(r"^(\w+) : .*default=([^\s)]+)$", inspect.getdoc(thing) or "", re.M))
    parameters = inspect.signature(thing).parameters
    for parameter, text in documented.items():
        default = parameters[parameter].default
        shown = repr(default).replace("'", '"')
        constant = getattr(importlib.import_module(thing.__module__), text, None)
        assert default == constant or text in (shown, str(default)), parameter


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert fraudsieve.__version__ == project["version"]
    assert f"## [{fraudsieve.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_lock_has_hashes_and_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert "://" not in lock
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock, flags=re.M).strip())
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.skipif((ROOT / "PKG-INFO").exists(), reason="an sdist has no links")
def test_the_rooms_are_linked() -> None:
    for room in ROOMS:
        link = ROOT / "src" / "fraudsieve" / room
        assert link.is_symlink()
        assert link.resolve() == ROOT / room


def test_the_readme_runs_the_test_command_of_ci() -> None:
    command = "pytest -n 2 --dist loadfile"
    assert f'```sh\npip install -e ".[dev]" && {command}\n```' in (ROOT / "README.md").read_text("utf-8")
    assert f"\n{command} " in (ROOT / ".ci" / "run").read_text("utf-8")
