"""The MLflow flavor as a Spark UDF, on a real local session; skipped if PySpark or Java is missing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

from fraudsieve.models import Scorer
from fraudsieve.models.flavor import save_model
from tests.models.own_model import records, write_own_model

pytest.importorskip("pyspark", reason="PySpark is not installed: the extra spark has it")

SECRET = "account 4111111111111111"
PROGRAM = """
import json, sys
import mlflow
from pyspark.sql import SparkSession
from pyspark.sql.functions import struct

folder, cells, schema = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
spark = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
frame = spark.createDataFrame([(place, *row) for place, row in enumerate(cells)], f"place long, {schema}")
score = mlflow.pyfunc.spark_udf(spark, folder)
rows = frame.select("place", score(struct(*frame.columns)).alias("score")).orderBy("place").collect()
print(json.dumps([row["score"].asDict() for row in rows]))
"""


@pytest.fixture
def java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java") or (home and (Path(home) / "bin" / "java").is_file())):
        pytest.skip("Java is not installed; Spark needs it")


def through_spark(saved: Path, cells: list[list[Any]], schema: str, folder: Path) -> list[dict[str, Any]]:
    """Score rows in a process of its own: the session, its JVM and its workers end with it."""
    workers = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    call = [sys.executable, "-c", PROGRAM, str(saved), json.dumps(cells), schema]
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, env=os.environ | workers, timeout=600)
    assert done.returncode == 0, done.stderr[-5000:]
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_a_spark_udf_gives_the_scores_of_the_scorer(binary: Any, tmp_path: Path) -> None:
    save_model(tmp_path / "saved", folder=binary.folder)
    texts: list[str | None] = [*binary.texts[:40], SECRET, "免费领奖 😀", None, " "]
    expected = Scorer.load(binary.folder).score([{"text": text} for text in texts])
    for row, score in zip(
        through_spark(tmp_path / "saved", [[text] for text in texts], "text string", tmp_path), expected, strict=True
    ):
        numbers = {f"probability__{name}": value for name, value in (score["probabilities"] or {}).items()}
        numbers |= {name: score[name] for name in ("probability", "false_positive_rate")}
        # MLflow writes a missing word as "None" where another row of the batch has one; numbers become null.
        words = {name: str(score[name]) for name in ("label", "decision", "status", "why")}
        assert {name: row[name] for name in numbers | words} == numbers | words


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_own_columns_and_lists_score_alike_in_spark(tmp_path: Path) -> None:
    write_own_model(tmp_path / "model")
    save_model(tmp_path / "saved", folder=tmp_path / "model")
    own = [{**record, "age": record["age"] if record["age"] is None else float(record["age"])} for record in records()]
    expected = Scorer.load(tmp_path / "model").score_columns({name: [row[name] for row in own] for name in own[0]})
    in_pyfunc = mlflow.pyfunc.load_model(str(tmp_path / "saved")).predict(pd.DataFrame(own))
    schema = "text string, channel string, `国家` string, age double, is_new boolean"
    in_spark = pd.DataFrame(
        through_spark(tmp_path / "saved", [list(record.values()) for record in own], schema, tmp_path)
    )
    assert {*expected} - {*in_pyfunc.columns} == {*expected} - {*in_spark.columns} == set()
    for name, values in expected.items():
        assert same(in_pyfunc[name]) == same(pd.Series(values)), name
        assert same(in_spark[name]) == same(pd.Series(values)), name
    assert {*expected["status"]} == {"ok"}
    assert len({*expected["probability"].tolist()}) > 20


def same(column: pd.Series) -> list[Any]:
    """Return values that compare equal if their bits are equal; what is missing is None."""
    return column.astype(object).where(column.notna() & (column != "None"), None).tolist()
