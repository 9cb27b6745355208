"""Buckets of entities: their number, and the bucket of each entity.

A bucket holds all events of its entities. A hot entity, with more events than a bucket should hold, has a bucket of its
own. The features do not depend on the bucket of an entity.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

logger = logging.getLogger("fraudsieve.spark")

BUCKET_EVENTS = 1_500_000
"""Events of a bucket, at most on average."""
BUCKET_CELLS = 25_000_000
"""Cells of features of a bucket, at most on average; they take 200 MB."""
MIN_ROWS = 50_000
"""Rows below which a bucket is not split further so that all cores have work."""
SAMPLE = 500_000
"""Events that hot entities are looked for in."""


@dataclass(frozen=True)
class Buckets:
    """The buckets of the entities of a group of views."""

    # Number of buckets that entities are hashed into.
    n: int
    # The hashes of hot entities, each with a bucket of its own.
    hot: tuple[int, ...] = ()

    def of_keys(self, keys: Sequence[Column], spread: Column | None = None) -> Column:
        """Return the bucket of each row."""
        entity = F.xxhash64(*keys)
        bucket = F.pmod(entity, F.lit(self.n))
        for place, key in enumerate(self.hot):
            bucket = F.when(entity == F.lit(key), F.lit(self.n + place)).otherwise(bucket)
        if spread is not None:
            has_entity = F.lit(True)
            for id_column in keys:
                has_entity = has_entity & id_column.isNotNull()
            bucket = F.when(has_entity, bucket).otherwise(F.pmod(F.xxhash64(spread), F.lit(self.n)))
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
