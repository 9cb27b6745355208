"""One side of the benchmark of Spark, in a process of its own: ``python -m benchmarks.scale.spark_sides``."""

import json
import pickle
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fraudsieve.features import AccountFeatures, MessageFeatures

__all__ = ["main"]

SETTINGS: dict[str, bool | float | int | str | None] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
}


def main(side: str, folder: Path, output: str, n_buckets: int) -> None:
    """Compute the features of a world, write them, and print the seconds."""
    seconds = _on_one_machine(folder, output) if side == "one" else _on_spark(folder, output, n_buckets, side)
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")


def _on_one_machine(folder: Path, output: str) -> float:
    (folder / output).mkdir()
    start = time.perf_counter()
    subjects = pd.read_parquet(folder / "subjects.parquet")
    events, matrix = pd.read_parquet(folder / "events"), pickle.loads((folder / "matrix").read_bytes())
    features: AccountFeatures | MessageFeatures = AccountFeatures(events, account_labels=_read(folder, "labels"))
    if matrix.subject.has_text:
        features = MessageFeatures(events=events, past=_read(folder, "messages"))
    features.matrix_ = matrix
    rows = features.transform(subjects)
    table = pa.Table.from_pandas(subjects, preserve_index=False)
    for place, name in enumerate(matrix.columns):
        table = table.append_column(name, pa.array(np.ascontiguousarray(rows[:, place])))
    pq.write_table(table, folder / output / "rows.parquet", row_group_size=100_000)
    return time.perf_counter() - start


def _read(folder: Path, name: str) -> pd.DataFrame | None:
    return pd.read_parquet(folder / name) if (folder / name).exists() else None


def _on_spark(folder: Path, output: str, n_buckets: int, side: str) -> float:
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    from fraudsieve.spark import feature_frame, write_feature_frame

    spark = SparkSession.builder.master("local[2]").config(map=SETTINGS).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    start = time.perf_counter()
    subjects, events = (spark.read.parquet(str(folder / name)) for name in ("subjects.parquet", "events"))
    if n_buckets:  # not in the timed run: in another order
        subjects, events = (frame.orderBy(F.xxhash64(*frame.columns)) for frame in (subjects, events))
    matrix = pickle.loads((folder / "matrix").read_bytes())
    labels, messages = (
        spark.read.parquet(str(folder / name)) if (folder / name).exists() else None for name in ("labels", "messages")
    )
    if side == "files":
        write_feature_frame(
            subjects,
            events,
            matrix,
            folder / output,
            account_labels=labels,
            messages=messages,
            n_buckets=n_buckets or None,
        )
    else:
        rows = feature_frame(
            subjects, events, matrix, account_labels=labels, messages=messages, n_buckets=n_buckets or None
        )
        rows.write.option("parquet.enable.dictionary", "false").parquet(str(folder / output))
    seconds = time.perf_counter() - start
    spark.stop()
    return seconds


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
