"""Feature builders of recipes and models, for messages, accounts or events."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.default_views import identifier_columns
from fraudsieve.features.feature_matrix import account_matrix_of, message_matrix_of
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.rows import NO_HISTORY, feature_rows, with_absent_columns
from fraudsieve.models.batch.scored_tables import TableHistory
from fraudsieve.models.predict import Scorer
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.label_values import LabelReader, read_labels
from fraudsieve.tables.source import InputTable, Source, as_input
from fraudsieve.training.attack.augmentation import augment
from fraudsieve.training.labels import DAY
from fraudsieve.training.recipe.data import LabelRecipe
from fraudsieve.training.recipe.recipe import Recipe

from .accounts_events import known_labels_of, load_accounts, load_events
from .after_training import known_before
from .groups import Positions, units_of, with_group
from .labelled import LabelledData, load_labelled, months_for
from .precomputed_matrix import PrecomputedMatrix
from .precomputed_tables import load_precomputed

Builder: TypeAlias = MessageFeatures | AccountFeatures | PrecomputedMatrix


def read_data(
    recipe: Recipe,
    tables: Mapping[str, Source | None],
    *,
    min_label_rows: int,
    reader: LabelReader | None = None,
    to_train: bool = False,
) -> LabelledData:
    """Read the tables of the subject of a recipe, as of the time that it names.

    To train, a record counts as legitimate earlier than the recipe says if the records span too little time for that.
    """
    given = {name: as_input(source, recipe.data.options) for name, source in tables.items() if source is not None}
    if "features" in given:
        if len(given) > 1:
            others = ", ".join(name for name in given if name != "features")
            raise RecipeError("recipe", [f"data.features: expected no other table, got {others}. Remove them"])
        if recipe.data.as_of is not None:
            raise RecipeError("recipe", ["data.as_of: expected tables, got features that are computed. Remove it"])
        data = load_precomputed(given["features"], recipe, min_label_rows=min_label_rows)
        return with_group(data, recipe.split.group, recipe.data.columns)
    data = with_group(_read_subject(recipe, given, min_label_rows, reader), recipe.split.group, recipe.data.columns)
    if recipe.data.as_of is not None:
        data = _as_of(data, pd.Timestamp(recipe.data.as_of), min_label_rows)
    if not to_train or data.assumed_after is None or data.assumed_after <= timedelta(days=data.delays[1]):
        return data
    shorter = LabelRecipe(legitimate_after=f"{max(1, int(data.delays[1] * DAY))}s")
    short = recipe.model_copy(update={"labels": shorter})
    days, used = data.assumed_after / timedelta(days=1), data.delays[1]
    note = (
        f"legitimate_after is {days:.3g} days, which needs about {months_for(days)} months of records: of those given, "
        f"one without a label counts as legitimate after {used:.3g} days"
    )
    data = read_data(short, tables, min_label_rows=min_label_rows, reader=reader)
    return replace(data, notes=(*data.notes, note))


def _as_of(data: LabelledData, time: pd.Timestamp, min_label_rows: int) -> LabelledData:
    """Leave out records and labels of a time and later, with a note."""
    known, noun = known_before(data, time, min_label_rows=min_label_rows), f"{data.subject}s"
    if data.rows["as_of"].isna().all():
        problem = f"expected {noun} with times, got none: which there were before {time.isoformat()} is unknown"
        raise SchemaError(noun, problem, "Add times.")
    n_read, n_known = (len(one.rows) + len(one.waiting) for one in (data, known))
    if known.rows.empty:
        problem = f"none of {len(data.rows):,} labels of {noun} was known before {time.isoformat()}, with a record then"
        raise SchemaError(noun, problem, "Give earlier records and labels, or a later time.")
    late = len(known.waiting) - int((data.waiting < time).sum())
    if n_read == n_known and not late:
        return known
    note = f"as of {time.isoformat()}, {n_read - n_known:,} {noun} are left out, and {late:,} more have no label yet"
    return replace(known, notes=(*known.notes, note))


def _read_subject(
    recipe: Recipe, given: dict[str, InputTable], min_label_rows: int, reader: LabelReader | None
) -> LabelledData:
    subject = recipe.data.subject_of(given)
    declared = ReadOptions(categories=tuple(f"{subject}s.{name}" for name in recipe.history.categories))
    given = {name: as_input(source, declared) for name, source in given.items()}
    labels, events = given.get("labels"), given.get("events")
    reader = partial(read_labels, legitimate=recipe.data.legitimate) if reader is None else reader
    settings: dict[str, Any] = {"min_label_rows": min_label_rows, "trust": recipe.data.trusted, "reader": reader}
    settings["legitimate_after"] = recipe.labels.age
    if subject == "message":
        return load_labelled(given["messages"], labels, events=events, **settings)
    if subject == "account":
        return load_accounts(events, accounts=given.get("accounts"), labels=labels, **settings)
    return load_events(given["events"], labels=labels, **settings)


def with_order_key(recipe: Recipe, data: LabelledData, key: str) -> Recipe:
    """Return a recipe with a key for the order of events at one time; an empty `key` is made of the labelled records.

    So a training that is repeated gives the same model, also on a table in another order or with further records that
    have no label, as a store that has dropped old ones lacks them. Nobody knows the key without all ids.
    """
    if recipe.history.order_key:
        return recipe
    if not key:
        names = ("event_id", "message_id", "account_id")
        name = next((name for name in names if name in data.rows), data.rows.columns[0])
        ids = np.sort(pd.util.hash_array(data.rows[name].astype(str).to_numpy(object)))
        key = blake2b(ids.tobytes(), digest_size=16, person=b"order_key").hexdigest()
    return recipe.model_copy(update={"history": recipe.history.model_copy(update={"order_key": key})})


def make_builder(data: LabelledData, recipe: Recipe) -> Builder:
    """Return the builder of a recipe, not yet fitted; or the matrix of the rows if it is precomputed."""
    if data.precomputed is not None:
        return data.precomputed
    history = recipe.history
    zone = recipe.data.time_zone or "UTC"
    views = history.histories(zone)
    if data.subject == "message":
        settings = recipe.features.model_dump(exclude={"augment", "campaigns"})
        settings["past"] = _past(data) if recipe.features.campaigns else None
        settings["campaign_types"] = history.campaign_types
        settings |= {
            "legitimate": data.legitimate,
            "label_classes": dict(data.reading.classes),
            "random_state": recipe.seed,
            "n_jobs": recipe.n_jobs,
            "categories": history.categories,
            "min_category_rows": history.min_category_rows,
            "digest_categories": history.digest_categories,
            "order_key": history.order_key,
        }
        return MessageFeatures(events=data.events, history=views, time_zone=zone, **settings)
    return AccountFeatures(
        data.events,
        subject=data.subject,
        history=views,
        network=history.declared_network,
        exclude=(*history.exclude, *_group_column(data, recipe)),
        min_category_rows=history.min_category_rows,
        categories=history.categories,
        digest_categories=history.digest_categories,
        time_zone=zone,
        order_key=history.order_key,
        **_labels(data, data.legitimate),
    )


def _group_column(data: LabelledData, recipe: Recipe) -> tuple[str, ...]:
    """Return the column that groups are made of, which is not a feature unless the recipe names it.

    An identifier is not excluded: it is not a feature by itself, but entities of the history are made of it.
    """
    if data.group is None or data.group in (*identifier_columns([data.group]), *recipe.history.categories):
        return ()
    return (data.group,)


def _past(data: LabelledData) -> pd.DataFrame:
    """Return all messages, and a row for each of their labels."""
    return pd.concat([data.messages, data.known_labels], ignore_index=True)


def _labels(data: LabelledData, legitimate: str) -> dict[str, Any]:
    return {"labels" if data.subject == "event" else "account_labels": known_labels_of(data, legitimate)}


def rows_to_train(
    data: LabelledData, groups: Positions, train: Positions, recipe: Recipe
) -> tuple[pd.DataFrame, npt.NDArray[np.object_], dict[str, Positions]]:
    """Return the rows to train on: those of the slice and, for fraudulent messages, obfuscated copies."""
    rows = data.rows.iloc[train]
    labels = rows["label"].to_numpy(object)
    if data.subject != "message":
        return rows, labels, {}
    is_fraud = labels != data.legitimate
    augmented = augment(rows["text"].tolist(), is_fraud, share=recipe.features.augment, seed=recipe.seed)
    places = augmented.rows
    # A campaign counts once. A group, which may be as large as a video, would hardly count then: where half of the
    # messages have a video, average precision on new ones is lower by .013.
    units = groups if data.group is None else units_of(data.rows, data.subject)[0]
    return rows.iloc[places].assign(text=augmented.texts), labels[places], {"groups": units[train][places]}


def matrix_of(builder: Builder, rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the features of labelled rows for calibration or test, without the label of each row itself."""
    matrix = builder.transform_out_of_fold(rows) if isinstance(builder, AccountFeatures) else builder.transform(rows)
    return pd.DataFrame(np.asarray(matrix, np.float64), columns=builder.get_feature_names_out(), copy=False)


