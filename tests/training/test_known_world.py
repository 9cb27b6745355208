"""Calibration and promised rates of refitted and of recalibrated models, on fresh draws of a world that is known.

The probability of fraud of every record is known, so that the true rate of a threshold is a plain sum.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.stats import binom

from fraudsieve.models import Scorer
from fraudsieve.training import Recipe, recalibrate, train
from tests.profiles import size

from .known_world import RATE, SETTINGS, Draw, draw

pytestmark = pytest.mark.slow

WORLDS = size(60, usual=6)


class Found(NamedTuple):
    """The true rate at the promised point, and how far probabilities are from the truth: of all, and in ten parts."""

    rate: float
    observed_over_expected: float
    error: float


def on_fresh_draws(folder: Path, fresh: Draw) -> Found:
    """Compare a model with the truth of records that nobody has seen."""
    scorer = Scorer.load(folder)
    records: Any = fresh.records.drop(columns=["label", "labelled_at"])
    scores = [float(score["probability"]) for score in scorer.score(records.to_dict("records"))]
    (threshold,) = [point.threshold for point in scorer.model.points if point.max_false_positive_rate == RATE]
    legitimate = [1 - fraud for fraud in fresh.truth]
    flagged = sum(share for share, score in zip(legitimate, scores, strict=True) if score >= threshold)
    pairs = sorted(zip(scores, fresh.truth, strict=True))
    tenth = len(pairs) // 10
    gaps = [abs(sum(score - fraud for score, fraud in pairs[at : at + tenth])) for at in range(0, 10 * tenth, tenth)]
    return Found(flagged / sum(legitimate), sum(fresh.truth) / sum(scores), sum(gaps) / len(pairs))


def check(found: list[Found], max_error: float) -> None:
    """Check that the promise is kept in 19 of 20 worlds, with hardly any caution to spare, and the calibration."""
    n_exceeded = sum(one.rate > RATE for one in found)
    assert n_exceeded <= binom.ppf(0.999, len(found), 0.05)
    assert RATE / 3 < np.mean([one.rate for one in found]) < RATE
    assert np.mean([one.observed_over_expected for one in found]) == pytest.approx(1, abs=0.1)
    assert np.mean([one.error for one in found]) < max_error


def test_rates_and_probabilities_of_refitted_models_are_those_of_the_world(tmp_path: Path) -> None:
    recipe, found = Recipe.read(overrides=SETTINGS), []
    for seed in range(WORLDS):
        rng = np.random.default_rng(seed)
        folder = train(recipe, output=tmp_path / str(seed), events=draw(rng, 3000, 0).records).folder
        found.append(on_fresh_draws(folder, draw(rng, 4000, 50)))
    check(found, 0.03)


def test_rates_and_probabilities_of_recalibrated_models_are_those_of_the_new_world(tmp_path: Path) -> None:
    """Fraud is more frequent than in training, and a sample of the new traffic has labels."""
    recipe = Recipe.read(overrides=SETTINGS)
    folder = train(recipe, output=tmp_path / "m", events=draw(np.random.default_rng(1000), 3000, 0).records).folder
    before, after = [], []
    for seed in range(WORLDS):
        rng = np.random.default_rng(seed)
        traffic, fresh = (draw(rng, n, first_day, odds=-2.0) for n, first_day in ((3000, 50), (4000, 100)))
        records = traffic.records.drop(columns=["label", "labelled_at"])
        output = tmp_path / str(seed)
        drawn = traffic.records.sample(400, random_state=seed)
        labels = drawn.rename(columns={"event_id": "subject_id"})[["subject_id", "label"]]
        labels["inclusion_probability"] = 400 / len(records)
        recalibrate(folder, records, labels=labels, output=output, flagged=0.1, recipe=recipe)
        before.append(on_fresh_draws(folder, fresh))
        after.append(on_fresh_draws(output, fresh))
    check(after, 0.05)
    assert np.mean([one.error for one in before]) > 0.1  # the oracle tells the models apart
