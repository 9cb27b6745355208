"""Run by AutoGluon's own interpreter: python autogluon_program.py FOLDER METRIC SECONDS. Imports nothing of ours."""

import json
import sys
import sysconfig
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd


def _fit(train: pd.DataFrame, folder: Path, metric: str, **settings: Any) -> Any:
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor("label", eval_metric=metric, path=str(folder), verbosity=0)
    return predictor.fit(train, presets="good_quality", **settings)


def main(folder: Path, metric: str, seconds: int) -> None:
    """Train on train.parquet, score test.parquet, and write predicted.parquet and answer.json."""
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    start, cpu_start = time.perf_counter(), time.process_time()
    try:
        predictor = _fit(train, folder / "models", metric, time_limit=seconds)
    except AssertionError:  # AutoGluon 1.6.3, if its trial of stacking trains no model in its part of the time
        start, cpu_start = time.perf_counter(), time.process_time()
        predictor = _fit(train, folder / "again", metric, time_limit=seconds, dynamic_stacking=False)
    trained, trained_cpu = time.perf_counter() - start, time.process_time() - cpu_start
    start = time.perf_counter()
    found = predictor.predict(test) if metric == "f1_macro" else predictor.predict_proba(test)[1]
    scored = time.perf_counter() - start
    pd.DataFrame({"predicted": found.to_numpy()}).to_parquet(folder / "predicted.parquet")
    packages = Path(sysconfig.get_path("purelib"))
    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    answer: dict[str, object] = {"train_seconds": trained, "train_cpu_seconds": trained_cpu, "score_seconds": scored}
    answer |= {"installed_mb": size / 2**20, "version": version("autogluon.tabular")}
    (folder / "answer.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
