"""The example of a job, run by spark-submit as a reader runs it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models import Scorer
from fraudsieve.models.batch.score import score_frame
from fraudsieve.training.data.row_sample import RowSample, select_ids

from . import score_models as made
from .java import has_java

pyspark = pytest.importorskip("pyspark", reason="PySpark is not installed: the extra spark has it")
JOB = Path(__file__).parent.parent.parent / "examples" / "spark_job.py"


@pytest.mark.slow
@pytest.mark.skipif(not has_java(), reason="Java is not installed; Spark needs it")
def test_the_example_computes_features_scores_and_a_sample(tmp_path: Path) -> None:
    made.write_event_model(tmp_path / "model", with_labels=False)
    world = made.world(150)
    events = world["events"].assign(label=np.where(world["labels"]["is_fraud"], "fraud", "legitimate"))
    events.to_parquet(tmp_path / "events.parquet")
    until = events["occurred_at"].iloc[120].floor("D")
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    arguments = [str(tmp_path / name) for name in ("model", "events.parquet", "events.parquet", "out")]
    arguments.append(str(until.date()))
    environment: dict[str, Any] = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    environment["PYSPARK_DRIVER_PYTHON"] = sys.executable
    settings = ["--master", "local[2]", "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"]
    call = [str(submit), *settings, str(JOB), *arguments]
    done = subprocess.run(call, capture_output=True, text=True, env=os.environ | environment, timeout=600)
    assert done.returncode == 0, done.stderr[-5000:]
    scorer = Scorer.load(tmp_path / "model")
    expected = score_frame(scorer, events, history=events)
    scores = pd.read_parquet(tmp_path / "out" / "scores").set_index("event_id").loc[events["event_id"]]
    assert [one["probability"] for one in scores["score"]] == expected["probability"].tolist()
    features = pd.read_parquet(tmp_path / "out" / "features").set_index("event_id").loc[events["event_id"]]
    rows = np.ascontiguousarray(features[list(scorer.model.matrix.columns)].to_numpy())
    assert scorer.score_rows(rows)["probability"].tobytes() == expected["probability"].to_numpy().tobytes()
    is_early = ((events["label"] == "legitimate") & (events["occurred_at"] < until)).to_numpy()
    drawn = events["event_id"][~is_early | select_ids(events["event_id"].to_numpy(object), RowSample(0.1))]
    assert 0 < len(drawn) < 100
    sample = pd.read_parquet(tmp_path / "out" / "sample").set_index("event_id").loc[drawn]
    names = list(scorer.model.matrix.columns)
    pd.testing.assert_frame_equal(sample[names], features.loc[drawn, names], check_exact=True)
    assert len(pd.read_parquet(tmp_path / "out" / "sample")) == len(drawn)
