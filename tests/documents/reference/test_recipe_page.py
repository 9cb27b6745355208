"""The page of the recipe says type, bounds, default and meaning of every key."""

import re
import tomllib

import pytest
from pydantic import BaseModel

from fraudsieve import Recipe
from scripts.reference.recipe import recipe_keys, recipe_page

TEXT = recipe_page()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("seed", "Whole number, at least `0`, default `0`."),
        ("split.test_share", "Number, above `0`, below `0.9`, default `0.2`."),
        (
            "split.kind",
            'One of `"auto"`, `"time"`, `"campaign"`, `"account"`, `"group"`, `"random"`, default `"auto"`.',
        ),
        ("features.C", "Number, above `0`, default `3.0`."),
        ("data.labels", "String or list of strings, no default."),
        ("thresholds.costs.missed", "Number, above `0`, required."),
    ],
)
def test_a_key_has_its_type_its_bounds_and_its_default(key: str, text: str) -> None:
    assert f":::{{recipe}} {key}\n{text}\n" in TEXT


def test_every_key_has_a_meaning() -> None:
    entries = re.findall(r"^:::\{recipe\} (\S+)\n.+\n\n(.+)\n:::$", TEXT, re.MULTILINE)
    assert [key for key, _ in entries] == [*recipe_keys()]
    assert [key for key, meaning in entries if len(meaning) < 10] == []


def test_a_default_of_the_page_is_what_a_recipe_has() -> None:
    defaults = re.findall(r"^:::\{recipe\} (\S+)\n.+ default `([^`{]+)`\.$", TEXT, re.MULTILINE)
    assert len(defaults) > 60
    for key, shown in defaults:
        value: object = Recipe.read(overrides={"tune.trials": 1})
        for name in key.split("."):
            value = getattr(value, name) if isinstance(value, BaseModel) else None
        value = list(value) if isinstance(value, tuple) else value
        assert tomllib.loads(f"value = {shown}")["value"] == value or key.startswith("thresholds.costs"), key
