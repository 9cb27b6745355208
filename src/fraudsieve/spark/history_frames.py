"""The chain of shuffles that appends features to a frame of subjects, one for each entity of the feature views."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from fraudsieve.exceptions import SchemaError
from fraudsieve.features.history.declaration import LABEL_MEASURES, ONE_KIND, History

from .bucket_features import (
    EVENT_ID,
    FRAUD,
    IS_LABEL,
    KIND,
    SUBJECT,
    TIME,
    AppendFeatures,
    BucketFeatures,
    Features,
    Finish,
    ViewGroup,
    WritePart,
    block_name,
    group_views,
)
from .spark_columns import (
    PREFIX,
    amount_column,
    id_column,
    is_rejected,
    is_valid_amount,
    is_valid_time,
    micros_column,
    of_name,
    words_column,
)

# Buckets of entities: their number, and the bucket of each entity.
#
# A bucket holds all events of its entities. A hot entity, with more events than a bucket should hold, has a bucket of
# its own. The features do not depend on the bucket of an entity.


logger = logging.getLogger("fraudsieve.spark")

BUCKET_EVENTS = 1_500_000
"""Events of a bucket, at most on average."""
BUCKET_CELLS = 25_000_000
"""Cells of features of a bucket, at most on average; they take 200 MB."""
MIN_ROWS = 50_000
"""Rows below which a bucket is not split further so that all cores have work."""
MOST_CORES = 10_000
"""Cores that are counted, at most."""
SAMPLE = 500_000
"""Events that hot entities are looked for in."""


def bucket_of(keys: Sequence[Column], n: int, hot: Sequence[int] = (), spread: Column | None = None) -> Column:
    """Return the bucket of each row: one of n that entities are hashed into, or that of a hot entity, by its hash.

    Rows without an entity are spread by another column, if there is one.
    """
    entity = F.xxhash64(*keys)
    bucket = F.pmod(entity, F.lit(n))
    for place, key in enumerate(hot):
        bucket = F.when(entity == F.lit(key), F.lit(n + place)).otherwise(bucket)
    if spread is not None:
        has_entity = F.lit(True)
        for id_column in keys:
            has_entity = has_entity & id_column.isNotNull()
        bucket = F.when(has_entity, bucket).otherwise(F.pmod(F.xxhash64(spread), F.lit(n)))
    return bucket.cast("int")


def choose_n_buckets(n_events: int, n_subjects: int, n_columns: int, n_cores: int) -> int:
    """Return a number of buckets that bounds the memory of each, and gives work to all cores."""
    by_memory = max(-(-n_events // BUCKET_EVENTS), -(-n_subjects * n_columns // BUCKET_CELLS), 1)
    return max(by_memory, min(n_cores, (n_events + n_subjects) // MIN_ROWS))


def find_hot_entities(events: DataFrame, keys: Sequence[Column], n_events: int, of_view: str) -> tuple[int, ...]:
    """Return the hashes of the entities that have more events than a bucket should, and report their number.

    They are looked for in a sample, since the bucket of an entity that is just below the bound matters little.
    """
    if n_events <= BUCKET_EVENTS:
        return ()
    share = min(SAMPLE / n_events, 1.0)
    sample = events.sample(fraction=share, seed=0) if share < 1.0 else events
    counts = sample.groupBy(F.xxhash64(*keys).alias("entity")).count()
    rows = counts.where(F.col("count") > BUCKET_EVENTS * share).orderBy("entity").collect()
    if rows:
        largest = max(row["count"] for row in rows) / share
        text = "%d hot entities by %s: each has a bucket of its own, the largest has about %.1f million events"
        logger.warning(text, len(rows), of_view, largest / 1e6)
    return tuple(row["entity"] for row in rows)


BUCKET, CUTOFF = f"{PREFIX}bucket", f"{PREFIX}cutoff"
FIX = "Remove these rows, or cast the column."
OF_LABELS = TIME, FRAUD, SUBJECT


@dataclass(frozen=True)
class HistoryFrames:
    """The events, labels and messages that features are computed from."""

    events: DataFrame | None
    # Labels of events.
    labels: DataFrame | None = None
    account_labels: DataFrame | None = None
    messages: DataFrame | None = None
    # Whether events have times.
    timed: bool = True
    # The column of events that says which of several events with one id comes first.
    order: str | None = None
    # Whether rows that a live state rejects are left out; otherwise they are errors.
    is_lenient: bool = False

    def read_events(self, groups: Sequence[ViewGroup], links: Sequence[str] = ()) -> tuple[DataFrame, int]:
        """Return the columns that views and a network read, each event once, and the number of events."""
        if self.events is None:
            raise SchemaError("events", "the model needs events, and none were given", "Pass events.")
        ids = dict.fromkeys(name for group in groups for name in group.ids)
        amounts = dict.fromkeys(name for group in groups for name in group.amounts)
        if self.is_lenient or links:  # a live state checks these in every event
            ids |= dict.fromkeys(("account_id", *links))
        if self.is_lenient and "amount" in self.events.columns:
            amounts |= {"amount": None}
        columns = {f"id:{name}": id_column(self.events, "events", name) for name in ids}
        columns |= {f"amount:{name}": amount_column(self.events, "events", name) for name in amounts}
        if any(group.has_kinds for group in groups):
            named = "kind" in self.events.columns
            columns[KIND] = words_column(self.events, "events", "kind") if named else F.lit(ONE_KIND)
        columns[TIME] = micros_column(self.events, "events", "occurred_at") if self.timed else F.lit(0).cast("long")
        return self._checked(self.events, "events", columns, [f"amount:{name}" for name in amounts], "occurred_at")

    def read_account_labels(self) -> DataFrame | None:
        """Return the labels of accounts; None without, as for a scorer."""
        if self.account_labels is None and self.is_lenient:
            return None
        if self.account_labels is None:
            problem = "the network needs labels of accounts, and none were given"
            raise SchemaError("account_labels", problem, "Pass account_labels.")
        columns = {"id:account_id": id_column(self.account_labels, "account_labels", "account_id")}
        columns[FRAUD] = amount_column(self.account_labels, "account_labels", "is_fraud")
        times = micros_column(self.account_labels, "account_labels", "labelled_at") if self.timed else F.lit(0)
        columns[TIME] = times.cast("long")
        of_account = self.account_labels.drop("event_id")
        return self._checked(of_account, "account_labels", columns, [FRAUD], "labelled_at")[0]

    def read_labels(self, groups: Sequence[ViewGroup]) -> DataFrame | None:
        """Return the labels of events that views count; None if no view counts labels."""
        counting = [group for group in groups if group.needs_labels]
        if not counting:
            return None
        if self.labels is None and self.is_lenient:  # as a scorer without labels
            return self._no_labels(counting)
        if self.labels is None:
            views = [view for group in counting for view in group.views]
            measures = dict.fromkeys(name for view in views for name in view.measures if name in LABEL_MEASURES)
            problem = f"{', '.join(measures)} need labels of events, and none were given"
            raise SchemaError("labels", problem, "Pass labels.")
        ids = dict.fromkeys(name for group in counting for name in group.entities)
        columns = {f"id:{name}": id_column(self.labels, "labels", name) for name in ids}
        columns[FRAUD] = amount_column(self.labels, "labels", "is_fraud")
        has_ids = "event_id" in self.labels.columns
        columns[SUBJECT] = id_column(self.labels, "labels", "event_id") if has_ids else F.lit(None).cast("string")
        columns[TIME] = micros_column(self.labels, "labels", "labelled_at")
        if "occurred_at" in self.labels.columns:
            columns[f"{TIME}_of_event"] = micros_column(self.labels, "labels", "occurred_at")
        labels, _ = self._checked(self.labels, "labels", columns, [FRAUD], "labelled_at")
        if f"{TIME}_of_event" in columns and not self.is_lenient:  # as in a batch, and not in a live state
            labels = labels.withColumn(TIME, F.greatest(TIME, f"{TIME}_of_event"))
        return labels

    def _no_labels(self, groups: Sequence[ViewGroup]) -> DataFrame:
        assert self.events is not None
        names = dict.fromkeys(name for group in groups for name in group.entities)
        fields = [T.StructField(f"id:{name}", T.StringType()) for name in names]
        fields += [T.StructField(FRAUD, T.DoubleType()), T.StructField(TIME, T.LongType())]
        fields.append(T.StructField(SUBJECT, T.StringType()))
        return self.events.sparkSession.createDataFrame([], T.StructType(fields))

    def order_of(self, frame: DataFrame, table: str) -> dict[str, Column]:
        """Return the column that says which row of an id comes first; only events must have it."""
        if self.order is None or (table != "events" and self.order not in frame.columns):
            return {}
        if self.order not in frame.columns:
            raise SchemaError(table, f"column {self.order!r} is missing", "Name a column of the events as order.")
        return {"order": of_name(self.order)}

    def _checked(
        self, frame: DataFrame, table: str, columns: dict[str, Column], amounts: list[str], time: str
    ) -> tuple[DataFrame, int]:
        """Return columns without repeated rows, after a check of their values or without the rows that fail it."""
        if "event_id" in frame.columns:
            columns = columns | {"event_id": id_column(frame, table, "event_id")}
            columns |= self.order_of(frame, table)
        rows = frame.select(*(column.alias(name) for name, column in columns.items()))
        problems = {time: ~is_valid_time(of_name(TIME))}
        problems |= {
            name.removeprefix("id:"): is_rejected(of_name(name))
            for name in columns
            if name.startswith(("id:", "event_id"))
        }
        problems |= {name.partition(":")[2] or "is_fraud": ~is_valid_amount(of_name(name)) for name in amounts}
        if self.is_lenient and table == "events":
            rows = rows.where(of_name("id:account_id").isNotNull())
        elif self.is_lenient:
            rows = rows.where(of_name(FRAUD).isin(0.0, 1.0))
        rows, n_rows = self.check(rows, table, problems)
        keys = ["event_id", *([TIME, FRAUD] if table == "labels" else [])]
        return (without_repeats(rows, keys) if "event_id" in columns else rows), n_rows

    def check(self, rows: DataFrame, table: str, problems: dict[str, Column]) -> tuple[DataFrame, int]:
        """Return the rows that a live state accepts, or raise SchemaError for others; and how many they are."""
        if not self.is_lenient:
            return rows, raise_problems(rows, table, problems)
        for is_wrong in problems.values():
            rows = rows.where(~is_wrong)
        return rows, rows.count()


def raise_problems(rows: DataFrame, table: str, problems: dict[str, Column]) -> int:
    """Raise SchemaError if a column has a problem in any row, and return the number of rows."""
    counts = [F.count_if(is_wrong).alias(f"n{place}") for place, is_wrong in enumerate(problems.values())]
    found = rows.agg(F.count(F.lit(1)).alias("n"), *counts).collect()[0]
    for place, name in enumerate(problems):
        if found[f"n{place}"]:
            raise SchemaError(table, f"{name!r} is missing or out of range in {found[f'n{place}']} rows", FIX)
    return int(found["n"])


def without_repeats(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Return the first of the rows that share ``event_id`` and perhaps more; all rows without an id."""
    has_id = of_name("event_id").isNotNull() & (of_name("event_id") != "")
    others = [of_name(name) for name in sorted(rows.columns) if name not in ("order", "event_id", TIME)]
    order = [*([of_name("order")] if "order" in rows.columns else []), of_name(TIME), *others]
    place = F.row_number().over(Window.partitionBy(*map(of_name, keys)).orderBy(*order))
    first = rows.where(has_id).withColumn("place", place).where(F.col("place") == 1).drop("place")
    return first.unionByName(rows.where(~has_id | has_id.isNull())).drop("order")


