"""The number of rounds is chosen on the latest training rows, and on nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.training.choice import MAX_ROUNDS, SIZES, choose_trees, sizes_for, with_trees
from fraudsieve.training.data.builders import TrainingRows, read_data, training_rows
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.report import TreeChoice
from fraudsieve.training.recipe.recipe import Recipe

RECIPE = Recipe.read(overrides={"n_jobs": 1, "data.subject": "account", "model.learning_rate": 0.05})


def accounts(n: int = 1200, *, noise: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Accounts whose fraud depends on a product of two columns, which takes trees many rounds."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    label = np.where(a * b + noise * rng.normal(size=n) > 1, "fraud", "legitimate").astype(object)
    times = pd.date_range("2026-01-01", periods=n, freq="h", tz="UTC")
    ids = [f"a{i}" for i in range(n)]
    return pd.DataFrame({"account_id": ids, "as_of": times, "a": a, "b": b, "label": label})


def prepared(frame: pd.DataFrame, train: np.ndarray | None = None) -> tuple[TrainingRows, LabelledData, np.ndarray]:
    data = read_data(RECIPE, {"accounts": frame}, min_label_rows=2)
    groups, _ = groups_of(data)
    return training_rows(data, groups, np.arange(len(data.rows)) if train is None else train, RECIPE), data, groups


SMALL = SIZES["small"]


def quiet(step: str) -> None:
    pass


def chosen(frame: pd.DataFrame, train: np.ndarray | None = None) -> TreeChoice:
    choice = choose_trees(*prepared(frame, train), RECIPE, quiet)
    assert choice is not None
    return choice


def test_the_rounds_have_the_lowest_log_loss_on_the_latest_fifth() -> None:
    choice = chosen(accounts())
    assert choice.later
    assert choice.rows == 240
    assert choice.frauds == int((accounts()["label"].iloc[-240:] == "fraud").sum())
    assert SMALL.min_rounds <= choice.chosen.rounds <= MAX_ROUNDS
    assert choice.rounds == pytest.approx(1.25 * choice.chosen.rounds, abs=1)
    tried = [point for point in choice.curve if point.rounds >= SMALL.min_rounds]
    assert min(tried, key=lambda point: point.log_loss).rounds == pytest.approx(choice.chosen.rounds, abs=50)
    assert choice.curve[-1].rounds <= choice.chosen.rounds + SMALL.patience


def test_less_noise_takes_more_rounds() -> None:
    clear, noisy = (chosen(accounts(3000, noise=noise)) for noise in (0.05, 3.0))
    assert clear.rounds > noisy.rounds
    assert clear.curve[-1].average_precision > noisy.curve[-1].average_precision


def test_no_other_slice_is_read() -> None:
    frame = accounts(1500)
    train = np.arange(1200)
    changed = frame.assign(label=frame["label"].where(frame.index < 1200, "fraud"))
    assert chosen(frame, train) == chosen(changed, train)


def test_without_times_some_accounts_are_held_out_whole() -> None:
    choice = chosen(accounts().drop(columns="as_of"))
    assert not choice.later
    assert choice.rows == pytest.approx(240, abs=20)


def test_a_number_in_the_recipe_and_too_few_frauds_leave_nothing_to_choose() -> None:
    trained_on, data, groups = prepared(accounts(200, noise=0.1))
    assert choose_trees(trained_on, data, groups, RECIPE.with_values({"model.n_rounds": 50}), quiet) is None
    assert choose_trees(trained_on, data, groups, RECIPE, quiet) is None
    assert choose_trees(trained_on, replace(data, subject=Subject.MESSAGE), groups, RECIPE, quiet) is None


def test_rows_of_a_class_that_no_earlier_row_has_do_not_choose() -> None:
    frame = accounts(1200)
    late = frame.index >= 1100
    frame["label"] = frame["label"].where(~(late & (frame["label"] == "fraud")), "new")
    assert chosen(frame).rows == 240 - int((frame["label"] == "new").sum())


def test_types_without_a_legitimate_class_and_ties_at_the_end_leave_nothing_to_choose() -> None:
    types = accounts().replace({"label": {"legitimate": "spam"}})
    recipe = Recipe.read(overrides={"n_jobs": 1, "data.subject": "account", "data.legitimate": "none"})
    data = read_data(recipe, {"accounts": types}, min_label_rows=2)
    groups, _ = groups_of(data)
    trained_on = training_rows(data, groups, np.arange(len(data.rows)), recipe)
    assert choose_trees(trained_on, data, groups, recipe, quiet) is None
    tied = accounts()
    tied.loc[300:, "as_of"] = tied["as_of"].iloc[-1]
    assert choose_trees(*prepared(tied), RECIPE, quiet) is None


def payments(*, own: bool, n: int = 6000, seed: int = 0) -> pd.DataFrame:
    """Payments whose fraud depends on a product of own columns, or on how often the account has paid the merchant."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    account, merchant = rng.integers(0, 60, n), rng.integers(0, 40, n)
    times = pd.date_range("2026-01-01", periods=n, freq="20min", tz="UTC")
    table = pd.DataFrame(
        {"event_id": np.arange(n).astype(str), "occurred_at": times, "account_id": account.astype(str)}
    )
    table = table.assign(counterparty_id=merchant.astype(str), amount=rng.gamma(2, 20, n), a=a, b=b)
    known = table.groupby(["account_id", "counterparty_id"]).cumcount()
    is_fraud = (np.sin(3 * a) * np.sin(3 * b) > 0.5) if own else (known == 1) & (rng.random(n) < 0.7)
    return table.assign(label=np.where(is_fraud, "fraud", "legitimate"))


@pytest.mark.slow
def test_own_columns_alone_are_read_where_a_history_only_disturbs() -> None:
    recipe = Recipe.read(overrides={"n_jobs": 1, "data.subject": "event"})
    choices = {}
    for own in (True, False):
        data = read_data(recipe, {"events": payments(own=own)}, min_label_rows=2)
        groups, _ = groups_of(data)
        trained_on = training_rows(data, groups, np.arange(len(data.rows)), recipe)
        choices[own] = choose_trees(trained_on, data, groups, recipe, quiet)
    read, without = choices[True], choices[False]
    assert read is not None
    assert without is not None
    assert (read.chosen.size, read.chosen.own) == ("large", True)
    assert "without any history" in read.notes[0]
    assert not without.chosen.own
    assert with_trees(recipe, read, 1000).history.views == ()
    assert with_trees(recipe, without, 1000).history == recipe.history
    seeds = [with_trees(recipe, without, n).model.n_seeds for n in (1000, 80_000, 100_000, 10**6)]
    assert seeds == [None, None, None, 2]
    assert with_trees(recipe.with_values({"model.n_seeds": 5}), without, 10**6).model.n_seeds == 5


def test_small_trees_of_many_rows_learn_faster_in_fewer_rounds() -> None:
    recipe, sizes = Recipe(), (1000, 40_000, 80_000, 10**6)
    small = [sizes_for(recipe, n)["small"] for n in sizes]
    assert [trees.settings.get("learning_rate") for trees in small] == [None, None, 0.06, 0.075]
    assert [trees[1:] for trees in small] == [SMALL[1:], SMALL[1:], (50, 100, 750), (40, 80, 600)]
    assert {sizes_for(recipe, n)["large"].settings["learning_rate"] for n in sizes} == {0.1}
    named = Recipe.read(overrides={"model.learning_rate": 0.02})
    assert sizes_for(named, 10**6)["small"][1:] == SMALL[1:]
    assert "learning_rate" not in sizes_for(named, 10**6)["small"].settings
