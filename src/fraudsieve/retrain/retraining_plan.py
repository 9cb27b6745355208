"""The plan of a retraining: what it would learn from and be compared on, and whether there is anything new."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, JsonObject, Progress
from fraudsieve.exceptions import ArtifactError, RecipeError, SchemaError, StateError
from fraudsieve.live.export import StoredTables, read_stored_tables
from fraudsieve.live.session import holds_history
from fraudsieve.live.store.event_store import existing_store
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.scored_tables import check_usable, columns_used, label_reader, options_of_model
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.source import InputTable, Source, as_input, origin_of
from fraudsieve.training.data.builders import read_data, sample_slice
from fraudsieve.training.data.classes import check_classes
from fraudsieve.training.data.groups import groups_of, learned_until, trained_until
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.facts import window_of
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.promotion.decision import NEEDS_RESTART, evaluated_model
from fraudsieve.training.promotion.gates import overturned_gate
from fraudsieve.training.promotion.model_comparison import (
    Overturned,
    digest_of,
    keeps_history,
    overturned_frauds,
    recipe_digest,
    recipe_to_repeat,
)
from fraudsieve.training.promotion.same_records import (
    can_stand_in,
    check_comparable,
    later_than,
    newest_slice,
    unseen_slice,
)
from fraudsieve.training.recipe.headers import check_headers
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import plan_refit
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.store import is_new_store, tracking_uri, use_store
from fraudsieve.training.tracking.tracked_run import CHALLENGER, CHAMPION, RunContent, open_run


@dataclass(frozen=True, eq=False)
class Version:
    """A version of the registered model."""

    number: str
    model: Model


@dataclass(frozen=True, eq=False)
class BaseModel:
    """A model, its recipe for the tables of today, and the champion and the challenger of its name."""

    address: str
    model: Model
    recipe: Recipe
    champion: Version | None = None
    challenger: Version | None = None

    @property
    def in_use(self) -> Model:
        """The model that a new one would replace: the champion, or this one until there is a champion."""
        return self.model if self.champion is None else self.champion.model

    @property
    def registry(self) -> Registry:
        """The registered model in its store."""
        return Registry(tracking_uri(self.recipe.track.uri), self.recipe.name)

    def register(self, folder: Path) -> str:
        """Make the model the first champion of its name; return its version, which is new unless it has one."""
        name = _registered_name(self.address)
        if name == self.recipe.name:
            registry = self.registry
            number = registry.version_of(self.address)
            with registry.sole_change():
                registry.make_champion(number, [number])
            return number
        text = f"Registered as the first champion, to compare later models with. Digest: `{self.model.digest}`"
        content = RunContent(f"{self.recipe.name}, first champion", text)
        with open_run(self.registry.uri, self.recipe.track.experiment, name=content.name) as run:
            logged = run.finish(folder, content, register_as=self.recipe.name)
        return self.registry.version_of(logged.model_uri)


@dataclass(frozen=True, eq=False)
class GivenTables:
    """The tables of a retraining."""

    tables: Mapping[str, Source]
    # The time from which on the records of the store have all their history; None if no old rows were deleted.
    trains_since: str | None = None
    notes: tuple[str, ...] = ()
    holds_history: bool = True


def load_base(address: str | Path, changes: Mapping[str, Any]) -> BaseModel:
    """Load a model and its recipe, with some values replaced, and the versions of its name."""
    use_store(tracking_uri(changes.get("track.uri")))
    model = Scorer.load(address).model
    kept = recipe_to_repeat(model)
    if kept is None:
        problem = "expected a model with the recipe of its training, got one without, or with that of another version"
        raise ArtifactError(str(address), problem, "Train it again with train.")
    recipe = _recipe(kept, model, _registered_name(address), changes)
    uri = tracking_uri(recipe.track.uri)
    if is_new_store(uri):
        return BaseModel(str(address), model, recipe)
    registry = Registry(uri, recipe.name)
    aliases = registry.aliases() if registry.exists() else {}
    champion, challenger = (_version(registry, aliases.get(alias)) for alias in (CHAMPION, CHALLENGER))
    if champion is not None and "track.experiment" not in changes:
        experiment = registry.experiment(champion.number) or recipe.track.experiment
        recipe = recipe.model_copy(update={"track": recipe.track.model_copy(update={"experiment": experiment})})
    return BaseModel(str(address), model, recipe, champion, challenger)


def _recipe(kept: Recipe, model: Model, name: str | None, changes: Mapping[str, Any]) -> Recipe:
    defaults = {"name": name or kept.name, "data.subject": model.subject, "data.as_of": datetime.now(UTC)}
    given = {key: value for key, value in changes.items() if value is not None}
    return Recipe.read(overrides=kept.model_dump() | defaults | given)


def _registered_name(address: str | Path) -> str | None:
    """Return the name in the address of a version of a registered model; None for any other model."""
    match = re.fullmatch(r"models:/([^/]+)[/@][^/@]+", str(address))
    return None if match is None else match[1]


def _version(registry: Registry, number: str | None) -> Version | None:
    return None if number is None else Version(number, Scorer.load(registry.folder(number)).model)


Step: TypeAlias = Literal["train", "compare", "nothing"]


@dataclass(frozen=True)
class ComparedRecords:
    """The records that the models would be compared on, and whether each has learned from them."""

    rows: int
    frauds: int
    since: str
    stand_ins: tuple[str, ...]
    # Whether the evaluated models of both are compared, because labels come too late for stand-ins.
    evaluated: bool = False


@dataclass(frozen=True, kw_only=True)
class RetrainPlan:
    """What a retraining would do.

    Parameters
    ----------
    step : {"train", "compare", "nothing"}
        Whether a model is to be trained, one that is registered already is to be compared, or there is nothing to do.
    reason : str
        Why, in a sentence.
    model : str
        Address of the model whose recipe is used.
    subject : {"message", "account", "event"}
        What the model scores.
    name : str
        Name of the registered model.
    champion : str or None
        Address of the champion; None if there is none yet: the model then becomes the first.
    recipe : str
        Digest of the settings that decide on the fit.
    refresh : bool
        Whether these are those of the champion.
    search : str or None
        Time of the search of settings that the recipe has; None without a search.
    as_of : str
        The time before which records and labels are known.
    tables : mapping of str to str
        The tables by name, without the secrets of addresses.
    labelled, unlabelled, rejected : int
        Records with a label, without one, and rejected ones.
    span : tuple of str
        The first and the last time of the labelled records.
    by_class : mapping of str to int
        Labelled records by class.
    by_source : mapping of str to int, or None
        Labels by source; None if they have none.
    train_rows, calibration_rows : int
        Records that the model would learn from, and those that would calibrate it.
    window : tuple of str
        The first and the last time of the records that it would learn from.
    compared : ComparedRecords or None
        The records to compare on; None if nothing is new.
    trains_since : str, default=None
        The time from which on the records of the store have all their history; None without a store, or if it has all
        rows.
    needs_restart : bool, default=False
        Whether the history of the model is not that of the champion, or not in the store: a running service refuses it.
    overturned : Overturned, default=None
        Frauds known to the model in use that are legitimate now, by source; None if there are none to overturn.
    warnings : tuple of str, default=()
        What stands against a promotion, or must follow it.
    """

    step: Step
    reason: str
    model: str
    subject: Subject
    name: str
    champion: str | None
    recipe: str
    refresh: bool
    search: str | None
    as_of: str
    tables: Mapping[str, str]
    labelled: int
    unlabelled: int
    rejected: int
    span: tuple[str, ...]
    by_class: Mapping[str, int]
    by_source: Mapping[str, int] | None
    train_rows: int
    calibration_rows: int
    window: tuple[str, ...]
    compared: ComparedRecords | None
    trains_since: str | None = None
    needs_restart: bool = False
    overturned: Overturned | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> JsonObject:
        """Return the plan as plain JSON types.

        Returns
        -------
        dict
        """
        content: JsonObject = to_json_types(self)
        return content


@dataclass(frozen=True, eq=False)
class Preparation:
    """A plan, with the model and the tables that it is about."""

    base: BaseModel
    inputs: dict[str, Any]
    plan: RetrainPlan
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Learning:
    """The rows that the new model would learn from, and the time of the last that it has been shown."""

    data: LabelledData
    train: Array
    calibration: Array
    evaluated: Array

    def until(self, *parts: Array) -> pd.Timestamp | None:
        times = self.data.rows["as_of"].iloc[np.concatenate(parts)].dropna()
        return None if times.empty else times.max()

    @property
    def facts(self) -> JsonObject:
        """What a model that was trained on these has in its training facts."""
        window, calibration = (window_of(self.data, rows) for rows in (self.train, self.calibration))
        of_data = {"digests": self.data.digests, "unlabelled": self.data.n_unlabelled}
        return {"window": window, "calibration_window": calibration, **of_data}


def plan_retraining(
    model: str | Path,
    *,
    messages: "Source | None" = None,
    accounts: "Source | None" = None,
    events: "Source | None" = None,
    labels: "Source | None" = None,
    state: str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
    progress: "Progress | None" = None,
) -> RetrainPlan:
    """Return what `retrain` would do. Nothing is trained, written or registered.

    Parameters
    ----------
    model : str or Path
        A model folder, or an address such as ``models:/NAME@champion``.
    messages, accounts, events, labels : path or DataFrame, default=None
        All records and labels that there are, as for `retrain`.
    state : str or Path, default=None
        The event store of a service, as for `retrain`.
    changes : mapping, default=None
        Values of the recipe to replace, as for `retrain`.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    RetrainPlan
        The step that would follow, and why.

    Raises
    ------
    ArtifactError, FileNotFoundError, RecipeError, SchemaError, SplitError, StateError, TrackingError
        As for `retrain`.

    Examples
    --------
    ::

        plan = plan_retraining("models:/payments@champion", events="payments.parquet", labels="labels.parquet")
        plan.step, plan.reason, plan.compared
    """
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    return prepare_retraining(model, tables, state, changes or {}, progress or (lambda step: None)).plan


def prepare_retraining(
    model: str | Path,
    tables: Mapping[str, Source | None],
    state: str | Path | None,
    changes: Mapping[str, Any],
    progress: Progress,
) -> Preparation:
    """Load the model, read the tables, and plan what to do with them."""
    progress("loading the model")
    base = load_base(model, changes)
    progress("reading")
    given = with_store(base.model, tables, state)
    inputs = inputs_of(base.model, base.recipe, given.tables)
    data = read_training_table(base.model, base.recipe, inputs)
    progress(f"looking for {data.subject.unit}s")
    plan = _plan(base, inputs, given, _learning(base, data))
    return Preparation(base, inputs, plan, (*given.notes, *data.notes))


def _learning(base: BaseModel, data: LabelledData) -> _Learning:
    split = choose_split(data, *groups_of(data), base.recipe)
    evaluated = np.concatenate([split.train, split.calibration])
    if not base.recipe.model.refit:
        return _Learning(data, split.train, split.calibration, evaluated)
    refit = plan_refit(data, split).split
    return _Learning(data, refit.train, refit.calibration, evaluated)


def _plan(base: BaseModel, inputs: Mapping[str, Source], given: GivenTables, learning: _Learning) -> RetrainPlan:
    data, recipe, champion = learning.data, base.recipe, base.champion
    assert recipe.data.as_of is not None  # a retraining always has one
    refresh = recipe_digest(base.in_use) == digest_of(recipe)
    step, reason = _next_step(base, learning, refresh)
    compared = None if step == "nothing" else _compared(base, learning, refresh)
    if compared is not None and not compared.frauds:
        step, reason = "nothing", f"None of the {compared.rows:,} {data.subject}s to compare on is fraud."
    needs_restart = not (given.holds_history and keeps_history(recipe, base.in_use))
    overturned = overturned_frauds(data, base.in_use, recipe.data.trusted)
    gate = None if overturned is None else overturned_gate(overturned, recipe.gates)
    by_class, by_source = count_labels(data)
    delay = data.delay_note(data.gap_days(recipe.split.gap_days))
    return RetrainPlan(
        step=step,
        reason=reason,
        model=base.address,
        subject=data.subject,
        name=recipe.name,
        champion=None if champion is None else base.registry.address(champion.number),
        recipe=digest_of(recipe),
        refresh=refresh,
        search=None if recipe.tune is None else recipe.tune.budget,
        as_of=recipe.data.as_of.isoformat(timespec="seconds"),
        tables={name: origin_of(table) for name, table in inputs.items()},
        labelled=len(data.rows),
        unlabelled=data.n_unlabelled,
        rejected=len(data.rejected),
        span=tuple(window_of(data, np.arange(len(data.rows)))),
        by_class=by_class,
        by_source=by_source,
        train_rows=len(sample_slice(data, learning.train, recipe)),
        calibration_rows=len(learning.calibration),
        window=tuple(window_of(data, learning.train)),
        compared=compared,
        trains_since=given.trains_since,
        needs_restart=needs_restart,
        overturned=overturned,
        warnings=(
            *[NEEDS_RESTART][:needs_restart],
            *([] if gate is None or gate.passed else [gate.reason]),
            *([] if delay is None else [f"{delay.capitalize()}."]),
        ),
    )


def _next_step(base: BaseModel, learning: _Learning, refresh: bool) -> tuple[Step, str]:
    """Return what to do, and why: nothing if the model in use has learned from all that is mature."""
    old, new = learned_until(base.in_use), learning.until(learning.train, learning.calibration)
    who = "the champion" if base.champion is not None else "the model"
    if refresh and old is not None and new is not None and new <= old:
        known = f"{who} has learned from {learning.data.subject}s until {_minute(old)}"
        return "nothing", f"Nothing is new: {known}, and the mature labels reach until {_minute(new)}."
    if base.challenger is not None and _is_same(base.challenger.model, base, learning):
        address = base.registry.address(base.challenger.number)
        return "compare", f"{address} was trained on these tables with this recipe, so it is not trained again."
    if not refresh:
        return "train", f"The recipe is not that of {who}, so the new model must be better than it."
    known = "" if old is None else f" has learned until {_minute(old)}, and"
    mature = "" if new is None else f" the mature labels reach until {_minute(new)}"
    return "train", f"{who.capitalize()}{known}{mature}."


def _minute(time: pd.Timestamp) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def _is_same(challenger: Model, base: BaseModel, learning: _Learning) -> bool:
    """Return whether a challenger has the recipe and the rows that a new model would have."""
    recipe, training = base.recipe, challenger.training
    same_recipe = recipe_digest(challenger) == digest_of(recipe) and training["recipe"]["seed"] == recipe.seed
    return same_recipe and learning.facts.items() <= training.items() and "recalibration" not in training


def _compared(base: BaseModel, learning: _Learning, refresh: bool) -> ComparedRecords:
    """Return the records that `promote` would compare the new model with the champion on."""
    data, recipe, old = learning.data, base.recipe, trained_until(base.in_use)
    check_comparable(None, base.in_use)
    is_fraud = (data.rows["label"] != base.model.legitimate).to_numpy()
    new = learning.until(learning.train, learning.calibration)
    if refresh:
        newest = newest_slice(data, (old, new), recipe, is_fraud, recipe.gates.refresh_frauds)
        roles = zip(("champion", "challenger"), (old, new), strict=True)
        stand_ins = tuple(role for role, end in roles if newest.is_known_to(end))
        if not stand_ins or can_stand_in(data, newest, recipe):
            return _records(data, newest.rows.rows, is_fraud, stand_ins)
        if base.champion is not None:
            evaluated, _ = evaluated_model(base.registry, base.champion.number, Scorer(base.in_use))
            old = trained_until(evaluated.model)
    ends = (old, learning.until(learning.evaluated))
    later = unseen_slice(data, ends, recipe).rows if refresh else later_than(data.rows["as_of"], ends)
    if not later.any():
        last = max(end for end in ends if end is not None).isoformat()
        problem = f"none of {len(later):,} labelled {data.subject}s is later than {last}, the end of what a model knows"
        raise SchemaError(f"{data.subject}s", problem, f"Give later {data.subject}s with labels.")
    return _records(data, later, is_fraud, (), evaluated=refresh)


def _records(
    data: LabelledData, rows: Array, is_fraud: Array, stand_ins: tuple[str, ...], *, evaluated: bool = False
) -> ComparedRecords:
    since = data.rows["as_of"][rows].min().isoformat()
    return ComparedRecords(int(rows.sum()), int((rows & is_fraud).sum()), since, stand_ins, evaluated)


def with_store(model: Model, given: Mapping[str, Source | None], state: str | Path | None) -> GivenTables:
    """Return the tables that were given, after those of a store if there is one."""
    tables = {name: table for name, table in given.items() if table is not None}
    if state is None:
        return GivenTables(tables)
    with existing_store(state) as store:
        stored, origin = read_stored_tables(store, model), store.origin
        with store.reading() as transaction:
            holds = holds_history(transaction, model.matrix.history_declaration)
    table = f"{model.subject}s"
    if stored.not_kept and table not in tables:
        lacking = " and ".join(stored.not_kept)
        fix = f"Give --{table}" + ("." if model.subject.is_account else ", or log records: serve --score-log records.")
        raise StateError(origin, f"it does not keep {lacking}, which the model learns from", fix)
    if "labels" not in stored.tables and not tables.keys() & {table, "labels"}:
        fix = "Send them to /v1/labels, load them with state load, or give --labels."
        raise StateError(origin, f"it holds no labels of {table}", fix)
    options, used = options_of_model(model), {table, "labels", *model.matrix.history_parts}
    for name in filter(used.__contains__, stored.tables):  # a store may have events of another model
        own = InputTable(stored.tables[name], options, origin)
        tables[name] = [own, *as_input(tables[name]).parts] if name in tables else own
    return GivenTables(tables, stored.trains_since, tuple(_notes(stored, given, origin)), holds)


def _notes(stored: StoredTables, given: Mapping[str, Source | None], origin: str) -> Iterator[str]:
    if stored.trains_since is not None:
        yield f"{origin}: old rows were deleted, so records before {stored.trains_since} lack a part of their history"
    lacking = stored.rows["messages_without_text"]
    if lacking and given.get("messages") is None:
        yield f"{origin}: {lacking:,} of the messages in the history were not scored, so campaigns lack them"


def inputs_of(model: Model, recipe: Recipe, tables: Mapping[str, Source]) -> dict[str, InputTable]:
    """Return the tables that were given, to be read as those of the model were."""
    options = recipe.data.options.or_else(options_of_model(model))
    inputs = {name: as_input(table, options) for name, table in tables.items()}
    check_usable(
        [model], {name: table for name, table in inputs.items() if name not in ("labels", f"{model.subject}s")}
    )
    if "events" in model.matrix.history_parts and "events" not in inputs:
        raise RecipeError("--events", ["expected the events that the model has features of, got none. Add --events"])
    check_headers(recipe, inputs)
    return inputs


def read_training_table(model: Model, recipe: Recipe, inputs: Mapping[str, InputTable]) -> LabelledData:
    """Read the records that a retraining learns from, as `train` does."""
    reader = label_reader(model)
    data = read_data(recipe, inputs, min_label_rows=recipe.data.min_label_rows, reader=reader, to_train=True)
    _check_columns(model, data, inputs)
    check_classes(data, inputs.get(f"{model.subject}s") or inputs["labels"], recipe.data)
    return data


def _check_columns(model: Model, data: LabelledData, inputs: Mapping[str, InputTable]) -> None:
    """Check that the tables have the columns that the model has learned from: without them it would be another one."""
    for name, columns in columns_used(model).items():
        rows = data.events if name == "events" and data.events is not None else data.rows
        missing = [column for column in columns if column not in rows]
        if missing:
            used = f"expected the {len(columns)} columns that the model uses, got a table without {', '.join(missing)}"
            fix = "Add them, or name them with --column NAME=COLUMN. A model without them is a new recipe: use train."
            raise SchemaError(origin_of(inputs.get(name, name)), used, fix)


def count_labels(data: LabelledData) -> tuple[dict[str, int], dict[str, int] | None]:
    """Return the numbers of labelled records by class, and of labels by source; None if labels have no sources."""
    labels = data.rows if data.all_labels is None else data.all_labels
    by_source = labels["source"].fillna("none").value_counts() if "source" in labels else None
    return _counts(data.rows["label"].value_counts()), None if by_source is None else _counts(by_source)


def _counts(counts: "pd.Series[int]") -> dict[str, int]:
    return {str(name): int(count) for name, count in counts.items()}
