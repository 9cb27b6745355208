"""Operating points of a run: the days that a slice represents, and alerts that stay near the review capacity."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from fraudsieve._typing import Array
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.predict import Scorer
from fraudsieve.models.thresholds import Targets, operating_points
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData, Labelling, load_labelled
from fraudsieve.training.evaluation.fraud_rows import FraudRows
from fraudsieve.training.evaluation.points import (
    PointRates,
    amounts_of,
    calibration_days,
    check_points,
    choose_points,
    exceeded_notes,
    point_metrics,
    share_of_records,
)
from fraudsieve.training.fit import train
from fraudsieve.training.held_out import HeldOutScores
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import World, simulate
from fraudsieve.training.split_model import fit_model
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split, split_by_time
from tests.profiles import size
from tests.shared import mlflow_uri

DAYS = 120
CAPACITY = 20.0


def labelled(n: int = 100, n_unlabelled: int = 0, **columns: Any) -> LabelledData:
    """Return one message per hour; the last ones have no label."""
    sent = pd.Series(pd.date_range("2026-01-01", periods=n + n_unlabelled, freq="h", tz="UTC"))
    rows = pd.DataFrame({"as_of": sent[:n], "label": np.where(np.arange(n) % 5, "legitimate", "spam"), **columns})
    return LabelledData(rows, rows[:0], rows[:0], n_unlabelled, (), {}, messages=pd.DataFrame({"as_of": sent}))


def singles(data: LabelledData) -> Array:
    return np.arange(len(data.rows))


def sliced(calibration: Array, kind: str = "time") -> Split:
    return Split(kind, np.arange(0), calibration, np.arange(0), ())


def held(rows: Array, *, promise: bool = True) -> HeldOutScores:
    """Return held-out rows; their log-odds are not looked at here."""
    return HeldOutScores(rows, np.zeros((len(rows), 1)), np.ones(len(rows), bool), promise)


def chosen(
    data: LabelledData, split: Split, settings: dict[str, Any], probability: Array | None = None
) -> tuple[tuple[OperatingPoint, ...], tuple[str, ...]]:
    """Choose points on a slice, by default with probabilities that rise."""
    rows = split.calibration
    is_fraud = (data.rows["label"] == "spam").to_numpy()[rows]
    probability = np.linspace(0, 1, len(rows)) if probability is None else probability
    return choose_points(probability, is_fraud, data, singles(data), held(rows), Recipe.read(overrides=settings))


def test_a_slice_of_every_record_spans_its_own_days() -> None:
    assert calibration_days(labelled(), np.arange(48)) == pytest.approx(2)


def test_a_slice_of_half_the_records_stands_for_half_the_days() -> None:
    by_time = calibration_days(labelled(), np.arange(0, 48, 2))
    assert by_time == pytest.approx(1)  # 24 rows, and 24 messages come per day
    assert calibration_days(labelled(), np.arange(0, 96, 4)) == pytest.approx(1)
    assert calibration_days(labelled(), np.arange(24)) == pytest.approx(1)


def test_messages_without_a_label_are_alerts_too() -> None:
    every_second = labelled(100)
    rows = every_second.rows[::2].reset_index(drop=True)
    assert calibration_days(replace(every_second, rows=rows), np.arange(24)) == pytest.approx(1)
    alone = replace(every_second, rows=rows, messages=None)
    assert calibration_days(alone, np.arange(24)) == pytest.approx(2)


def test_share_of_the_records_of_their_time() -> None:
    data = labelled(100)
    assert share_of_records(data, data.rows) == 1
    assert share_of_records(data, data.rows.iloc[40:60]) == 1
    assert share_of_records(data, data.rows.iloc[[0, *range(3, 100, 4)]]) == pytest.approx(0.26)
    half = replace(data, rows=data.rows[::2])  # every second message has no label
    assert share_of_records(half, half.rows) == pytest.approx(50 / 99)
    assert share_of_records(replace(half, messages=None), half.rows) == 1
    untimed = data.rows.assign(as_of=pd.Series(pd.NaT, data.rows.index, "datetime64[us, UTC]"))
    assert share_of_records(replace(data, rows=untimed), untimed) == 1


def test_without_two_distinct_times_there_are_no_days() -> None:
    data = labelled()
    assert calibration_days(data, np.array([3])) is None
    untimed = data.rows.assign(as_of=pd.Series(pd.NaT, data.rows.index, "datetime64[us, UTC]"))
    assert calibration_days(replace(data, rows=untimed), np.arange(9)) is None


def test_points_that_cannot_be_chosen_are_named_before_any_work() -> None:
    recipe = Recipe.read(overrides={"thresholds": {"alerts_a_day": [5], "costs": {"missed": 1, "by_amount": True}}})
    with pytest.raises(RecipeError) as caught:
        check_points(labelled(), sliced(np.array([3])), recipe)
    assert len(caught.value.problems) == 2
    assert caught.value.problems[0].startswith("thresholds.alerts_a_day: the records have no times")
    assert caught.value.problems[1].startswith("thresholds.costs.by_amount: no fraud to calibrate on has an amount")
    of_clean = np.where(np.arange(100) % 5, 9.0, np.nan)
    with pytest.raises(RecipeError, match="no fraud to calibrate on has an amount"):
        check_points(labelled(amount=of_clean), sliced(np.arange(50)), recipe)
    check_points(labelled(amount=9.0), sliced(np.arange(50)), recipe)
    check_points(labelled(), sliced(np.array([3])), Recipe())


def test_amounts_are_those_of_the_slice() -> None:
    amounts = amounts_of(labelled(amount=np.arange(100.0)), np.array([7, 3]))
    assert amounts is not None
    assert amounts.tolist() == [7, 3]
    assert amounts_of(labelled(), np.array([7])) is None


def test_costs_go_by_the_amounts_of_the_slice() -> None:
    settings = {"false_positive_rates": [], "costs": {"missed": 1.0, "review": 5.0, "by_amount": True}}
    data, probability = labelled(amount=np.where(np.arange(100) < 50, 100.0, 1.0)), np.linspace(1, 0, 20)
    points, _ = chosen(data, sliced(np.arange(40, 60)), {"thresholds": settings}, probability)
    # There is fraud at 40, 45, 50 and 55; from 50 on it costs less than a review.
    assert np.flatnonzero(probability >= points[0].threshold).max() == 5


def test_a_point_that_flags_nothing_is_noted() -> None:
    settings = {"thresholds": {"alerts_a_day": [24], "precisions": [0.99]}}
    points, notes = chosen(labelled(), sliced(np.arange(50)), settings)
    assert [point.name for point in points if not point.flagged and point.name.startswith("prec")] == ["precision_0.99"]
    assert "precision_0.99" in notes[0]
    assert "alerts_a_day_24" not in notes[0]


def test_times_within_a_day_give_no_alerts_per_day_unless_they_are_asked_for() -> None:
    for n, settings, has_days in ((20, {}, False), (20, {"thresholds.alerts_a_day": [24]}, True), (60, {}, True)):
        (point, *_), _ = chosen(labelled(n), sliced(np.arange(n)), settings)  # one message an hour
        assert (point.alerts_a_day is not None) is has_days


def with_new_times(world: World, seed: int) -> pd.DataFrame:
    """Return the messages of a world at random times, so that neither volume nor texts nor fraud drift."""
    rng = np.random.default_rng(seed)
    first = world.messages["sent_at"].min().normalize()
    sent = first + pd.to_timedelta(rng.uniform(0, DAYS * 86_400, len(world.messages)), "s").round("s")
    return world.messages.assign(sent_at=sent)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_alerts_per_day_stay_near_the_capacity_without_drift(seed: int) -> None:
    world = simulate(seed=seed, days=DAYS, n_accounts=300)
    messages = with_new_times(world, seed)
    data = load_labelled(messages, world.labels.drop(columns="labelled_at"))
    rows, n = data.rows, len(data.rows)
    is_fraud = (rows["label"] != "legitimate").to_numpy()
    split = split_by_time(
        rows["as_of"], rows["labelled_at"], np.arange(n), is_fraud, test_share=0.35, calibration_share=0.35, gap_days=0
    )
    # A simulated model: one score per message, as good later as on the calibration slice.
    truth = messages["message_id"].isin(rows["message_id"][is_fraud]).to_numpy()
    logit = np.random.default_rng(seed).normal(np.where(truth, 1.5, -3.0), 1.2)
    probability = pd.Series(1 / (1 + np.exp(-logit)), messages["message_id"].to_numpy())
    recipe = Recipe.read(
        overrides={"thresholds": {"alerts_a_day": [CAPACITY], "decide_by": f"alerts_a_day_{CAPACITY:g}"}}
    )
    scores = probability[rows["message_id"].iloc[split.calibration]].to_numpy()
    (point, *_), _ = choose_points(
        scores, is_fraud[split.calibration], data, np.arange(n), held(split.calibration), recipe
    )
    assert point.alerts_a_day is not None
    assert CAPACITY - 0.1 < point.alerts_a_day <= CAPACITY

    later = (messages["sent_at"] >= rows["as_of"].iloc[split.test].min()).to_numpy()  # labelled or not
    days = (messages["sent_at"].max() - messages["sent_at"][later].min()) / pd.Timedelta(days=1)
    alerts = (probability.to_numpy()[later] >= point.threshold).sum() / days
    assert alerts == pytest.approx(CAPACITY, rel=0.2)


@pytest.mark.parametrize(("n_legitimate", "n_estimated"), [(58, 3), (59, 2), (298, 2), (299, 1), (2994, 1), (2995, 0)])
def test_a_rate_that_too_few_campaigns_allow_is_estimated_and_still_decides(
    n_legitimate: int, n_estimated: int
) -> None:
    n = n_legitimate + 10
    data = labelled(n)
    is_fraud, probability = np.arange(n) < 10, np.linspace(1, 0, n)
    recipe = Recipe.read(overrides={"thresholds.false_positive_rates": [0.001, 0.01, 0.05]})
    points, notes = choose_points(probability, is_fraud, data, singles(data), held(np.arange(n)), recipe)
    assert [point.estimated_false_positive_rate is not None for point in points[:3]] == [
        place < n_estimated for place in range(3)
    ]
    assert points[0].name == "false_positive_rate_0.001"
    assert any("is not promised" in note for note in notes) == bool(n_estimated)
    unpromised, _ = choose_points(probability, is_fraud, data, singles(data), held(np.arange(n), promise=False), recipe)
    assert [point.max_false_positive_rate for point in unpromised[:3]] == [None] * 3


def test_copies_of_one_campaign_do_not_count() -> None:
    n = 700
    data, is_fraud, groups = labelled(n), np.arange(n) < 10, np.arange(n) // 2
    recipe = Recipe.read(overrides={"thresholds.false_positive_rates": [0.01]})
    points, _ = choose_points(np.linspace(1, 0, n), is_fraud, data, groups, held(np.arange(n)), recipe)
    assert points[0].legitimate_groups == 345
    (half, *_), _ = choose_points(np.linspace(1, 0, n), is_fraud, data, groups // 2, held(np.arange(n)), recipe)
    assert half.legitimate_groups == 173  # one campaign has both kinds


def test_the_capacity_is_that_of_the_evaluation() -> None:
    data, split = labelled(), sliced(np.arange(72))  # one message an hour: three days
    points, _ = chosen(data, split, {"evaluate.alerts_a_day": 2, "thresholds.decide_by": "capacity"})
    assert points[0].name == "capacity"
    assert points[0].flagged * 72 == pytest.approx(6)
    by_frauds, _ = chosen(data, split, {})
    n_frauds = (data.rows["label"][:72] == "spam").sum()
    assert next(point for point in by_frauds if point.name == "capacity").flagged * 72 == n_frauds


def test_the_capacity_of_records_of_one_day_is_that_of_the_evaluation() -> None:
    data = labelled(48)
    # One message in 27 minutes, so all 48 within 22 hours; a slice of half of them stands for half of that.
    data.rows["as_of"] = pd.date_range("2026-01-01", periods=48, freq="27min", tz="UTC")
    data, split = replace(data, messages=data.rows), sliced(np.arange(0, 48, 2), "account")
    points, notes = chosen(data, split, {"evaluate.alerts_a_day": 5, "thresholds.decide_by": "capacity"})
    assert points[0].name == "capacity"
    assert points[0].flagged * 24 == pytest.approx(2)
    assert points[0].alerts_a_day == pytest.approx(2 / (24 * 27 / 60 / 24))
    assert not any("evaluate.alerts_a_day" in note for note in notes)


def test_a_capacity_without_times_is_noted() -> None:
    data, split = labelled(), sliced(np.arange(50), "campaign")
    data.rows["as_of"] = pd.Series(pd.NaT, data.rows.index, "datetime64[us, UTC]")
    points, notes = chosen(data, split, {"evaluate.alerts_a_day": 5})
    n_frauds = (data.rows["label"][:50] == "spam").sum()
    assert next(point for point in points if point.name == "capacity").flagged * 50 == n_frauds
    (note,) = [note for note in notes if "evaluate.alerts_a_day" in note]
    assert "expected records with different times, got none. The point capacity flags as many records as" in note
    assert not any("evaluate.alerts_a_day" in note for note in chosen(data, split, {})[1])


@pytest.mark.slow
def test_a_run_keeps_its_points_in_the_folder(small_world: World, tmp_path: Path) -> None:
    thresholds = {"alerts_a_day": [5], "precisions": [0.8], "costs": {"missed": 100, "review": 2}, "decide_by": "cost"}
    settings = {"track.uri": mlflow_uri(tmp_path), "track.register_model": False, "n_jobs": 1}
    recipe = Recipe.read(overrides={**settings, "thresholds": thresholds, "model.n_rounds": 20, "features.augment": 0})
    trained = train(recipe, output=tmp_path / "m", messages=small_world.messages, labels=small_world.labels)
    points = read_model(tmp_path / "m").points
    assert points == trained.model.points
    assert points[0].name == "cost"
    assert {"alerts_a_day_5", "precision_0.8", "capacity"} < {point.name for point in points}
    by_name = {point.name: point for point in points}
    alerts = by_name["alerts_a_day_5"].alerts_a_day
    assert alerts is not None
    assert 4 < alerts <= 5
    scores = Scorer.load(tmp_path / "m").score_columns({"text": small_world.messages["text"].tolist()[:200]})
    assert ((scores["decision"] == "flag") == (scores["probability"] >= points[0].threshold)).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(size(3, usual=1)))
def test_alerts_of_a_trained_model_stay_near_the_capacity_without_drift(seed: int) -> None:
    world = simulate(seed=seed, days=DAYS)
    messages = with_new_times(world, seed)
    settings = {"split": {"kind": "random", "test_share": 0.3, "calibration_share": 0.3}, "n_jobs": 1, "seed": seed}
    recipe = Recipe.read(overrides={**settings, "thresholds.alerts_a_day": [12], "features.augment": 0})
    data = load_labelled(messages, world.labels.drop(columns="labelled_at"), labelling=Labelling(min_label_rows=10))
    groups, group_kind = groups_of(data)
    split = choose_split(data, groups, group_kind, recipe)
    model, *_ = fit_model(data, groups, split, recipe, lambda step: None)
    point = next(point for point in model.points if point.name == "alerts_a_day_12")
    test = data.rows["text"].iloc[split.test].tolist()
    flagged = (Scorer(model).score_columns({"text": test})["probability"] >= point.threshold).mean()
    alerts = flagged * len(messages) / DAYS
    print(f"seed {seed}: {alerts:.2f} alerts per day for a capacity of 12")  # noqa: T201 - shown with pytest -s
    assert alerts == pytest.approx(12, rel=0.2)


# The rates of operating points on other records.


def test_rates_are_those_of_scikit_learn_and_of_the_calibration_slice() -> None:
    rng = np.random.default_rng(0)
    is_fraud = rng.random(3000) < 0.1
    probability = np.clip(rng.normal(0.2 + 0.3 * is_fraud, 0.15), 0, 1)
    targets = Targets((0.01, 0.1), alerts_a_day=(5,), precisions=(0.8,))
    points = operating_points(probability[:1000], is_fraud[:1000], targets, days=20.0)
    p, truth = probability[1000:], is_fraud[1000:]
    times = np.datetime64("2026-05-01") + np.arange(2000) % 10
    metrics = point_metrics(points, FraudRows(p, truth, cutoff_times=times, share_of_all=0.25))
    assert [item.point.name for item in metrics] == list(targets.names)
    for point, item in zip(points, metrics, strict=True):
        flagged, here = p >= point.threshold, item.here
        (clean, alarms), _ = confusion_matrix(truth, flagged)
        assert here.false_positive_rate == pytest.approx(alarms / (clean + alarms))
        assert here.recall == pytest.approx(recall_score(truth, flagged))
        assert here.precision == pytest.approx(precision_score(truth, flagged))
        assert here.flagged == pytest.approx(flagged.mean())
        # The rows are a quarter of all records of ten days, so there are four times as many alerts.
        assert here.alerts_a_day == pytest.approx(flagged.sum() * 4 / 10)
        assert item.calibration == PointRates(**{rate.name: getattr(point, rate.name) for rate in fields(PointRates)})
        assert item.point == point
    assert any(item.here.recall != item.calibration.recall for item in metrics)


def test_a_record_at_the_threshold_is_flagged() -> None:
    point = OperatingPoint("p", 0.5, 0.0, 1.0, 0.5)
    (item,) = point_metrics([point], FraudRows(np.array([0.5, 0.49]), np.array([True, False])))
    assert item.here == PointRates(false_positive_rate=0.0, recall=1.0, precision=1.0, flagged=0.5, alerts_a_day=None)


def test_what_cannot_be_computed_is_none() -> None:
    point = OperatingPoint("p", 0.9, 0.0, 1.0, 0.5, precision=1.0)
    (item,) = point_metrics([point], FraudRows(np.array([0.5]), np.array([False])))
    assert (item.here.recall, item.here.precision, item.here.alerts_a_day) == (None, None, None)
    assert item.here.false_positive_rate == 0.0
    (item,) = point_metrics([point], FraudRows(np.zeros(0), np.zeros(0, bool)))
    assert set(vars(item.here).values()) == {None}
    assert point_metrics([], FraudRows(np.array([0.5]), np.array([False]))) == ()


def test_a_point_that_flags_clearly_more_than_its_rate_is_noted() -> None:
    estimate: dict[str, Any] = {"estimated_false_positive_rate": 0.01, "interval": (0.0, 0.03)}
    point = OperatingPoint("false_positive_rate_0.01", 0.5, 0.01, 1.0, 0.5, **estimate)
    for share, is_noted in ((0.05, True), (0.011, False)):
        probability = (np.arange(4000) < share * 4000).astype(float)
        rows = FraudRows(probability, np.zeros(4000, bool), np.arange(4000))
        metrics = point_metrics([point], rows)
        assert metrics[0].is_exceeded is is_noted
        notes = exceeded_notes(metrics)
        assert len(notes) == is_noted
        assert all(
            note.startswith("1 % false positives: 5 % of the legitimate records here are flagged") for note in notes
        )
