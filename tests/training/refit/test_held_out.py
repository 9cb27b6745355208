"""Held-out scores: legitimate rows out of fold with all fraud in training, frauds on the same scale, and the guard."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._typing import Array
from fraudsieve.models.calibration import Calibration, fit_calibration, probabilities
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.models.thresholds import operating_points
from fraudsieve.models.trees.ensemble import Ensemble
from fraudsieve.training import held_out
from fraudsieve.training.data.builders import TrainingRows, grow_trees, read_data, training_rows
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.held_out import FoldScorer, HeldOutScores, are_few, needs_folds, with_all_classes
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import guard_newest

RECIPE = Recipe.read(overrides={"n_jobs": 1, "model.n_rounds": 30, "track.enabled": False, "evaluate.replicates": 0})


def payments(n: int = 600, n_fraud: int = 40, seed: int = 0, **columns: Any) -> pd.DataFrame:
    """Return payments over 60 days; fraud has a higher risk."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.permutation(n) < n_fraud
    times = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, 60, n)), unit="D")
    frame = {
        "event_id": [f"e{i}" for i in range(n)],
        "account_id": [f"a{i}" for i in rng.integers(0, n // 2, n)],
        "occurred_at": times,
        "amount": rng.lognormal(3, 1, n),
        "risk": rng.normal(2.0 * is_fraud),
        "label": np.where(is_fraud, "fraud", "legitimate"),
        "labelled_at": times + pd.Timedelta(hours=1),
    }
    return pd.DataFrame(frame | columns)


def fold_scorer(data: LabelledData) -> FoldScorer:
    groups, rows = groups_of(data)[0], np.arange(len(data.rows))
    return FoldScorer(training_rows(data, groups, rows, RECIPE), data, groups, RECIPE, ("fraud", "legitimate"))


@pytest.mark.slow
def test_a_fold_learns_from_all_fraud_and_from_no_account_that_it_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    data = read_data(RECIPE, {"events": payments()}, min_label_rows=1)
    scorer, learned = fold_scorer(data), list[TrainingRows]()

    def grow(rows: TrainingRows, *rest: Any) -> FraudClassifier:
        learned.append(rows)
        return grow_trees(rows, *rest)

    monkeypatch.setattr(held_out, "grow_trees", grow)
    scores = scorer.scores(lambda step: None, with_fraud=False)
    labels, groups = data.rows["label"].to_numpy(), scorer.groups
    legitimate = np.flatnonzero(labels == "legitimate")
    assert sorted(scores.rows) == legitimate.tolist()
    assert not scores.promise
    left_out = [np.setdiff1d(np.arange(len(labels)), rows.positions) for rows in learned]
    assert np.array_equal(np.sort(np.concatenate(left_out)), legitimate)
    for rows, apart in zip(learned, left_out, strict=True):
        assert (rows.labels == "fraud").sum() == 40
        kept = rows.positions[rows.labels == "legitimate"]
        assert not set(groups[kept]) & set(groups[apart])


@pytest.mark.slow
def test_frauds_out_of_fold_are_brought_to_the_scale_of_the_legitimate_rows() -> None:
    data = read_data(RECIPE, {"events": payments(n_fraud=12)}, min_label_rows=1)
    scorer = fold_scorer(data)
    scores = scorer.scores(lambda step: None, with_fraud=True)
    assert sorted(scores.rows) == list(range(len(data.rows)))
    assert scores.seen.all()


@pytest.mark.parametrize(("n", "is_corrected"), [(600, True), (90, False)])
def test_a_fold_lacks_legitimate_rows_which_moves_its_prior_odds(
    monkeypatch: pytest.MonkeyPatch, n: int, is_corrected: bool
) -> None:
    data = read_data(RECIPE, {"events": payments(n, 20)}, min_label_rows=1)

    def prior_alone(rows: TrainingRows, *rest: Any) -> Any:
        odds = np.log((rows.labels == "legitimate").sum() / 20)
        ensemble = SimpleNamespace(log_odds=lambda X, n_threads: np.full((len(X), 1), odds))
        return SimpleNamespace(classes_=["fraud", "legitimate"], ensemble_=ensemble)

    monkeypatch.setattr(held_out, "grow_trees", prior_alone)
    found = fold_scorer(data).scores(lambda step: None, with_fraud=False).log_odds
    assert (np.abs(found - np.log((n - 20) / 20)) < 1e-9).all() == is_corrected


def test_quantiles_of_legitimate_rows_map_the_scores_of_fraud() -> None:
    data = read_data(RECIPE, {"events": payments()}, min_label_rows=1)
    scorer = FoldScorer(None, data, np.zeros(1), RECIPE, ("fraud", "legitimate"))  # type: ignore[arg-type]
    before, after = -np.arange(5.0)[:, None], -(2 * np.arange(5.0)[:, None] + 10)  # log-odds of the legitimate class
    moved = scorer.on_scale(-np.array([[0.0], [1.5], [4.0], [7.0], [-3.0]]), before, after)
    assert (-moved[:, 0]).tolist() == [10, 13, 18, 21, 7]  # beyond the ends, as far as the end
    types = FoldScorer(None, data, np.zeros(1), RECIPE, ("a", "b", "legitimate"))  # type: ignore[arg-type]
    odds = np.array([[1.0, -1.0, 0.0]])
    shifted = types.on_scale(odds, np.zeros((2, 3)), np.array([[1.0, 1.0, 0.0]] * 2))
    assert shifted.tolist() == [[2.0, 0.0, 0.0]]


def test_folds_are_for_tables_with_few_frauds_or_few_legitimate_groups() -> None:
    few = read_data(RECIPE, {"events": payments(900, 20)}, min_label_rows=1)
    many = read_data(RECIPE, {"events": payments(2000, 200)}, min_label_rows=1)
    for data, expected in ((few, True), (many, False)):
        groups, rows = np.arange(len(data.rows)), np.arange(len(data.rows))
        assert are_few(data, groups, rows) is needs_folds(data, groups, rows, RECIPE) is expected
    sampled = RECIPE.with_values({"model.sample_rate": 0.5})
    assert not needs_folds(few, np.arange(900), np.arange(900), sampled)
    assert needs_folds(many, np.arange(2000) // 10, np.arange(2000), RECIPE)
    larger = read_data(RECIPE, {"events": payments(2500, 200)}, min_label_rows=1)
    rare = read_data(RECIPE, {"events": payments(2500, 20)}, min_label_rows=1)
    assert not needs_folds(larger, np.arange(2500) // 10, np.arange(2500), RECIPE)
    assert needs_folds(rare, np.arange(2500) // 10, np.arange(2500), RECIPE)


def test_rows_whose_class_was_not_seen_do_not_calibrate() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(300, 1))
    labels = np.where(rng.random(300) < 1 / (1 + np.exp(-2 * odds[:, 0])), "spam", "ham").astype(object)
    scores = HeldOutScores(np.arange(300), odds, np.arange(300) < 200)
    expected = fit_calibration(odds[:200], (labels[:200] == "spam").astype(int))
    assert scores.calibrate(labels, ["ham", "spam"]) == expected
    assert expected.low > 1


def test_classes_that_were_not_seen_are_all_but_impossible() -> None:
    classes = ["a", "b", "c", "d"]
    odds = np.array([[0.3, -1.0, 700.0], [-2.0, 5.0, 0.0]])
    filled = with_all_classes(odds, ["a", "c", "d"], classes)
    np.testing.assert_allclose(probabilities(filled)[:, [0, 2, 3]], probabilities(odds), atol=1e-15)
    assert (probabilities(filled)[:, 1] < 1e-20).all()
    two = with_all_classes(np.array([[2.0]]), ["b", "d"], classes)
    np.testing.assert_allclose(probabilities(two)[:, [1, 3]], probabilities(np.array([[2.0]])), atol=1e-15)
    assert with_all_classes(odds, ["a", "c", "d"], ["a", "c", "d"]) is odds


class OtherScores(FoldScorer):
    """A scorer whose honest scores of the newest rows are higher than those of the evaluated model."""

    rise = 0.0

    def halves(self, rows: Array) -> Array:
        odds = np.random.default_rng(0).normal(-4, 1, (len(rows), 1))
        odds[: len(rows) // 5] += self.rise
        return odds

    def learned_scores(self, ensemble: Ensemble, rows: Array) -> Array:
        return self.halves(rows)


@pytest.mark.parametrize("rise", [0.0, 4.0])
def test_thresholds_that_flag_too_many_of_the_newest_legitimate_records_are_set_anew(rise: float) -> None:
    data = read_data(RECIPE, {"events": payments(4000, 400)}, min_label_rows=1)
    n, groups = len(data.rows), np.arange(len(data.rows))
    is_fraud = (data.rows["label"] == "fraud").to_numpy()
    odds = np.random.default_rng(1).normal(np.where(is_fraud, 0, -4), 1)[:, None]
    scores = HeldOutScores(groups, odds, np.ones(n, bool), reserve=0.5)
    probability = 1 / (1 + np.exp(-odds[:, 0]))
    model: Any = SimpleNamespace(
        points=operating_points(probability, is_fraud),
        calibration=Calibration(),
        classes=("legitimate", "phish"),
        ensemble=None,
    )
    learned: Any = SimpleNamespace(positions=groups)
    folds = OtherScores(learned, data, groups, RECIPE, ("legitimate", "phish"))
    object.__setattr__(folds, "rise", rise)
    newest = guard_newest(model, scores, folds, lambda step: None, forward=True)
    if not rise:
        assert newest is None
        return
    assert newest is not None
    assert not newest.promise
    times = data.rows["as_of"]
    assert times.iloc[newest.rows].min() > times[~times.index.isin(newest.rows)].max()
    clean = ~is_fraud[newest.rows]
    assert newest.log_odds[clean].mean() > odds[newest.rows][clean].mean() + 0.5
    assert newest.log_odds[~clean].mean() > odds[newest.rows][~clean].mean() + 1  # frauds are on the same scale
