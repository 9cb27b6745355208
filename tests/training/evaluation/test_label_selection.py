"""Labels that a model chose: quiet for labels at random, and in words for labels of alerts."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import builder_of_model, flags_of, read_data, scores_of
from fraudsieve.training.data.groups import trained_until
from fraudsieve.training.evaluation.evaluation_run import Evaluation, evaluate_tables
from fraudsieve.training.evaluation.label_delays import LabelSelection, compare_labelled
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.report_page.evaluation import render_report

N_CASES = 400


def case(rng: np.random.Generator) -> tuple[Any, Any, float]:
    """Return flags of records, their groups, and the share that people label: of any size and rarity."""
    n = int(10 ** rng.uniform(2, 3.7))
    groups = rng.integers(0, max(2, int(n * rng.uniform(0.05, 1))), n)
    share = 10 ** rng.uniform(-2, -0.5)
    of_group = rng.random(groups.max() + 1) < share
    flagged = np.where(rng.random(n) < 0.9, of_group[groups], rng.random(n) < share)
    return flagged, groups, float(10 ** rng.uniform(-2, -0.1))


def test_labels_at_random_are_not_said_to_be_chosen() -> None:
    """Whether single records or whole campaigns are labelled, and flagged records come in campaigns too."""
    rng, spoken = np.random.default_rng(0), 0
    for number in range(N_CASES):
        flagged, groups, share = case(rng)
        of_group = rng.random(groups.max() + 1) < share
        labelled = of_group[groups] if number % 2 else rng.random(len(flagged)) < share
        selection = compare_labelled(flagged, labelled, groups)
        spoken += selection is not None and selection.note is not None
    assert spoken == 0


def test_labels_of_alerts_are_said_to_be_chosen() -> None:
    rng, known, spoken = np.random.default_rng(1), 0, 0
    for number in range(N_CASES):
        flagged, groups, share = case(rng)
        reviewed = rng.random(len(flagged)) < 0.8
        # Every second case has labels of a few records that passed too.
        labelled = (flagged & reviewed) | (rng.random(len(flagged)) < (share / 20 if number % 2 else 0.0))
        enough = len(np.unique(groups[flagged & labelled])) >= 10
        selection = compare_labelled(flagged, labelled, groups)
        known += enough
        spoken += enough and selection is not None and selection.note is not None
    assert known > N_CASES / 2
    assert spoken == known


def test_counts_that_are_drawn_stand_for_all() -> None:
    flagged, labelled = np.repeat([True, False, True, False], [50, 450, 100, 900]), np.arange(1500) < 500
    alike = compare_labelled(flagged, labelled, np.arange(1500))
    assert alike is not None
    assert (alike.ratio, alike.note) == (1.0, None)
    flagged = np.repeat([True, False, True, False], [50, 450, 10, 990])
    drawn = compare_labelled(flagged, labelled, np.arange(1500), rates=(1.0, 0.01))
    assert drawn is not None
    assert drawn.ratio == pytest.approx((450 / 99_450) / (50 / 1050))
    assert compare_labelled(flagged, np.ones(1500, bool), np.arange(1500)) is None
    assert compare_labelled(np.zeros(1500, bool), labelled, np.arange(1500)) is None


def test_labels_of_what_passed_are_named_too() -> None:
    flagged = np.repeat([True, False], [60, 940])
    selection = compare_labelled(flagged, ~flagged, np.arange(1000), by=" by the champion")
    assert selection is not None
    assert selection.note == (
        "0 of 940 labelled records were flagged by the champion, but 60 of 60 without a label: recall cannot be known "
        "from these labels. Label a random sample of the flagged records"
    )


def test_records_that_were_drawn_stand_for_others() -> None:
    """An audit of 5 % of what passed is as many labels for each passed record as for each flagged one."""
    flagged = np.repeat([True, False], [60, 2000])
    labelled = flagged | (np.arange(2060) % 20 == 0)
    for share, ratio in ((0.05, 1.0), (0.25, 0.2)):
        weight = np.where(flagged, 1.0, 1 / share)
        selection = compare_labelled(flagged, labelled, np.arange(2060), weight=weight)
        assert selection is not None
        assert selection.ratio == pytest.approx(ratio)
        assert (selection.note is None) == (share == 0.05)  # the other audit stands for a fifth of what passed
    plain = compare_labelled(flagged, labelled, np.arange(2060))
    assert plain is not None
    assert plain.ratio == pytest.approx(0.05)


@pytest.fixture(scope="module")
def later(payments: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return payments(days=(42, 70), seed=2, per_day=200)


@pytest.fixture(scope="module")
def scorer(payment_scorer: Scorer) -> Scorer:
    """Return the model with a point that flags a few payments in a hundred."""
    model = payment_scorer.model
    return Scorer(replace(model, points=(replace(model.points[0], threshold=0.06, false_positive_rate=0.02),)))


@pytest.fixture(scope="module")
def is_flagged(scorer: Scorer, later: pd.DataFrame) -> Any:
    data = read_data(Recipe(), {"events": later}, min_label_rows=1)
    flags = flags_of(scores_of(scorer, data.rows, builder_of_model(scorer.model, data)))
    assert 100 < flags.sum() < len(later) / 10
    return flags


def evaluate(scorer: Scorer, later: pd.DataFrame, labelled: Any, **recipe: Any) -> Evaluation:
    """Evaluate on records of which only some have a label."""
    names = ["label", "labelled_at"]
    table = later.assign(**{name: later[name].where(labelled) for name in names})
    return evaluate_tables(scorer, events=table, recipe=Recipe.read(overrides={"evaluate.replicates": 0, **recipe}))


def selection_of(evaluation: Evaluation) -> LabelSelection:
    assert evaluation.report.label_selection is not None
    return evaluation.report.label_selection


def test_an_evaluation_on_alerts_says_so_in_words(scorer: Scorer, later: pd.DataFrame, is_flagged: Any) -> None:
    evaluation = evaluate(scorer, later, is_flagged)
    assert evaluation.report.decision is not None
    assert evaluation.report.decision.recall == 1.0  # which is why
    selection = selection_of(evaluation)
    assert selection.labelled_flagged == selection.labelled
    assert selection.unlabelled_flagged == 0
    said = (
        f"{selection.labelled} of {selection.labelled} labelled records were flagged, but 0 of 5,000 without a label: "
    )
    assert selection.note is not None
    assert selection.note.startswith(said)
    assert selection.note in evaluation.notes
    assert evaluation.report.to_dict()["label_selection"]["note"] == selection.note
    assert f"{said}recall cannot be known from these labels." in render_report(evaluation.report)
    page = render_report(evaluation.report, language="zh")
    assert "从这些标签无法得知召回率。请随机抽取未被标记的记录并加标签。" in page


def test_an_evaluation_on_alerts_and_an_audit_is_weighted(scorer: Scorer, later: pd.DataFrame, is_flagged: Any) -> None:
    drawn = ~is_flagged & (np.random.default_rng(0).random(len(later)) < 0.1)
    events = later.assign(event_id=[f"e{number}" for number in range(len(later))])
    labels = events[["event_id", "label", "labelled_at"]].rename(columns={"event_id": "subject_id"})
    labels = labels.assign(inclusion_probability=np.where(is_flagged, 1.0, 0.1))[is_flagged | drawn]
    events = events.drop(columns=["label", "labelled_at"])
    recipe = Recipe.read(overrides={"evaluate.replicates": 100})
    evaluation = evaluate_tables(scorer, events=events, labels=labels, recipe=recipe)
    assert selection_of(evaluation).note is None
    decision, weighting = evaluation.report.decision, evaluation.report.weighting
    assert decision is not None
    assert weighting is not None
    assert weighting.drawn == drawn.sum()
    assert weighting.records == pytest.approx(is_flagged.sum() + 10 * drawn.sum())
    assert decision.reviews == is_flagged.sum()
    is_fraud = (later["label"] != "legitimate").to_numpy()
    recall = is_flagged[is_fraud].mean()
    assert decision.recall is not None
    assert decision.recall_interval is not None
    assert decision.recall_interval[0] < recall < decision.recall_interval[1]
    assert weighting.plain["recall"] == pytest.approx(is_flagged[is_fraud & (is_flagged | drawn)].mean())
    assert abs(decision.recall - recall) < abs((weighting.plain["recall"] or 0) - recall)
    assert "with the other labelled ones they stand for" in render_report(evaluation.report)


def test_records_that_all_have_a_label_are_judged_by_the_rate_of_the_point(scorer: Scorer, later: pd.DataFrame) -> None:
    model, n = scorer.model, 300
    flags_all = Scorer(replace(model, points=(replace(model.points[0], threshold=0.0),)))
    selection = selection_of(evaluate(flags_all, later[:n], np.ones(n, bool)))
    assert selection.note == (
        f"{n} of {n} labelled records were flagged: recall cannot be known from these labels. Label a random sample of "
        "the records that pass"
    )
    assert evaluate(scorer, later, np.ones(len(later), bool)).report.label_selection is None


@pytest.mark.parametrize("share", [0.05, 0.9])
def test_an_evaluation_on_labels_at_random_is_quiet(scorer: Scorer, later: pd.DataFrame, share: float) -> None:
    evaluation = evaluate(scorer, later, np.random.default_rng(0).random(len(later)) < share)
    assert selection_of(evaluation).note is None
    assert 0.5 < selection_of(evaluation).ratio <= 1
    assert not any("recall cannot be known" in note for note in evaluation.notes)


def test_frauds_that_are_not_known_yet_are_no_choice(scorer: Scorer, later: pd.DataFrame, is_flagged: Any) -> None:
    """Labels of fraud are rare and come after three weeks: of young records only passed ones have a label."""
    slow = later.assign(label=np.where(is_flagged, "online_fraud", "legitimate"))
    slow["labelled_at"] = later["occurred_at"] + pd.to_timedelta(np.where(is_flagged, 20, 1), unit="D")
    now = later["occurred_at"].max()
    has_label = (slow["labelled_at"] <= now) & (np.random.default_rng(0).random(len(later)) < 0.9)
    assert selection_of(evaluate(scorer, slow, has_label)).note is None


@pytest.mark.slow
def test_reviews_of_alerts_beside_assumed_labels_are_named(
    scorer: Scorer, later: pd.DataFrame, is_flagged: Any
) -> None:
    """Chargebacks alone do not tell which records were reviewed, but records that were found legitimate do."""
    assume = {"labels.legitimate_after": "7d"}
    is_fraud = (later["label"] != "legitimate").to_numpy()
    at_random = np.random.default_rng(0).random(len(later)) < 0.1
    selection = selection_of(evaluate(scorer, later, is_fraud | is_flagged, **assume))
    assert selection.note is not None
    assert "records labelled as legitimate were flagged, but" in selection.note
    assert selection_of(evaluate(scorer, later, is_fraud | at_random, **assume)).note is None
    assert evaluate(scorer, later, is_fraud, **assume).report.label_selection is None


def test_only_records_of_the_same_period_are_compared(scorer: Scorer, later: pd.DataFrame) -> None:
    """Nobody has labelled the last two weeks, in which nearly all records are flagged."""
    begin = trained_until(scorer.model)
    assert begin is not None
    early = (later["occurred_at"] < begin + pd.Timedelta(days=14)).to_numpy()
    table = later.assign(amount=later["amount"].where(early, 1e6))
    labelled = early & (np.random.default_rng(0).random(len(later)) < 0.5)
    assert selection_of(evaluate(scorer, table, labelled)).note is None
