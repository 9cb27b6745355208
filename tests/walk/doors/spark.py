"""Scores on Spark, in a session of its own."""

from tests.walk.scores import Scores, scores_of
from tests.walk.walk import Walk

from .processes import frame_of

__all__ = ["score"]

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
events = spark.createDataFrame(pandas.DataFrame(given["events"])) if given["events"] else None
rows = score(records, given["model"], events, n_buckets=2).select("row", "score").toArrow().sort_by("row")
json.dump(rows["score"].to_pylist(), open(sys.argv[2], "w", encoding="utf-8"))
"""


def score(walk: Walk) -> Scores:
    """Score the data frame of the new records, with the history as another."""
    frame = walk.outputs / "spark.pickle"
    table = frame_of(walk)
    table.assign(row=range(len(table))).to_pickle(frame)
    given = {"model": str(walk.model), "frame": str(frame), "events": list(walk.files.events)}
    return scores_of(walk.run_program(SPARK, given))
