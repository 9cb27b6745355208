"""The number of rounds is chosen on the latest training rows, and on nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.data.training_rows import TrainingRows, training_rows
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.split_model import MAX_ROUNDS, MIN_ROUNDS, PATIENCE, choose_rounds, with_rounds

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


def quiet(step: str) -> None:
    pass


def test_the_rounds_have_the_lowest_log_loss_on_the_latest_fifth() -> None:
    trained_on, data, groups = prepared(accounts())
    choice = choose_rounds(trained_on, data, groups, RECIPE, quiet)
    assert choice is not None
    assert choice.later
    assert choice.rows == 240
    assert choice.frauds == int((data.rows["label"].iloc[-240:] == "fraud").sum())
    assert MIN_ROUNDS <= choice.lowest <= MAX_ROUNDS
    assert choice.rounds == pytest.approx(1.25 * choice.lowest, abs=1)
    tried = [point for point in choice.curve if point.rounds >= MIN_ROUNDS]
    assert min(tried, key=lambda point: point.log_loss).rounds == pytest.approx(choice.lowest, abs=50)
    assert choice.curve[-1].rounds <= choice.lowest + PATIENCE


def test_less_noise_takes_more_rounds() -> None:
    clear, noisy = (choose_rounds(*prepared(accounts(3000, noise=noise)), RECIPE, quiet) for noise in (0.05, 3.0))
    assert clear is not None
    assert noisy is not None
    assert clear.lowest > noisy.lowest
    assert clear.curve[-1].average_precision > noisy.curve[-1].average_precision


def test_no_other_slice_is_read() -> None:
    frame = accounts(1500)
    train = np.arange(1200)
    changed = frame.assign(label=frame["label"].where(frame.index < 1200, "fraud"))
    choices = [choose_rounds(*prepared(table, train), RECIPE, quiet) for table in (frame, changed)]
    assert choices[0] == choices[1] is not None


def test_without_times_some_accounts_are_held_out_whole() -> None:
    choice = choose_rounds(*prepared(accounts().drop(columns="as_of")), RECIPE, quiet)
    assert choice is not None
    assert not choice.later
    assert choice.rows == pytest.approx(240, abs=20)


def test_a_number_in_the_recipe_and_too_few_frauds_leave_nothing_to_choose() -> None:
    trained_on, data, groups = prepared(accounts(200, noise=0.1))
    assert choose_rounds(trained_on, data, groups, with_rounds(RECIPE, 50), quiet) is None
    assert choose_rounds(trained_on, data, groups, RECIPE, quiet) is None
    assert choose_rounds(trained_on, replace(data, subject="message"), groups, RECIPE, quiet) is None


def test_rows_of_a_class_that_no_earlier_row_has_do_not_choose() -> None:
    frame = accounts(1200)
    late = frame.index >= 1100
    frame["label"] = frame["label"].where(~(late & (frame["label"] == "fraud")), "new")
    choice = choose_rounds(*prepared(frame), RECIPE, quiet)
    known = choose_rounds(*prepared(frame[frame["label"] != "new"]), RECIPE, quiet)
    assert choice is not None
    assert known is not None
    assert choice.rows == 240 - int((frame["label"] == "new").sum())


def test_types_without_a_legitimate_class_and_ties_at_the_end_leave_nothing_to_choose() -> None:
    types = accounts().replace({"label": {"legitimate": "spam"}})
    recipe = Recipe.read(overrides={"n_jobs": 1, "data.subject": "account", "data.legitimate": "none"})
    data = read_data(recipe, {"accounts": types}, min_label_rows=2)
    groups, _ = groups_of(data)
    trained_on = training_rows(data, groups, np.arange(len(data.rows)), recipe)
    assert choose_rounds(trained_on, data, groups, recipe, quiet) is None
    tied = accounts()
    tied.loc[300:, "as_of"] = tied["as_of"].iloc[-1]
    assert choose_rounds(*prepared(tied), RECIPE, quiet) is None
