"""The plan of a retraining: what it would learn from and be compared on, and whether there is anything new."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import Model
from fraudsieve.tables.source import Source, origin_of
from fraudsieve.training.data.after_training import learned_until, trained_until
from fraudsieve.training.data.builders import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import sample_slice
from fraudsieve.training.facts import window_of
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.promotion.decision import NEEDS_RESTART
from fraudsieve.training.promotion.gates import overturned_gate
from fraudsieve.training.promotion.newest_slice import later_than, newest_slice
from fraudsieve.training.promotion.overturned import Overturned, overturned_frauds
from fraudsieve.training.promotion.refresh import digest_of, keeps_history, recipe_digest
from fraudsieve.training.promotion.same_records import check_comparable
from fraudsieve.training.refit.plan import plan_refit
from fraudsieve.training.splits.choose import choose_split

from .base_model import BaseModel, load_base
from .store_tables import GivenTables, with_store
from .training_table import count_labels, inputs_of, read_training_table

Step: TypeAlias = Literal["train", "compare", "nothing"]
Ends: TypeAlias = tuple[pd.Timestamp | None, ...]


@dataclass(frozen=True)
class ComparedRecords:
    """The records that the models would be compared on, and whether each has learned from them."""

    rows: int
    frauds: int
    since: str
    stand_ins: tuple[str, ...]


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
    subject: str
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

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types.

        Returns
        -------
        dict
        """
        content: dict[str, Any] = to_json_types(self)
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
    def facts(self) -> dict[str, Any]:
        """What a model that was trained on these has in its training facts."""
        window, calibration = (window_of(self.data, rows) for rows in (self.train, self.calibration))
        of_data = {"digests": self.data.digests, "unlabelled": self.data.n_unlabelled}
        return {"window": window, "calibration_window": calibration, **of_data}


def plan_retraining(
    model: str | Path,
    *,
    messages: Source | None = None,
    accounts: Source | None = None,
    events: Source | None = None,
    labels: Source | None = None,
    state: str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
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
    progress("looking for campaigns" if data.subject == "message" else "looking for accounts")
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
    refresh = recipe_digest(base.in_use) == digest_of(recipe)
    step, reason = _next_step(base, learning, refresh)
    compared = None if step == "nothing" else _compared(base, learning, refresh)
    if compared is not None and not compared.frauds:
        step, reason = "nothing", f"None of the {compared.rows:,} {data.subject}s to compare on is fraud."
    needs_restart = not (given.holds_history and keeps_history(recipe, base.in_use))
    overturned = overturned_frauds(data, base.in_use, recipe.data.trusted)
    gate = None if overturned is None else overturned_gate(overturned, recipe.gates)
    by_class, by_source = count_labels(data)
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
        as_of=base.as_of,
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
        warnings=(*[NEEDS_RESTART][:needs_restart], *([] if gate is None or gate.passed else [gate.reason])),
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
        return _records(data, newest.rows.rows, is_fraud, stand_ins)
    ends: Ends = (old, learning.until(learning.evaluated))
    later = later_than(data.rows["as_of"], ends)
    if not later.any():
        last = max(end for end in ends if end is not None).isoformat()
        problem = f"none of {len(later):,} labelled {data.subject}s is later than {last}, the end of what a model knows"
        raise SchemaError(f"{data.subject}s", problem, f"Give later {data.subject}s with labels.")
    return _records(data, later, is_fraud, ())


def _records(data: LabelledData, rows: Array, is_fraud: Array, stand_ins: tuple[str, ...]) -> ComparedRecords:
    since = data.rows["as_of"][rows].min().isoformat()
    return ComparedRecords(int(rows.sum()), int((rows & is_fraud).sum()), since, stand_ins)
