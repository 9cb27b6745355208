"""Features and scores of payments on Spark: ``spark-submit spark_job.py MODEL-FOLDER EVENTS PAYMENTS OUTPUT``.

EVENTS and PAYMENTS are Parquet; OUTPUT gets the folders ``features`` and ``scores``. ``PYSPARK_PYTHON`` names an
interpreter with ``fraudsieve[spark]`` on every machine.
"""

import sys

from pyspark.sql import SparkSession

from fraudsieve import Scorer
from fraudsieve.spark import account_features, score


def main(folder: str, events_path: str, payments_path: str, output: str) -> None:
    """Compute the feature matrix of payments, for training, and their scores."""
    spark = SparkSession.builder.appName("fraudsieve").getOrCreate()
    events, payments = spark.read.parquet(events_path), spark.read.parquet(payments_path)
    matrix = Scorer.load(folder).model.matrix
    account_features(payments, events, matrix).write.parquet(f"{output}/features")
    score(payments, folder, events).write.parquet(f"{output}/scores")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:5])
