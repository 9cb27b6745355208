"""The columns of a matrix that are computed from history: appended by Spark as bytes, and read by its workers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from fraudsieve._typing import Array
from fraudsieve.features.account_matrix import FeatureMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History, history_columns
from fraudsieve.features.network.declaration import Network

from .bucket_features import Finish, MapChunks, WritePart, block_name, group_views, history_block, read_block
from .campaign_frames import campaign_step
from .history_frames import (
    CUTOFF,
    HistoryFrames,
    Step,
    append_steps,
    choose_n_buckets,
    key_name,
    n_cores,
    view_steps,
)
from .network_frames import network_steps


@dataclass(frozen=True)
class HistoryBlocks:
    """The blocks of history of a matrix: feature views of events, and campaigns of messages or a network."""

    matrix: FeatureMatrix
    # Views that count events, for the status of a score.
    counts: tuple[History, ...] = ()
    with_events: bool = True
    with_messages: bool = True

    @property
    def views(self) -> tuple[History, ...]:
        """The feature views that are computed."""
        return (*self.matrix.event_views, *self.counts) if self.with_events else ()

    @property
    def places(self) -> tuple[int, int]:
        """The first column of either block in the matrix."""
        matrix, n_views = self.matrix, len(history_columns(self.matrix.event_views))
        n_campaign = len(matrix.campaigns.columns) if matrix.campaigns else 0
        first = (
            len(matrix.columns) - n_views - n_campaign - len(matrix.custom.columns) if matrix.subject.has_text else 0
        )
        return first, first + n_views

    @property
    def network(self) -> Network | None:
        """The network, if it is computed."""
        return self.matrix.network if self.with_events else None

    @property
    def campaigns(self) -> CampaignHistory | None:
        """The campaigns, if they are computed."""
        return self.matrix.campaigns if self.with_messages else None

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns of subjects that are ids."""
        names = dict.fromkeys(name for view in self.views for name in view.subjects)
        return tuple(names | ({"account_id": None} if self.network else {}))

    def append(
        self,
        subjects: DataFrame,
        columns: dict[str, str],
        history: HistoryFrames,
        finish: Finish,
        schema: T.StructType,
        write: WritePart | None = None,
        *,
        n_subjects: int,
        n_buckets: int | None,
    ) -> DataFrame:
        """Append the blocks to subjects, and finish and perhaps write the rows that have all of them.

        Subjects have their cutoff times in `CUTOFF`, the columns of `with_keys`, and for campaigns the digests of their
        texts in `TEXT`. `schema` is that of what Spark gets.
        """
        groups, network, steps, n_events = group_views(self.views), self.network, list[Step](), 0
        reads_events = bool(self.views) or network is not None
        if reads_events:
            events, n_events = history.read_events(groups, network.links if network else ())
        n_columns = len(history_columns(self.views)) + (len(network.columns) if network else 0)
        n = n_buckets or choose_n_buckets(n_events, n_subjects, n_columns, n_cores(subjects.sparkSession))
        if reads_events:
            n_sought = None if n_buckets else n_events
            steps += view_steps(events, history.read_labels(groups), self.views, columns, n, n_events=n_sought)
        if self.campaigns is not None:
            steps.append(
                campaign_step(self.campaigns, subjects, history, n, n_subjects=n_subjects, n_buckets=n_buckets)
            )
        if network is not None:
            labels = history.read_account_labels() if network.labels else None
            steps += network_steps(network, subjects, columns["account_id"], events, labels, n)
        if not steps:
            return subjects.mapInArrow(MapChunks(finish, write), schema)
        return append_steps(subjects, steps, n, finish, schema, write)

    def read(self, rows: pa.Table) -> tuple[Array | None, Array | None]:
        """Return the columns of events, and those of campaigns or of the network; None for what is not computed."""
        groups, of_events, others = group_views(self.views), None, list[Array]()
        if self.views:
            of_events = history_block(rows, self.views)[:, : len(history_columns(self.matrix.event_views))]
        network, campaigns = self.network, self.campaigns
        widths = [] if network is None else [len(network.columns_of(name)) for name in network.links]
        widths += [] if campaigns is None else [len(campaigns.columns)]
        for number, width in enumerate(widths, len(groups)):
            others.append(read_block(rows[block_name(number)], width))
        if of_events is not None and self.matrix.subject.has_text:
            lacks = pc.or_(pc.is_null(rows[key_name("account_id")]), pc.is_null(rows[CUTOFF])).to_numpy()
            of_events[lacks] = np.nan  # as a message without a sender or a time
        return of_events, np.hstack(others) if others else None

    def have_events(self, rows: pa.Table) -> Array:
        """Return which subjects have history."""
        n_columns = len(history_columns(self.matrix.event_views))
        return np.asarray(np.any(history_block(rows, self.views)[:, n_columns:] > 0, axis=1))