def key_name(name: str) -> str:
    """Return the name of the column that holds a column of subjects as views read it."""
    return f"{PREFIX}key_{name}"


def with_keys(
    subjects: DataFrame, ids: Sequence[str], amounts: Sequence[str], *, is_lenient: bool
) -> tuple[DataFrame, dict[str, str]]:
    """Return subjects with columns of ids and amounts as views read them, and the names of these columns."""
    added = {name: id_column(subjects, "subjects", name) for name in ids}
    for name in amounts:
        amount = amount_column(subjects, "subjects", name) if name in subjects.columns else F.lit(None).cast("double")
        # Records out of range are unscorable, and their features are not read.
        added[name] = F.when(is_valid_amount(amount), amount) if is_lenient else amount
    columns = {name: key_name(name) for name in added}
    return subjects.select("*", *(column.alias(columns[name]) for name, column in added.items())), columns


Schema: TypeAlias = T.StructType | str


class Step(NamedTuple):
    """A shuffle that appends features to subjects: they meet the rows that have the same bucket."""

    features: Features
    # The rows, with their buckets.
    rows: DataFrame
    # The columns of the subjects that their buckets are computed from.
    keys: tuple[str, ...]
    hot: tuple[int, ...] = ()


def view_steps(
    events: DataFrame,
    labels: DataFrame | None,
    views: Sequence[History],
    columns: dict[str, str],
    n: int,
    *,
    n_events: int | None,
) -> list[Step]:
    """Return the steps of feature views: one for each entity, of n buckets and of one for each hot entity.

    Subjects have their cutoff times in `CUTOFF`, and the columns of `with_keys`. Without a number of events, hot
    entities are not looked for.
    """
    steps = []
    for group in group_views(views):
        keys = [of_name(f"id:{name}") for name in group.entities]
        found = _has_entity(events, keys)
        hot = () if n_events is None else find_hot_entities(found, keys, n_events, ", ".join(group.entities))
        amounts = [view.amount for view in group.views if view.amount in columns]
        read = {name: columns[name] for name in (*group.subjects, *amounts)}
        rows = _rows_of(group, found, labels, bucket_of(keys, n, hot))
        of_subjects = tuple(columns[name] for name in group.subjects)
        steps.append(Step(BucketFeatures(group, read, CUTOFF), rows, of_subjects, hot))
    return steps


