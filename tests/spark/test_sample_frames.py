"""`training_sample` on Spark draws the rows that one machine draws, and gives the model that one machine gives."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from fraudsieve.exceptions import SchemaError
from fraudsieve.features import AccountFeatures, History
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.spark import training_sample
from fraudsieve.training.data.precomputed_matrix import METADATA, MatrixDeclaration
from fraudsieve.training.data.row_sample import RowSample, select_ids
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused
from tests.profiles import examples
from tests.training.data.precomputed_files import known_frauds, payments

from .odd_tables import shuffled

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

pytestmark = pytest.mark.slow
RATE = 0.3
SMALL = History(("30d",), measures=("count", "sum"))


def small_matrix(events: pd.DataFrame) -> AccountMatrix:
    features = AccountFeatures(events, subject="event", history=SMALL, network=False, exclude=("row", "label"))
    fitted: AccountMatrix = features.fit(events.drop(columns="labelled_at")).matrix_
    return fitted


def drawn_ids(sample: "DataFrame") -> list[str]:
    ids: list[str] = sample.select("event_id").toArrow()["event_id"].to_pylist()
    return sorted(ids)


@given(st.sampled_from([0.02, 0.3, 1.0]), st.integers(0, 2**40), st.sampled_from([1, 2, 7]), st.integers(0, 60))
@settings(examples(4), phases=[Phase.generate])
def test_the_rows_are_those_of_one_machine_whatever_the_partitions(
    spark: Any, rate: float, seed: int, n_partitions: int, day: int
) -> None:
    events = payments(300)
    until = pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(days=day)
    may_be_left_out = ((events["label"] == "legitimate") & (events["occurred_at"] < until)).to_numpy()
    kept = ~may_be_left_out | select_ids(events["event_id"].to_numpy(object), RowSample(rate, seed))
    subjects = shuffled(spark, events, seed % 100).repartition(n_partitions)
    options: dict[str, Any] = {"rate": rate, "until": until.to_pydatetime(), "seed": seed, "n_buckets": 2}
    found = training_sample(subjects, shuffled(spark, events, 1), small_matrix(events), **options)
    table = found.toArrow().to_pandas().set_index("event_id").loc[events["event_id"][kept]]
    assert drawn_ids(found) == sorted(events["event_id"][kept])
    assert table["sampling_rate"].tolist() == np.where(may_be_left_out, rate, 1.0)[kept].tolist()
    features = AccountFeatures(events, subject="event")  # of the whole history
    features.matrix_ = small_matrix(events)
    expected = np.asarray(features.transform(events[kept]))
    assert table[list(features.matrix_.columns)].to_numpy().tobytes() == np.ascontiguousarray(expected).tobytes()
    declared = MatrixDeclaration.from_dict(json.loads(found.schema[features.matrix_.columns[0]].metadata[METADATA]))
    assert (declared.sample, declared.left_out) == (RowSample(rate, seed), int((~kept).sum()))


def test_the_model_is_that_of_one_machine(spark: Any, tmp_path: Path) -> None:
    events = payments(1500)
    overrides: dict[str, Any] = {"track.enabled": False, "n_jobs": 1, "model.n_rounds": 10, "split.gap_days": 1.5}
    overrides |= {"evaluate.replicates": 5}
    on_records = {"model.sample_rate": RATE, "data.subject": "event"}
    one = train(Recipe.read(overrides={**overrides, **on_records}), output=tmp_path / "one", events=events)
    until = one.data.rows["as_of"].iloc[one.split.calibration].min()
    frames = [shuffled(spark, frame, seed) for seed, frame in enumerate((events, events, known_frauds(events)))]
    options: dict[str, Any] = {"labels": frames[2], "rate": RATE, "until": until}
    sample = training_sample(frames[0], frames[1], one.model.matrix, **options)
    sample.write.parquet(str(tmp_path / "sample.parquet"))
    found = train(Recipe.read(overrides=overrides), output=tmp_path / "model", features=tmp_path / "sample.parquet")
    assert found.model.ensemble.booster.model_to_string() == one.model.ensemble.booster.model_to_string()
    assert (found.model.calibration, found.model.points) == (one.model.calibration, one.model.points)
    assert found.model.matrix == one.model.matrix
    assert found.model.training["sample"] == one.model.training["sample"]
    assert found.report.average_precision == one.report.average_precision


def test_rows_without_a_label_are_left_out_and_labels_may_be_numbers(spark: Any) -> None:
    events = payments(300).assign(label=lambda rows: np.where(rows["label"] == "fraud", 1, 0))
    events["label"] = events["label"].astype("Int64").mask(events.index % 10 == 3)
    frames = shuffled(spark, events, 0), shuffled(spark, events, 1)
    until = events["occurred_at"].max()
    found = training_sample(*frames, small_matrix(payments(300)), rate=0.2, until=until, legitimate="0")
    legitimate = (events["label"] == 0).fillna(False).to_numpy(bool) & (events["occurred_at"] < until).to_numpy()
    kept = events["label"].notna().to_numpy() & (
        ~legitimate | select_ids(events["event_id"].to_numpy(object), RowSample(0.2))
    )
    assert drawn_ids(found) == sorted(events["event_id"][kept])


def test_errors(spark: Any) -> None:
    events = payments(300)
    frames = shuffled(spark, events, 0), shuffled(spark, events, 1)
    matrix = small_matrix(events)
    options: dict[str, Any] = {"rate": 0.5, "until": pd.Timestamp("2026-02-01")}
    with pytest.raises(ValueError, match=r"rate above 0 and at most 1, got 0\.0"):
        training_sample(*frames, matrix, **options | {"rate": 0.0})
    with refused(TypeError):
        training_sample(*frames, MessageMatrix(None), **options)
    for name in ("event_id", "label", "occurred_at"):
        with pytest.raises(SchemaError, match=f"subjects: column '{name}' is missing"):
            training_sample(frames[0].drop(name), frames[1], matrix, **options)
    without = frames[0].selectExpr("* except (event_id)", "nullif(event_id, 'e7') as event_id")
    with refused(SchemaError, "event_id"):
        training_sample(without, frames[1], matrix, **options | {"until": pd.Timestamp("2027-01-01")})
    with refused(SchemaError):
        training_sample(*frames, dataclasses.replace(matrix, timed=False), **options)
    with refused(SchemaError, "sampling_rate"):
        training_sample(frames[0].withColumnRenamed("kind", "sampling_rate"), frames[1], matrix, **options)
