"""The benchmark of evaluation: independently computed metrics agree with the report, also for scores with ties."""

import numpy as np
import pandas as pd
import pytest
from benchmarks.evaluation import capacity_world
from benchmarks.measures.report import card_precision_top_k, plain_figures

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


def test_card_precision_lists_a_card_until_its_fraud_is_found() -> None:
    rows = [("ann", 0, True, 0.9), ("bob", 0, True, 0.8), ("ann", 1, True, 0.9), ("bob", 1, True, 0.5)]
    frame = pd.DataFrame([*rows, ("eve", 1, False, 0.7)], columns=["account_id", "day", "is_fraud", "probability"])
    assert card_precision_top_k(frame, top=1) == 0.5
    assert card_precision_top_k(frame, top=2) == 0.5  # on the second day, both were found


@pytest.mark.slow
def test_alerts_stay_near_the_capacity_in_a_small_world() -> None:
    assert 0.4 < capacity_world.alerts_over_capacity(1, days=60, messages_a_day=100.0) < 2.0