def append_steps(
    subjects: DataFrame, steps: Sequence[Step], n: int, finish: Finish, schema: Schema, write: WritePart | None = None
) -> DataFrame:
    """Append the features of steps to subjects, and finish and perhaps write the rows that have all of them.

    `schema` is that of what Spark gets.
    """
    for place, (features, rows, keys, hot) in enumerate(steps, 1):
        bucket = bucket_of([of_name(name) for name in keys], n, hot, spread=of_name(CUTOFF))
        left, block = subjects.drop(BUCKET).withColumn(BUCKET, bucket), block_name(place - 1)
        append, appended = AppendFeatures(features, block, finish, write), schema
        if place < len(steps):
            append = AppendFeatures(features, block)
            appended = T.StructType([*left.schema.fields, T.StructField(block, T.BinaryType())])
        subjects = left.groupBy(BUCKET).cogroup(rows.groupBy(BUCKET)).applyInArrow(append.as_function(), appended)
    return subjects


def n_cores(session: SparkSession) -> int:
    """Return the cores of a session: Spark splits a range into as many parts. Spark Connect has no other way to ask."""
    parts = session.range(MOST_CORES).select(F.spark_partition_id().alias("part"))
    return parts.distinct().count()


def _has_entity(rows: DataFrame, keys: Sequence[Column]) -> DataFrame:
    """Return the rows that have an entity; others never count."""
    for key in keys:
        rows = rows.where(key.isNotNull())
    return rows


