"""Two processes that promote and roll back at the same time, fifty times."""

from pathlib import Path

import mlflow
import pytest

from tests.attack.champion_races import race
from tests.profiles import size
from tests.shared import mlflow_uri


@pytest.mark.slow
def test_one_wins_or_both_do_one_after_the_other(tmp_path: Path) -> None:
    rounds = size(50, usual=4)
    try:
        ends = race(mlflow_uri(tmp_path), rounds)
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]
    assert ends["one after the other"] + ends["one refused"] == rounds, ends
