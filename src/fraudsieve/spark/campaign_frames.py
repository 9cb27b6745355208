"""The step that appends campaigns to messages: each band of a message is an entity with its own history."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.campaign.campaign_batch import keys_of_bands
from fraudsieve.features.campaign.over_time import N_BANDS, CampaignHistory
from fraudsieve.features.history.declaration import history_columns
from fraudsieve.features.message_matrix import why_unscorable

from .bucket_features import (
    EVENT_ID,
    IS_LABEL,
    KIND,
    TIME,
    MapChunks,
    block_column,
    history_block,
    match_rows,
    read_block,
)
from .history_frames import (
    BUCKET,
    CUTOFF,
    HistoryFrames,
    Step,
    append_steps,
    bucket_of,
    choose_n_buckets,
    key_name,
    n_cores,
    view_steps,
    without_repeats,
)
from .spark_columns import (
    PREFIX,
    check_type,
    id_column,
    is_rejected,
    is_valid_time,
    micros_column,
    of_name,
    words_column,
)

TEXT, BAND, BLOCK = f"{PREFIX}text", key_name("campaign"), f"{PREFIX}block"
"""The columns of the digest of a text, of the key of a band, and of its features."""
LABEL, LABELLED_AT = "label", "labelled_at"
IDS = {"sender_id": "account_id", "recipient_id": "recipient_id"}
OF_MESSAGE = {"id:campaign": "key", **{f"id:{name}": f"id:{name}" for name in IDS}, EVENT_ID: EVENT_ID}
OF_LABEL = {"id:labelled": "key", "id:subject_id": EVENT_ID, KIND: KIND}
"""The columns of the events of bands, and what messages and labels have in them."""
EVENTS = ", ".join([*(f"`{name}` string" for name in (*OF_MESSAGE, *OF_LABEL)), f"{TIME} long"])


def message_text(frame: DataFrame, table: str) -> Column:
    """Return the column of texts, after a check of its type."""
    check_type(frame, table, "text", "text")
    return of_name("text")


def text_digest(text: Column) -> Column:
    """Return a digest of a text, by which messages with the same text find their campaigns."""
    return F.sha2(text, 256)


@dataclass(frozen=True)
class MakeBands:
    """Convert messages and their labels to events of their bands."""

    campaigns: CampaignHistory
    # Whether messages without words are left out, as by a live state.
    is_lenient: bool

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return an event for each band."""
        texts, labels, is_label = rows["text"].to_pylist(), rows[LABEL].to_pylist(), rows[IS_LABEL].to_pylist()
        kinds = [label and self.campaigns.class_of(label) for label in labels]
        counts = np.array([not of_label or kind is not None for of_label, kind in zip(is_label, kinds, strict=True)])
        if self.is_lenient:
            counts &= [why_unscorable(text) is None for text in texts]
        keys = pa.array(keys_of_bands(texts)[counts].ravel(), pa.string())
        rows = rows.append_column(KIND, pa.array(kinds, pa.string())).filter(pa.array(counts))
        rows = rows.take(pa.array(np.repeat(np.arange(len(rows)), N_BANDS))).append_column("key", keys)
        none = pa.scalar(None, pa.string())
        columns = {name: pc.if_else(rows[IS_LABEL], none, rows[column]) for name, column in OF_MESSAGE.items()}
        columns |= {name: pc.if_else(rows[IS_LABEL], rows[column], none) for name, column in OF_LABEL.items()}
        return pa.table(columns | {TIME: rows[TIME]})


def ask_bands(rows: pa.Table) -> pa.Table:
    """Return a row for each band of each message."""
    keys = pa.array(keys_of_bands(rows["text"].to_pylist()).ravel(), pa.string())
    rows = rows.select([TEXT, CUTOFF]).take(pa.array(np.repeat(np.arange(len(rows)), N_BANDS)))
    return rows.append_column(BAND, keys)


def band_columns(campaigns: CampaignHistory, rows: pa.Table) -> pa.Table:
    """Return the columns of each band."""
    block = history_block(rows, campaigns.views)[:, campaigns.positions]
    return rows.select([TEXT, CUTOFF]).append_column(BLOCK, block_column(block))