def _rows_of(group: ViewGroup, events: DataFrame, labels: DataFrame | None, bucket: Column) -> DataFrame:
    """Return the events of a group of views, and its labels, as `BucketFeatures` reads them."""
    keys = [of_name(f"id:{name}") for name in group.entities]
    ids = {f"id_{place}": of_name(f"id:{name}") for place, name in enumerate(group.ids)}
    amounts = {f"amount_{place}": of_name(f"amount:{name}") for place, name in enumerate(group.amounts)}
    columns = {BUCKET: bucket, TIME: of_name(TIME), **ids, **amounts}
    columns |= {KIND: of_name(KIND)} if group.has_kinds else {}
    columns |= {EVENT_ID: of_name(EVENT_ID)} if EVENT_ID in events.columns else {}
    if not group.needs_labels or labels is None:
        return events.select(*(column.alias(name) for name, column in columns.items()))
    columns |= {IS_LABEL: F.lit(False), FRAUD: F.lit(None).cast("double")}
    of_events = events.select(*(column.alias(name) for name, column in columns.items()))
    of_labels = {BUCKET: bucket, IS_LABEL: F.lit(True), **{name: of_name(name) for name in OF_LABELS}}
    of_labels |= {f"id_{group.ids.index(name)}": of_name(f"id:{name}") for name in group.entities}
    labels = _has_entity(labels, keys).select(*(column.alias(name) for name, column in of_labels.items()))
    return of_events.unionByName(labels, allowMissingColumns=True)
