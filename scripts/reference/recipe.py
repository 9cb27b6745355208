"""The keys of a recipe, from its pydantic models: type, default, bounds and meaning."""

import ast
import inspect
import re
import types
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import fraudsieve.features
import fraudsieve.models
from fraudsieve.models import thresholds
from fraudsieve.training.recipe.recipe import Recipe

from .entries import documented, entry, inline, sentence, summary
from .public_names import assigned, string_of

__all__ = ["recipe_keys", "recipe_page"]

BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "min_length": "length at least"}
BOUNDS |= {"max_length": "length at most", "pattern": "of the form"}
NAMES = {str: "string", int: "whole number", float: "number", bool: "true or false", type(None): "nothing"}


def recipe_keys() -> dict[str, tuple[type[BaseModel], FieldInfo]]:
    """Return the section and the field of every key, by its dotted name; a section itself is not a key."""
    return dict(_keys(Recipe, ""))


def _keys(section: type[BaseModel], prefix: str) -> Iterator[tuple[str, tuple[type[BaseModel], FieldInfo]]]:
    below = {name: _section_of(field.annotation) for name, field in section.model_fields.items()}
    for name, field in section.model_fields.items():
        if below[name] is None:
            yield prefix + name, (section, field)
    for name, inner in below.items():
        if inner is not None:
            yield from _keys(inner, f"{prefix}{name}.")


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a field that is a section of its own."""
    models = [part for part in (annotation, *get_args(annotation)) if isinstance(part, type)]
    return next((part for part in models if issubclass(part, BaseModel)), None)


def recipe_page() -> str:
    """Return a heading per section, and an entry per key."""
    parts, shown = [], None
    for key, (section, field) in recipe_keys().items():
        if section is not shown:
            place = key.rpartition(".")[0]
            parts.append(f"## `[{place}]`\n\n{summary(section)}\n" if place else "## Top level\n")
            shown = section
        parts.append(entry("recipe", key, f"{_described(field)}.", _meaning(section, key.rpartition(".")[2])))
    return "\n".join(parts)


def _described(field: FieldInfo) -> str:
    """Return the type, the bounds and the default of a key."""
    bounds = [
        f"{words} {_shown(getattr(part, name))}"
        for part in field.metadata
        for name, words in BOUNDS.items()
        if getattr(part, name, None) is not None
    ]
    default = field.get_default(call_default_factory=True)
    usual = "required" if field.is_required() else "no default" if default is None else f"default {_shown(default)}"
    text = ", ".join([_type(field.annotation), *bounds, usual])
    return text[0].upper() + text[1:] if text[0].islower() else text


def _shown(value: Any) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, BaseModel):
        return f"`{{{', '.join(f'{name} = {_bare(part)}' for name, part in value.model_dump().items())}}}`"
    return f"`{_bare(value)}`"


def _bare(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_bare(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_bare, value))}]"
    if isinstance(value, BaseModel):
        return _bare(value.model_dump())
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def _type(annotation: Any) -> str:
    """Return a type in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in NAMES:
        return NAMES[annotation]
    if origin is Literal:
        return "one of " + ", ".join(f'`"{name}"`' for name in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in inner if part is not type(None)))
    if origin in (list, tuple):
        return f"list of {_plural(_type(inner[0]))}"
    if origin is dict:
        return f"table of {_plural(_type(inner[1]))}" if inner[1] is not Any else "table"
    if inner and hasattr(annotation, "__metadata__"):
        return _type(inner[0])
    return "table"


def _plural(words: str) -> str:
    return re.sub(r"\b(string|number|table|list)\b", r"\1s", words)


def _meaning(section: type[BaseModel], name: str) -> str:
    """Return the meaning of a key: from its docstring, that of its section, or that of the configured class."""
    for owner in section.__mro__:
        if (text := _field_texts(owner).get(name)) is not None:
            return sentence(inline(text))
    named = re.findall(r"arameters of\W+`(\w+)`", " ".join((inspect.getdoc(section) or "").split()))
    for thing in (section, *section.__bases__, *(_named(other) for other in named)):
        if name in (texts := documented(thing)):
            return sentence(inline(texts[name][1]))
    raise ValueError(f"{section.__name__}.{name}: expected a docstring below the field, got none. Write one.")


def _named(name: str) -> Any:
    places = (fraudsieve.features, fraudsieve.models, thresholds)
    return next(getattr(place, name) for place in places if hasattr(place, name))


def _field_texts(section: type) -> dict[str, str]:
    """Return the strings below the fields of a class."""
    if not issubclass(section, BaseModel) or section is BaseModel:
        return {}
    body = ast.parse(inspect.getsource(section)).body[0].body  # type: ignore[attr-defined]
    return {
        name: text
        for node, after in pairwise(body)
        for name in assigned(node)
        if (text := string_of(after)) is not None
    }
