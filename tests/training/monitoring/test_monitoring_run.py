"""Monitoring from tables to exceeded bounds: changes are named, and without changes there is no alarm."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.history.declaration import MEASURES, History
from fraudsieve.features.network.declaration import Network
from fraudsieve.models.predict import Scorer
from fraudsieve.training.fit import train
from fraudsieve.training.monitoring import monitoring_run
from fraudsieve.training.monitoring.monitoring_run import monitor_tables
from fraudsieve.training.monitoring.page import render_monitor_report
from fraudsieve.training.monitoring.report import Both, MonitorReport
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.sections import MonitorRecipe
from fraudsieve.training.simulation.world import World
from tests.messages import refused
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow

Payments = Callable[..., pd.DataFrame]
Watch = Callable[..., Any]


@pytest.fixture(scope="module")
def watch(payment_scorer: Scorer, payments: Payments) -> Watch:
    """Return a function that compares two weeks with the two weeks before, with all events as history."""
    past, reference = payments(days=(0, 42), seed=1), payments(days=(42, 56), seed=2)

    def run(current: pd.DataFrame, history: pd.DataFrame | None = None, **settings: Any) -> MonitorReport:
        events = pd.concat([past, reference, current if history is None else history], ignore_index=True)
        recipe = Recipe(monitor=MonitorRecipe(**settings))
        return monitor_tables(payment_scorer, reference, current, history=events, recipe=recipe)

    return run


@pytest.fixture(scope="module")
def current(payments: Payments) -> pd.DataFrame:
    return payments(days=(56, 70), seed=3)


def exceeded(report: MonitorReport) -> set[str]:
    return {f"{bound.bound} {bound.name}" for bound in report.exceeded}


def test_without_drift_no_more_than_one_comparison_in_twenty_raises_an_alarm(
    payment_scorer: Scorer, payments: Payments
) -> None:
    past, alarms = payments(days=(0, 42), seed=1), []
    for seed in range(20):
        reference = payments(days=(42, 56), seed=100 + seed)
        after = payments(days=(56, 58 if seed % 2 else 70), seed=200 + seed)
        report = monitor_tables(payment_scorer, reference, after, history=pd.concat([past, reference, after]))
        alarms += [seed] * bool(report.exceeded)
    assert len(alarms) <= 1


def test_nothing_changed(watch: Watch, current: pd.DataFrame) -> None:
    report = watch(current)
    assert report.exceeded == ()
    assert report.rows == Both(1400, 1400)
    assert report.labelled == report.rows
    assert [point.name for point in report.alerts] == [point.name for point in report.expected]
    observed, expected = report.expected[-1].current.observed, report.expected[-1].current
    low, high = expected.recall_interval
    assert low <= observed.recall <= high
    assert report.calibration
    assert 0.5 < report.calibration.observed_over_expected < 2
    low, high = report.calibration.intervals["ece"]
    assert low <= report.calibration.ece <= high


@pytest.mark.parametrize("ages", [False, True])
def test_what_counts_over_all_time_is_not_compared_as_ages_are_not(ages: bool) -> None:
    measures = (*MEASURES, "known", "frauds", "fraud_rate")
    view = History(("1d", "all"), ("pay",), identifiers=("device_id",), name="sum", measures=measures)
    of_network = Network(identifiers=("ip",)).columns
    names = [*view.columns, *of_network, "profile__age_days", "profile__count_all_day"]
    model: Any = SimpleNamespace(subject=Subject.EVENT, matrix=SimpleNamespace(columns=names))
    table: Any = SimpleNamespace(cutoff_times=lambda subject: None)
    left_out = monitoring_run._left_out(model, table, table, np.ones(len(names), bool), MonitorRecipe(ages=ages))
    grown = left_out.get("they grow by themselves", ())
    expected = {"profile__sum_since_first", "profile__age_days"}
    expected |= {name for name in view.columns if name.endswith(("_all", "_all_pay"))}
    expected |= {name for name in of_network if name.startswith("network__")}
    assert {"volume__sum_count_all", "value__sum_sum_all_pay", "network__sum_frauds_all"} < expected
    assert not any("1d" in name for name in grown)
    assert {*grown} == (set() if ages else expected)


def test_amounts(watch: Watch, current: pd.DataFrame) -> None:
    report = watch(current.assign(amount=3 * current["amount"]))
    assert {name for name in exceeded(report) if name.startswith("family")} == {"family_psi value"}
    assert report.families[0].worst.column == "value__amount"
    assert not {name for name in exceeded(report) if "rise" in name}
    column = report.columns[0]
    assert column.mean.current > 2.5 * column.mean.reference


def test_a_category_with_a_new_name(watch: Watch, current: pd.DataFrame) -> None:
    report = watch(current.assign(channel=current["channel"].replace("web", "www")))
    assert {"family_psi profile", "unseen_rise profile__channel"} <= exceeded(report)
    assert {name for name in exceeded(report) if name.startswith("family")} == {"family_psi profile"}
    share = report.shares.unseen["profile__channel"]
    assert (share.reference, share.current) == (0, pytest.approx((current["channel"] == "web").mean()))


def test_a_category_that_is_missing_is_not_one_that_training_did_not_see(watch: Watch, current: pd.DataFrame) -> None:
    report = watch(current.assign(channel=current["channel"].where(current["channel"] != "web", None)))
    assert "family_psi profile" in exceeded(report)
    assert report.shares.unseen["profile__channel"].current == 0
    column = next(one for one in report.columns if one.column == "profile__channel")
    assert column.missing.current == pytest.approx((current["channel"] == "web").mean())


def test_unknown_accounts(watch: Watch, current: pd.DataFrame) -> None:
    report = watch(current.assign(account_id="new " + current["account_id"]))
    assert "cold_start_rise cold_start" in exceeded(report)
    assert not exceeded(report) & {"family_psi value", "family_psi profile", "rejected_rise rejected"}
    assert report.shares.cold_start.reference < 0.01


def test_rows_that_cannot_be_used(watch: Watch, current: pd.DataFrame) -> None:
    bad = current.astype({"amount": object})
    bad.loc[::8, "amount"] = "lots"
    report = watch(bad, current)
    assert exceeded(report) == {"rejected_rise rejected"}
    assert report.shares.rejected.current == pytest.approx(1 / 8)


def test_concept_drift_shows_in_the_calibration_only(watch: Watch, current: pd.DataFrame) -> None:
    """The relation of payments to fraud has changed, but features, scores and expected metrics have not."""
    small = np.where(current["amount"] < 12, "online_fraud", current["label"])
    report, before = watch(current.assign(label=small)), watch(current)
    assert exceeded(report) == set()
    assert report.calibration.intervals["observed_over_expected"][0] > 1.5
    name = "recall"
    assert getattr(report.expected[-1].current, name) == getattr(before.expected[-1].current, name)
    assert getattr(report.expected[-1].current.observed, name) < getattr(before.expected[-1].current.observed, name)


def test_labels_may_be_absent_few_or_in_a_table(watch: Watch, current: pd.DataFrame, payment_scorer: Scorer) -> None:
    bare = current.drop(columns=["label", "labelled_at"])
    report = watch(bare)
    assert report.calibration is None
    assert report.expected[0].current.observed is None
    few = watch(current.assign(label=current["label"].where(np.arange(len(current)) < 200)))
    assert any(note.startswith("200 of 1,400 current records have labels") for note in few.notes)
    labels = current.rename(columns={"event_id": "subject_id"})[["subject_id", "label", "labelled_at"]]
    given = monitor_tables(payment_scorer, current, bare, history=current, labels=labels)
    assert given.calibration
    assert given.calibration.rows == len(current)


def test_left_out_columns_are_noted(watch: Watch, current: pd.DataFrame, payment_scorer: Scorer) -> None:
    few_days = current[current["occurred_at"] < current["occurred_at"].min() + pd.Timedelta(days=3)]
    report = watch(few_days)
    assert report.left_out == {"a table spans less than a week": ("rhythm__weekday",)}
    assert "rhythm__weekday" not in {one.column for one in report.columns}
    without = watch(current, exclude=("value", "profile__channel"))
    assert not {one.column for one in without.columns} & {"value__amount", "profile__channel"}
    with refused(RecipeError, "colour"):
        watch(current, exclude=("colour",))
    alone = monitor_tables(payment_scorer, current, current)
    assert any("the history of each table begins with it" in note for note in alone.notes)
    assert alone.exceeded == ()
    assert {one.psi for one in alone.columns} == {0.0}


def test_a_reference_that_was_trained_on_is_noted(payment_scorer: Scorer, payments: Payments) -> None:
    trained_on, later = payments(days=(0, 42), seed=1), payments(days=(42, 56), seed=2)
    report = monitor_tables(payment_scorer, trained_on, later, history=pd.concat([trained_on, later]))
    assert any("of the reference are from the time that the model was trained on" in note for note in report.notes)
    part = monitor_tables(payment_scorer, trained_on[::2], later, history=pd.concat([trained_on, later]))
    assert any("was trained on" in note for note in part.notes)
    report = monitor_tables(payment_scorer, later, later)
    assert not any("was trained on" in note for note in report.notes)


def test_too_few_rows_are_an_error_and_few_rows_are_noted(watch: Watch, current: pd.DataFrame) -> None:
    with refused(SchemaError):
        watch(current[:99])
    assert any("so few rows hide drift" in note for note in watch(current[:100], family_psi=0.1).notes)


def test_one_very_active_account_is_not_drift(watch: Watch, current: pd.DataFrame) -> None:
    amounts = current["amount"].where(np.arange(len(current)) % 4 > 0, 5000.0)
    of_many = watch(current.assign(amount=amounts))
    of_one = watch(current.assign(amount=amounts, account_id=current["account_id"].where(amounts != 5000.0, "one")))
    assert "family_psi value" in exceeded(of_many)
    assert "family_psi value" not in exceeded(of_one)
    assert of_one.families[0].worst.psi > 0.25  # it is still reported


def test_records_of_one_account_exceed_no_bound_and_are_noted(watch: Watch, current: pd.DataFrame) -> None:
    report = watch(current.assign(amount=5000.0, account_id="one"))
    assert exceeded(report) == set()
    assert report.families[0].worst.psi > 0.25
    assert {column.chance for column in report.columns} == {report.alerts[0].chance} == {None}
    assert [note for note in report.notes if "current records are of one account" in note]
    assert "<td>–</td>" in render_monitor_report(report)
    assert "of which chance explains an unknown part" in render_monitor_report(report)
    assert not any("of one account" in note for note in watch(current).notes)


@pytest.fixture(scope="module")
def message_scorer(labelled_messages: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("messages")
    old = labelled_messages[labelled_messages["sent_at"] < labelled_messages["sent_at"].quantile(0.6)]
    recipe = Recipe.read(overrides={"track.uri": mlflow_uri(folder), "n_jobs": 1, "evaluate.attack": False})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return Scorer(train(recipe, output=folder / "model", messages=old.reset_index(drop=True)).model)


def test_a_wave_of_a_new_template(message_scorer: Scorer, small_world: World) -> None:
    messages = small_world.messages
    later = messages[messages["sent_at"] > messages["sent_at"].quantile(0.65)].reset_index(drop=True)
    order = np.random.default_rng(0).permutation(len(later))
    half = len(later) // 2
    reference, calm = later.iloc[order[:half]], later.iloc[order[half:]].reset_index(drop=True)
    assert monitor_tables(message_scorer, reference, calm).exceeded == ()
    hit = np.random.default_rng(1).random(len(calm)) < 0.3
    wave = [f"【医保局】您的医保卡 {i:04} 已冻结，请登录 ybj-{i % 9}.top/{i} 完成认证" for i in range(len(calm))]
    report = monitor_tables(message_scorer, reference, calm.assign(text=calm["text"].where(~hit, wave)))
    families = {bound.name for bound in report.exceeded if bound.bound == "family_psi"}
    assert {"cues", "shape", "surprisal"} <= families
    assert not {bound.bound for bound in report.exceeded} & {"rejected_rise", "cold_start_rise"}
    assert report.shares.cold_start is None


def test_a_model_of_types_only(small_world: World, labelled_messages: pd.DataFrame, tmp_path: Any) -> None:
    crimes = labelled_messages[labelled_messages["label"] != "legitimate"].reset_index(drop=True)
    settings = {"track.uri": mlflow_uri(tmp_path), "n_jobs": 1, "split.kind": "campaign", "data.legitimate": "none"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        trained = train(Recipe.read(overrides=settings), output=tmp_path / "m", messages=crimes)
    report = monitor_tables(Scorer(trained.model), crimes, crimes)
    assert [name for name, _ in report.scores.items()] == [*report.to_dict()["scores"]] == ["types"]
    assert (report.alerts, report.expected, report.calibration, report.exceeded) == ((), (), None, ())
    crimes = crimes.drop(columns="account_id")  # few rings sent them all
    only = crimes[crimes["label"] == crimes["label"].mode()[0]]
    assert "score_psi types" in exceeded(monitor_tables(Scorer(trained.model), crimes, only))
