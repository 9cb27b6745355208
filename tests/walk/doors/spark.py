"""Scores on Spark, in a session of its own."""

import pandas as pd

from tests.walk.scores import Scores, scores_of
from tests.walk.walk import Walk

from .processes import frame_of

__all__ = ["score"]

TIMES = ("sent_at", "occurred_at", "as_of", "created_at")

SPARK = """
import json, sys
import pandas
from pyspark.sql import SparkSession
from fraudsieve.spark import score
given = json.load(open(sys.argv[1], encoding="utf-8"))
local = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
local |= {"spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "2"}
spark = SparkSession.builder.master("local[2]").config(map=local).getOrCreate()
records = spark.createDataFrame(pandas.read_pickle(given["frame"]))
events = spark.createDataFrame(pandas.read_pickle(given["events"])) if given["events"] else None
rows = score(records, given["model"], events, n_buckets=2).select("row", "score").toArrow().sort_by("row")
json.dump(rows["score"].to_pylist(), open(sys.argv[2], "w", encoding="utf-8"))
"""


def score(walk: Walk) -> Scores:
    """Score the data frame of the new records, with the history as another; times must be timestamps there."""
    records = _timed(frame_of(walk, walk.files.new, walk.files.records))
    given = {"model": str(walk.model), "frame": str(walk.outputs / "spark.pickle"), "events": ""}
    records.assign(row=range(len(records))).to_pickle(given["frame"])
    if walk.files.events:
        given["events"] = str(walk.outputs / "spark-events.pickle")
        events = _timed(frame_of(walk, next(iter(walk.files.history.values())), walk.files.events))
        if walk.table.subject == "event":
            events = pd.concat([events, records], ignore_index=True)
        events.to_pickle(given["events"])
    return scores_of(walk.run_program(SPARK, given))


def _timed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in TIMES if name in frame})