def builder_of_model(model: Model, data: LabelledData) -> Builder:
    """Return a builder that computes the features that a model was trained on."""
    if model.subject == "message":
        message_builder = MessageFeatures(events=data.events, past=_past(data))
        message_builder.matrix_ = message_matrix_of(model.matrix)
        return message_builder
    matrix = account_matrix_of(model.matrix)
    builder = AccountFeatures(data.events, subject=matrix.subject, **_labels(data, model.legitimate or ""))
    builder.matrix_ = matrix
    return builder


def scores_of(scorer: Scorer, rows: pd.DataFrame, builder: Builder | None) -> dict[str, npt.NDArray[Any]]:
    """Score labelled rows.

    The result is as from `Scorer.score_columns`.
    """
    model = replace(scorer.model, policy=scorer.policy)
    if not isinstance(builder, MessageFeatures | None):  # a row is scored without its own label
        return scorer.score_rows(matrix_of(builder, with_absent_columns(model, rows)).to_numpy())
    known = NO_HISTORY if builder is None else TableHistory(events=builder.events, messages=builder.past)
    features = feature_rows(model, rows, known)
    return scorer.score_rows(features.X, features.why, features.has_history)


def flags_of(scores: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Return which records the model flags: those that reach the deciding point, and those that its policy flags."""
    return np.asarray(scores.get("model_decision", scores["decision"]) == "flag")
