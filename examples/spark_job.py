"""Score payments on Spark: ``spark-submit spark_job.py MODEL-FOLDER EVENTS PAYMENTS OUTPUT [UNTIL]``.

EVENTS and PAYMENTS are Parquet. The job writes the folders ``features`` and ``scores`` to OUTPUT, which all machines
must be able to reach. ``PYSPARK_PYTHON`` names a Python interpreter with ``fraudsieve[spark]`` on every machine.

If payments have labels, pass UNTIL, such as 2026-05-01. The job then also writes ``sample``, from which
``fraudsieve train --features`` can train: a tenth of the legitimate payments before UNTIL, and all others.
"""

import sys
from datetime import datetime

from pyspark.sql import SparkSession

from fraudsieve import Scorer
from fraudsieve.spark import score, training_sample, write_feature_frame


def main(folder: str, events_path: str, payments_path: str, output: str, until: str = "") -> None:
    """Write the feature matrix of the payments, their scores and, with `until`, a sample for training."""
    spark = SparkSession.builder.appName("fraudsieve").getOrCreate()
    events, payments = spark.read.parquet(events_path), spark.read.parquet(payments_path)
    matrix = Scorer.load(folder).model.matrix
    write_feature_frame(payments, events, matrix, f"{output}/features")
    score(payments, folder, events).write.parquet(f"{output}/scores")
    if until:
        sample = training_sample(payments, events, matrix, rate=0.1, until=datetime.fromisoformat(until))
        sample.write.parquet(f"{output}/sample")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:6])
