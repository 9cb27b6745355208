"""The headers of the tables of a run, checked before any work and before the imports that take seconds."""

from collections.abc import Mapping

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError
from fraudsieve.tables.reader import check_header
from fraudsieve.tables.source import Source, as_input

from .recipe import Recipe

TABLES = ("messages", "accounts", "events", "labels")
UNUSED = {"message": ("accounts",), "account": ("messages",), "event": ("messages", "accounts")}


def with_kinds(recipe: Recipe, tables: Mapping[str, Source | None]) -> Recipe:
    """Return a recipe with the names of tables of events, which are kinds of those without any, if it needs them."""
    data, events = recipe.data, tables.get("events")
    parts = as_input(() if events is None else events).parts
    stems = {part.stem: part.stem if len(parts) > 1 else "" for part in parts if part.stem}
    if wrong := sorted(data.kinds.keys() - stems):
        raise RecipeError("recipe", [f"data.kinds (--kind): no file of events is named {wrong[0]!r}. Correct the name"])
    is_named = any(name.partition(".")[0] in stems.keys() - {*TABLES} for name in data.columns if "." in name)
    has_kinds = data.kinds or is_named or (data.score_kind and len(parts) > 1)
    return recipe.with_values({"data.kinds": stems | data.kinds}) if has_kinds else recipe


def check_headers(recipe: Recipe, tables: Mapping[str, Source | None]) -> None:
    """Raise an error if a table that a run reads is missing, or lacks a column that it needs."""
    given = {name: as_input(source, recipe.data.options) for name, source in tables.items() if source is not None}
    if "features" in given:
        return
    subject = recipe.data.subject_of(given)
    for name in UNUSED[subject]:
        if name in given:
            problem = f"data.{name} (--{name}): a model of {subject}s does not use this table"
            raise RecipeError("recipe", [f"{problem}. Leave it out, or choose what is scored with --subject"])
    for name, source in given.items():
        further = required_columns(subject, given.get("labels"), given.get("events")) if name == f"{subject}s" else ()
        check_header(source, name, require=further)


def required_columns(subject: Subject, labels: Source | None, events: Source | None = None) -> tuple[str, ...]:
    """Return the further columns that labelled records need: their label, or the id by which other tables name them."""
    is_named = labels is not None or events is not None
    by_id = ("account_id",) if subject.is_account and is_named else ()
    if labels is None:
        return ("label", *by_id)
    return ("event_id",) if subject.is_event else by_id
