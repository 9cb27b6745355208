"""The benchmark of evaluation: independently computed metrics agree with the report, also for scores with ties."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.evaluation import capacity_world
from benchmarks.measures.report import card_precision_top_k, plain_figures

from fraudsieve.training.evaluation.card_precision import card_precision
from fraudsieve.training.evaluation.report import evaluate


@pytest.mark.parametrize("seed", range(5))
def test_the_report_agrees_with_independent_metrics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability = np.round(rng.beta(0.5, 3, 3000), 3)  # many ties
    is_fraud = rng.random(3000) < probability
    labels = np.where(is_fraud, "fraud", "legitimate").astype(object)
    by_class = np.column_stack([probability, 1 - probability])
    report = evaluate(probability, ("fraud", "legitimate"), by_class, labels, "legitimate")
    for name, value in plain_figures(is_fraud, probability).items():
        assert getattr(report, name) == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("seed", range(5))
def test_card_precision_is_that_of_the_handbook(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"account_id": rng.integers(0, 60, 2000).astype(str), "day": rng.integers(0, 7, 2000)})
    frame["probability"] = rng.random(2000)
    frame["is_fraud"] = rng.random(2000) < 0.1 * frame["probability"]
    times = pd.Timestamp("2026-05-01") + pd.to_timedelta(frame["day"], unit="D")
    truth, scores = frame["is_fraud"].to_numpy(), frame["probability"].to_numpy()
    precision = card_precision(frame["account_id"], times, truth, scores, top=10)
    assert precision == pytest.approx(card_precision_top_k(frame, top=10), abs=1e-12)


@pytest.mark.slow
def test_alerts_stay_near_the_capacity_in_a_small_world() -> None:
    assert 0.4 < capacity_world.alerts_over_capacity(1, days=60, messages_a_day=100.0) < 2.0
