"""Feature builders of recipes and models, for messages, accounts or events.

Read a table of features that were computed before training, such as those of `fraudsieve.spark.training_sample`.

The feature matrix and the classifier of training rows, for a run and for its hyperparameter search.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fraudsieve._subjects import Subject
from fraudsieve._typing import Array, Progress
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.account_matrix import account_matrix_of, message_matrix_of
from fraudsieve.features.accounts import UNTIMED, AccountFeatures
from fraudsieve.features.default_views import identifier_columns
from fraudsieve.features.label_trust import WEIGHT
from fraudsieve.features.large_matrix import blocks_of, take_rows
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.batch.rows import NO_HISTORY, feature_rows, with_absent_columns
from fraudsieve.models.batch.scored_tables import TableHistory
from fraudsieve.models.classifier import FraudClassifier, OnRound
from fraudsieve.models.predict import Scorer
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.label_values import AUTO, LabelReader, LabelReading, read_labels
from fraudsieve.tables.source import InputTable, Source, as_input, data_digest, origin_of
from fraudsieve.tables.values.reading import normalise_label
from fraudsieve.training.attack.augmentation import augment
from fraudsieve.training.labels import DAY, RATE
from fraudsieve.training.recipe.recipe import HistoryRecipe, LabelledSize, Recipe

from .groups import Positions, known_before, units_of, with_group
from .labelled import LabelledData, Labelling, known_labels_of, load_accounts, load_events, load_labelled, months_for
from .precomputed_matrix import PRECOMPUTED_ROW, MatrixDeclaration, PrecomputedMatrix, declaration_of
from .row_sample import RowSample, select_ids

FIX: Final = "Write it with fraudsieve.spark.training_sample and write.parquet of Spark."
IDS: Final = ("event_id", "account_id")


def load_precomputed(source: Source, recipe: Recipe, *, min_label_rows: int) -> LabelledData:
    """Read labelled rows and their features.

    The result is in the order of time and id, since Spark has no order of its own.
    """
    place = origin_of(source)
    files = _files(place)
    table, declared = _read(files, place)
    _check_recipe(recipe, declared)
    records, values = _split(table, declared, place)
    reader = partial(_read_classes, declared.legitimate, recipe.data.legitimate)
    labelling = Labelling(min_label_rows, reader=reader)
    if declared.matrix.subject.is_event:
        data = load_events(records, labelling=labelling)
    else:
        data = load_accounts(None, accounts=records, labelling=labelling)
    _check_sample(data, declared, place)
    digests = {"features": data_digest(files)}
    return replace(data, events=None, digests=digests, precomputed=PrecomputedMatrix(declared, values))


def _files(place: str) -> list[Path]:
    path = Path(place)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        problem = "expected a file of Parquet, or a folder of such files, on this machine, found none"
        raise SchemaError(place, problem, FIX)
    return files


def _read(files: list[Path], place: str) -> tuple[pa.Table, MatrixDeclaration]:
    """Return the rows of all files, and their declaration."""
    try:
        found = [declaration_of(pq.read_metadata(file).metadata) for file in files]
        table = pa.concat_tables([pq.ParquetFile(file).read() for file in files])
    except (OSError, pa.ArrowException) as error:
        problem = f"cannot be read as Parquet ({type(error).__name__})"
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        problem = f"has no declaration of its features of this version ({type(error).__name__})"
    else:
        if any(one != found[0] for one in found):
            raise SchemaError(place, "its files have different declarations of features", "Train on one of them.")
        return table, found[0]
    raise SchemaError(place, problem, FIX)


def _check_recipe(recipe: Recipe, declared: MatrixDeclaration) -> None:
    """Raise RecipeError for settings that need the records themselves, or rows that were left out."""
    data, sample, subject = recipe.data, declared.until is not None, declared.matrix.subject
    problems = {
        f"data.subject: the features are of {subject}s, got {data.subject!r}": data.subject not in ("auto", subject),
        "data.trust: the labels of a precomputed matrix have no sources. Remove it": data.trusted.declared,
        "labels.legitimate_after: a precomputed matrix has rows with labels only. Remove it": recipe.labels.age,
        "history: the features of a precomputed matrix are declared where it is made. Remove it": (
            recipe.history != HistoryRecipe()
        ),
        "model.sample_rate: a precomputed matrix is sampled where it is made. Remove it": (
            (recipe.model.sample_rate or 1.0) < 1
        ),
        f"split.kind: a sample is split by time, got {recipe.split.kind!r}. Remove it": (
            sample and recipe.split.kind not in ("auto", "time")
        ),
        "tune: its folds would be tested on a sample. Remove it": sample and recipe.tune,
    }
    if any(problems.values()):
        raise RecipeError("recipe", [problem for problem, is_found in problems.items() if is_found])


def _split(table: pa.Table, declared: MatrixDeclaration, place: str) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return the records in the order of time and id, and the features of each."""
    columns, subject = declared.matrix.columns, declared.matrix.subject
    time, of_sample = subject.time, [] if declared.until is None else [subject.id, RATE]
    needed = dict.fromkeys((time, "account_id", "label", *of_sample, *columns))
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        shown = ", ".join(repr(name) for name in missing[:5])
        raise SchemaError(place, f"{len(missing)} columns are missing: {shown}", FIX)
    records = table.drop_columns(list(columns)).to_pandas()
    order = records.sort_values([time, *(name for name in IDS if name in records)], kind="stable").index.to_numpy()
    values = np.empty((len(records), len(columns)))
    for position, name in enumerate(columns):
        values[:, position] = table[name].to_numpy()[order]
    return records.iloc[order].reset_index(drop=True).assign(**{PRECOMPUTED_ROW: np.arange(len(records))}), values


