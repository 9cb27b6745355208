"""The benchmark of features on Spark, with few events."""

import importlib.util

import pytest
from benchmarks.scale import spark

from tests.spark.java import has_java


@pytest.mark.slow
@pytest.mark.skipif(not has_java() or not importlib.util.find_spec("pyspark"), reason="needs PySpark and Java")
def test_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "BUCKETS", ())
    report = spark.run(2_000)
    names = {"seconds", "cpu_seconds", "peak_mb", "bucket_mb", "ratio_to_one_machine"}
    one_machine = {f"one_machine.{name}" for name in ("seconds", "cpu_seconds", "peak_mb")}
    assert {*report.figures} == {"equal"} | names | {f"frame.{name}" for name in names} | one_machine
    assert report.figures["equal"] == 1
    assert all(value > 0 for value in report.figures.values())
    assert [bar.name for bar in report.bars] == ["equal", "ratio_to_one_machine"]
