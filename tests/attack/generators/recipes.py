"""Recipes in TOML with unknown keys, odd values and changed bytes."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fraudsieve.training.recipe.recipe import Recipe
from tests.attack.changes import change_bytes, change_json
from tests.attack.outcomes import Attempt, Outcome, judge


def prepare(folder: Path) -> Attempt:
    """Return a function that changes a recipe and reads it."""
    return partial(_attempt, folder / "recipe.toml", Recipe().model_dump(mode="json"))


def _attempt(file: Path, complete: dict[str, Any], rng: np.random.Generator) -> Outcome:
    settings = json.loads(json.dumps(complete))
    for _ in range(int(rng.integers(1, 4))):
        change_json(settings, rng)
    content = _toml(settings).encode("utf-8", "surrogatepass")
    if rng.random() < 0.02:
        content += b"\nx = " + b"[" * int(rng.integers(1, 20_000))
    elif rng.random() < 0.3:
        content = change_bytes(content, rng, likely=b'[]="\n.,{}0')
    file.write_bytes(content)
    return judge(lambda: _reads_equally(file))


def _toml(settings: dict[str, Any]) -> str:
    """Write sections as inline tables, which TOML allows anywhere; it has no null."""
    return "".join(f"{json.dumps(key)} = {toml_value(value)}\n" for key, value in settings.items() if value is not None)


def toml_value(value: Any) -> str:
    """Return a value of JSON in TOML."""
    if isinstance(value, dict):
        parts = (f"{json.dumps(key)} = {toml_value(part)}" for key, part in value.items() if part is not None)
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(part) for part in value if part is not None) + "]"
    if isinstance(value, float):
        return {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}.get(json.dumps(value), repr(value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else json.dumps(value)


def _reads_equally(file: Path) -> bool:
    """Read a recipe, and return whether what it holds reads as the same recipe."""
    recipe = Recipe.read(file)
    return Recipe.model_validate(recipe.model_dump()) == recipe and Recipe.read(file) == recipe