def _read_classes(declared: str, setting: str, labels: "pd.Series[Any]") -> LabelReading:
    """Read labels by the setting of the recipe; with ``auto``, the label that was declared is legitimate."""
    if setting != AUTO:
        return read_labels(labels, setting)
    reading = read_labels(labels)
    is_declared = reading.classes.get(normalise_label(declared), declared) == reading.legitimate
    return reading if is_declared else read_labels(labels, declared)


def _check_sample(data: LabelledData, declared: MatrixDeclaration, place: str) -> None:
    """Check that the sampled rows are those that are read as legitimate."""
    if declared.until is None or declared.sample.rate == 1:
        return
    sampled = (data.rows[RATE] < 1).to_numpy()
    expected = (data.rows["label"] == data.legitimate) & (data.rows["as_of"] < pd.Timestamp(declared.until))
    if (sampled != expected).any():
        problem = f"{int((sampled != expected).sum())} rows are legitimate, or sampled, but not both"
        raise SchemaError(place, problem, "Remove --legitimate, or sample with the label that it names.")


SHARED: Final = {"categories", "texts", "later_dates", "min_category_rows", "digest_categories", "order_key"}
"""Settings of the history that both kinds of builders take."""
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
    short = recipe.with_values({"labels.legitimate_after": f"{max(1, int(data.delays[1] * DAY))}s"})
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
    categories, texts = (
        [f"{subject}s.{name}" for name in names] for names in (recipe.history.categories, recipe.history.texts)
    )
    declared = ReadOptions(categories=tuple(categories), texts=tuple(texts))
    given = {name: as_input(source, declared) for name, source in given.items()}
    labels, events = given.get("labels"), given.get("events")
    reader = partial(read_labels, legitimate=recipe.data.legitimate) if reader is None else reader
    labelling = Labelling(min_label_rows, recipe.data.trusted, reader, recipe.labels.age)
    if subject.has_text:
        return load_labelled(given["messages"], labels, events=events, labelling=labelling)
    if subject.is_account:
        return load_accounts(events, accounts=given.get("accounts"), labels=labels, labelling=labelling)
    return load_events(given["events"], labels=labels, kind=recipe.data.score_kind, labelling=labelling)


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
    return recipe.with_values({"history.order_key": key})