@dataclass(frozen=True)
class CampaignColumns:
    """Compute the campaigns of messages: the maximum over the bands of each."""

    campaigns: CampaignHistory

    def __call__(self, subjects: pa.Table, rows: pa.Table) -> Array:
        """Return the columns; NaN for a message without a text or a time."""
        places, owners, n = match_rows(subjects, (TEXT, CUTOFF), rows, (TEXT, CUTOFF))
        order, n_columns = np.argsort(owners, kind="stable"), len(self.campaigns.columns)
        asked, first = np.unique(owners[order], return_index=True)
        out = np.full((n + 1, n_columns), np.nan)
        if len(asked):
            out[asked] = np.fmax.reduceat(read_block(rows[BLOCK], n_columns)[order], first)
        return out[places]


def campaign_step(
    campaigns: CampaignHistory,
    subjects: DataFrame,
    history: HistoryFrames,
    n: int,
    n_subjects: int,
    n_buckets: int | None,
) -> Step:
    """Return the step of campaigns, of n buckets of texts.

    Subjects have the digests of their texts in `TEXT`, and their times in `CUTOFF`.
    """
    events, n_messages = _band_events(history, campaigns)
    digest = f"{TEXT} string, {CUTOFF} long"
    asked = subjects.where(of_name(TEXT).isNotNull() & of_name(CUTOFF).isNotNull()).select(TEXT, CUTOFF, "text")
    bands = asked.mapInArrow(MapChunks(ask_bands), f"{digest}, {BAND} string")
    n_columns, cores = len(history_columns(campaigns.views)), n_cores(subjects.sparkSession)
    n_bands = n_buckets or choose_n_buckets(N_BANDS * n_messages, N_BANDS * n_subjects, n_columns, cores)
    steps = view_steps(events, None, campaigns.views, {"campaign": BAND}, n_bands, n_events=None)
    rows = append_steps(bands, steps, n_bands, partial(band_columns, campaigns), f"{digest}, {BLOCK} binary")
    return Step(CampaignColumns(campaigns), rows.withColumn(BUCKET, bucket_of([of_name(TEXT)], n)), (TEXT,))


def _band_events(history: HistoryFrames, campaigns: CampaignHistory) -> tuple[DataFrame, int]:
    """Return the events of the bands of messages and of their labels, and the number of messages."""
    given = history.messages
    if given is None:
        raise SchemaError("messages", "the model needs earlier messages, and none were given", "Pass messages.")
    of_ids = {EVENT_ID: "message_id", **{f"id:{name}": theirs for name, theirs in IDS.items()}}
    none = F.lit(None).cast("string")
    columns = {
        name: id_column(given, "messages", theirs) if theirs in given.columns else none
        for name, theirs in of_ids.items()
    }
    columns |= {"text": message_text(given, "messages"), TIME: micros_column(given, "messages", "sent_at")}
    columns |= {LABEL: none, LABELLED_AT: none.cast("long")}
    if campaigns.types and {"label", "labelled_at"} <= set(given.columns):
        columns[LABEL] = words_column(given, "messages", "label")
        columns[LABELLED_AT] = micros_column(given, "messages", "labelled_at")
    columns |= history.order_of(given, "messages")
    rows = given.select(*(column.alias(name) for name, column in columns.items()))
    problems = {theirs: is_rejected(of_name(name)) for name, theirs in of_ids.items()}
    problems |= {"sent_at": ~is_valid_time(of_name(TIME))}
    problems |= {"labelled_at": of_name(LABELLED_AT).isNotNull() & ~is_valid_time(of_name(LABELLED_AT))}
    rows = rows.where(of_name("text").isNotNull() & of_name(TIME).isNotNull())
    rows, n_messages = history.check(rows, "messages", problems)
    labelled = rows.where(of_name(LABEL).isNotNull() & of_name(LABELLED_AT).isNotNull())
    labelled = labelled.withColumn(TIME, F.greatest(TIME, LABELLED_AT))
    messages, labels = without_repeats(rows, [EVENT_ID]), without_repeats(labelled, [EVENT_ID, LABEL, TIME])
    both = messages.withColumn(IS_LABEL, F.lit(False)).unionByName(labels.withColumn(IS_LABEL, F.lit(True)))
    return both.mapInArrow(MapChunks(MakeBands(campaigns, history.is_lenient)), EVENTS), n_messages
