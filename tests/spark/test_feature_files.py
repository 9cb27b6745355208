"""`write_feature_frame` writes the rows of `feature_frame`, all of them or none."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.features import AccountFeatures
from fraudsieve.spark import feature_frame, write_feature_frame
from tests.features.test_accounts import world
from tests.messages import refused

from .odd_tables import differing, shuffled

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.slow


def small_world() -> tuple[AccountFeatures, pd.DataFrame, pd.DataFrame]:
    """Return fitted features of accounts, subjects whose times have and have not a zone, and events."""
    made = world(120)
    subjects = (
        made["subjects"].merge(made["accounts"]).assign(row=np.arange(22), city=np.array(["rome", None] * 11, object))
    )
    subjects["seen"] = subjects["as_of"].dt.tz_convert(None)
    features = AccountFeatures(made["events"], network=False, exclude=("row", "seen"), min_category_rows=1)
    return features.fit(subjects), subjects, made["events"]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")] if folder.exists() else []


@pytest.mark.parametrize("n_buckets", [None, 3])
def test_the_rows_are_those_of_feature_frame(
    spark: "SparkSession", tmp_path: Path, n_buckets: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    features, subjects, events = small_world()
    # Parquet has no type for intervals; Spark keeps it beside.
    rows = shuffled(spark, subjects, 0).selectExpr("*", "make_dt_interval(row) as delay")
    frames = rows, shuffled(spark, events, 1)
    options: dict[str, Any] = {"order": "event_id", "n_buckets": n_buckets}
    write_feature_frame(*frames, features.matrix_, "features", **options)
    found = spark.read.parquet(str(tmp_path / "features"))
    assert differing(features.matrix_.columns, found, features.transform(subjects)) == []
    assert found.schema == feature_frame(*frames, features.matrix_, **options).schema
    assert found.select(rows.columns).toArrow().sort_by("row") == rows.toArrow().sort_by("row")
    assert all(name.startswith("part-") for name in names_in(tmp_path / "features"))


def test_without_history(spark: "SparkSession", tmp_path: Path) -> None:
    subjects = small_world()[1]
    features = AccountFeatures(None, network=False, exclude=("row", "seen"), min_category_rows=1).fit(subjects)
    write_feature_frame(shuffled(spark, subjects, 0), None, features.matrix_, tmp_path / "features")
    found = spark.read.parquet(str(tmp_path / "features"))
    assert differing(features.matrix_.columns, found, features.transform(subjects)) == []


def test_without_subjects_no_file(spark: "SparkSession", tmp_path: Path) -> None:
    features, subjects, events = small_world()
    frames = shuffled(spark, subjects, 0).where("row < 0"), shuffled(spark, events, 1)
    write_feature_frame(*frames, features.matrix_, tmp_path, order="event_id")
    assert names_in(tmp_path) == []


def test_a_folder_with_files_is_left_alone(spark: "SparkSession", tmp_path: Path) -> None:
    features, subjects, events = small_world()
    (tmp_path / "rows.parquet").write_bytes(b"rows")
    frames = shuffled(spark, subjects, 0), shuffled(spark, events, 1)
    with refused(FileExistsError):
        write_feature_frame(*frames, features.matrix_, tmp_path)
    assert names_in(tmp_path) == ["rows.parquet"]


def test_after_an_error_nothing_is_left(spark: "SparkSession", tmp_path: Path) -> None:
    from pyspark.errors import PySparkException

    features, subjects, events = small_world()
    frames = shuffled(spark, subjects, 0), shuffled(spark, events, 1)
    with pytest.raises(SchemaError, match="events: column 'amount' is missing"):
        write_feature_frame(frames[0], frames[1].drop("amount"), features.matrix_, tmp_path / "features")
    # The checks do not read this column.
    broken = frames[0].selectExpr("*", "if(row = 21, raise_error('made up'), 0) as broken")
    with pytest.raises(PySparkException, match="made up"):
        write_feature_frame(broken, frames[1], features.matrix_, tmp_path / "features", order="event_id")
    assert names_in(tmp_path) == ["features"]