def make_builder(data: LabelledData, recipe: Recipe) -> Builder:
    """Return the builder of a recipe, not yet fitted; or the matrix of the rows if it is precomputed."""
    if data.precomputed is not None:
        return data.precomputed
    history = recipe.history
    zone = recipe.data.time_zone or "UTC"
    shared: dict[str, Any] = history.model_dump(include=SHARED) | {
        "history": history.histories(zone),
        "time_zone": zone,
    }
    if data.subject.has_text:
        settings = recipe.features.model_dump(exclude={"augment", "campaigns"})
        settings["past"] = _past(data) if recipe.features.campaigns else None
        settings["campaign_types"] = history.campaign_types
        settings |= {"legitimate": data.legitimate, "label_classes": dict(data.reading.classes)}
        return MessageFeatures(events=data.events, random_state=recipe.seed, n_jobs=recipe.n_jobs, **settings, **shared)
    known = known_labels_of(data, data.legitimate)
    return AccountFeatures(
        data.events,
        labels=known if data.subject.is_event else None,
        account_labels=known if data.subject.is_account else None,
        subject=data.subject,
        network=history.declared_network,
        legitimate=data.legitimate,
        exclude=(*history.exclude, *_group_column(data, recipe)),
        **shared,
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


def rows_to_train(
    data: LabelledData, groups: Positions, train: Positions, recipe: Recipe
) -> tuple[pd.DataFrame, npt.NDArray[np.object_], Positions | None]:
    """Return the rows to train on: those of the slice and, for fraudulent messages, obfuscated copies."""
    rows = data.rows.iloc[train]
    labels = rows["label"].to_numpy(object)
    if not data.subject.has_text:
        return rows, labels, None
    is_fraud = labels != data.legitimate
    augmented = augment(rows["text"].tolist(), is_fraud, share=recipe.features.augment, seed=recipe.seed)
    places = augmented.rows
    # A campaign counts once. A group, which may be as large as a video, would hardly count then: where half of the
    # messages have a video, average precision on new ones is lower by .013.
    units = groups if data.group is None else units_of(data.rows, data.subject)[0]
    return rows.iloc[places].assign(text=augmented.texts), labels[places], units[train][places]


def matrix_of(builder: Builder, rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the features of labelled rows for calibration or test, without the label of each row itself."""
    matrix = builder.transform_out_of_fold(rows) if isinstance(builder, AccountFeatures) else builder.transform(rows)
    return pd.DataFrame(np.asarray(matrix, np.float64), columns=builder.get_feature_names_out(), copy=False)


def builder_of_model(model: Model, data: LabelledData) -> Builder:
    """Return a builder that computes the features that a model was trained on."""
    if model.subject.has_text:
        message_builder = MessageFeatures(events=data.events, past=_past(data))
        message_builder.matrix_ = message_matrix_of(model.matrix)
        return message_builder
    matrix = account_matrix_of(model.matrix)
    builder, known = AccountFeatures(data.events, subject=matrix.subject), known_labels_of(data, model.legitimate or "")
    if data.subject.is_event:
        builder.labels = known
    else:
        builder.account_labels = known
    builder.matrix_ = matrix
    return builder


def scores_of(scorer: Scorer, rows: pd.DataFrame, builder: Builder | None) -> dict[str, npt.NDArray[Any]]:
    """Score labelled rows.

    The result is as from `Scorer.score_columns`.
    """
    model = replace(scorer.model, policy=scorer.policy)
    if not isinstance(builder, MessageFeatures | None):  # a row is scored without its own label
        parts = [scorer.score_rows(X) for X in blocks_of(matrix_of(builder, with_absent_columns(model, rows)))]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    known = NO_HISTORY if builder is None else TableHistory(events=builder.events, messages=builder.past)
    features = feature_rows(model, rows, known)
    return scorer.score_rows(features.X, features.why, features.has_history)


def log_odds_of(ensemble: Ensemble, matrix: pd.DataFrame, recipe: Recipe) -> Array:
    """Return the log-odds of rows, block by block."""
    return np.concatenate([ensemble.log_odds(X, n_threads=recipe.n_jobs or 0) for X in blocks_of(matrix)])


def flags_of(scores: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.bool_]:
    """Return which records the model flags: those that reach the deciding point, and those that its policy flags."""
    return np.asarray(scores.get("model_decision", scores["decision"]) == "flag")


SECONDS_PER_LINE = 2.0
PLAIN_ROWS = 500_000
"""Most rows that the means, scales and correlations of columns are computed from."""
MAX_LEGITIMATE = 300_000
"""Legitimate rows of the table from which on trees are grown on a sample by default."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Feature matrix and labels of the rows to train on."""

    builder: Builder
    # Shape (n_rows, n_columns). Features; those learnt from labels are out of fold.
    matrix: pd.DataFrame
    # Shape (n_rows,). Classes.
    labels: Array
    # Shape (n_rows,). Position of each row in the data, or of the row that it is an obfuscated copy of.
    positions: Array
    # Shape (n_rows,). Campaign of each row of messages; None of others.
    groups: Array | None
    # The labelled rows of the run, of which these are some: trees of little data are small.
    size: LabelledSize
    # Shape (n_rows,). Weights of the labels; None for equal weights.
    weights: Array | None = None
    # The share of the rows of a class that are among these, for a class that was sampled.
    class_rates: dict[str, float] = field(default_factory=dict)
    # Shape (n_rows,). The rows that are drawn like those of the sampled class, whatever their own class; None for all.
    drawn: Array | None = None

    def part(self, rows: Array) -> "TrainingRows":
        """Return some of the rows, by their positions in the matrix. Campaigns are left out."""
        weights, drawn = (None if one is None else one[rows] for one in (self.weights, self.drawn))
        parts = take_rows(self.matrix, rows), self.labels[rows], self.positions[rows]
        return TrainingRows(self.builder, *parts, None, self.size, weights, self.class_rates, drawn)

    @property
    def plain(self) -> pd.DataFrame:
        """The features of at most `PLAIN_ROWS` rows, with as little fraud as the slice has."""
        n_rows = len(self.labels)
        rows = np.arange(n_rows) if self.drawn is None or not self.drawn.any() else np.flatnonzero(self.drawn)
        rows = rows[:: -(-len(rows) // PLAIN_ROWS)]
        return self.matrix if len(rows) == n_rows else take_rows(self.matrix, rows)


def training_rows(
    data: LabelledData, groups: Array, train: Array, recipe: Recipe, progress: Progress | None = None
) -> TrainingRows:
    """Fit the builder of a recipe on a slice, or on the sample of it that the recipe asks for."""
    train = sample_slice(data, train, recipe)
    builder = make_builder(data, recipe).set_output(transform="pandas")
    rows, labels, units = rows_to_train(data, groups, train, recipe)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", UNTIMED)  # reported as a note
        if isinstance(builder, MessageFeatures):
            # Otherwise the text model knows the video of each message that it scores out of fold: average precision on
            # new videos is then .943 instead of .980 after a training on 6 videos, and .983 instead of .987 on 40.
            on_fit = None if progress is None else _count_fits(progress)
            fold_groups = groups[rows.index.to_numpy()]
            matrix = builder.fit_transform(rows, labels, groups=units, fold_groups=fold_groups, on_fit=on_fit)
        else:
            matrix = builder.fit_transform(rows, labels)
    if not len(matrix.columns):
        problem = f"no column of the {data.subject}s is a feature"
        raise SchemaError(f"{data.subject}s", problem, "Add columns of numbers or words, or events with --events.")
    weights = rows[WEIGHT].to_numpy() if recipe.data.trusted.declared else None
    sample = sample_of(data, recipe)
    rates = sample.class_rates(data.legitimate, {*labels})
    drawn = select_ids(rows[data.subject.id].to_numpy(object), sample) if rates else None
    return TrainingRows(builder, matrix, labels, rows.index.to_numpy(), units, data.size, weights, rates, drawn)


def sample_of(data: LabelledData, recipe: Recipe) -> RowSample:
    """Return the sample that a run trains on: that of its feature matrix if it is precomputed, else that of the
    recipe, or by default one of a large table whose rows have ids."""
    if data.precomputed is not None:
        return data.precomputed.declared.sample
    rate, name = recipe.model.sample_rate, data.subject.id
    if rate is None:
        has_ids = not data.subject.has_text and name in data.rows and bool(data.rows[name].notna().all())
        legitimate = int((data.rows["label"] == data.legitimate).sum())
        rate = round(MAX_LEGITIMATE / legitimate, 3) if has_ids and legitimate > MAX_LEGITIMATE else 1.0
    return RowSample(rate, recipe.seed)


def sample_slice(data: LabelledData, train: Array, recipe: Recipe) -> Array:
    """Return the rows of a slice that are in the sample of a run.

    The early rows of a precomputed matrix are sampled already, and all of them are selected again.
    """
    sample = sample_of(data, recipe)
    if sample.rate == 1:
        return train
    if data.subject.has_text:
        raise RecipeError("recipe", ["model.sample_rate: expected accounts or events, got messages. Remove it"])
    name, rows = data.subject.id, data.rows.iloc[train]
    if name not in rows or rows[name].isna().any():
        problem = f"column {name!r} is missing, or has no value in some rows, and rows are drawn by it"
        raise SchemaError(f"{data.subject}s", problem, "Add it, or remove --sample-rate.")
    may_be_left_out = (rows["label"] == data.legitimate).to_numpy(bool)
    return train[~may_be_left_out | select_ids(rows[name].to_numpy(object), sample)]


def _count_fits(progress: Progress) -> Callable[[int, int], None]:
    """Return a callable that reports fits of text models, at most every few seconds."""
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_PER_LINE:
            progress(f"learning the text model: {done} of {total} fits")
            last = time.monotonic()

    return report


def make_classifier(recipe: Recipe, subject: Subject, size: LabelledSize) -> FraudClassifier:
    """Return the classifier of a recipe, for a run with so many labelled rows."""
    parameters = recipe.model.settings(subject, size)
    return FraudClassifier(**parameters, random_state=recipe.seed, n_jobs=recipe.n_jobs)


def grow_trees(
    rows: TrainingRows, recipe: Recipe, subject: Subject, on_round: OnRound | None = None
) -> FraudClassifier:
    """Fit the classifier of a recipe."""
    return make_classifier(recipe, subject, rows.size).fit(
        rows.matrix,
        rows.labels,
        rows.weights,
        groups=rows.groups,
        class_rates=rows.class_rates,
        on_round=on_round,
    )
