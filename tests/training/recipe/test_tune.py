"""The section ``[tune]``: durations, ranges, choices, and errors that name mistakes."""

from pathlib import Path

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.recipe.recipe import ModelRecipe, Recipe
from fraudsieve.training.recipe.sections import MODEL_SPACE, Range, TuneRecipe, check_space, seconds_of
from tests.messages import refused


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("20m", 1200), ("2h", 7200), (" 0.5m ", 30)])
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds
    assert TuneRecipe(budget=text).seconds == seconds


@pytest.mark.parametrize("text", ["", "20", "20 m", "m", "-5m", "0s", "5d", "20m20s"])
def test_text_that_is_not_a_duration_is_rejected(text: str) -> None:
    with refused(RecipeError, "tune.budget"):
        Recipe.read(overrides={"tune.budget": text})


def test_there_is_no_search_by_default() -> None:
    assert Recipe().tune is None
    assert Recipe.read(overrides={"tune.trials": 3}).tune == TuneRecipe(trials=3)


def test_the_default_space_is_of_settings_that_a_recipe_takes() -> None:
    assert check_space(dict(MODEL_SPACE), ModelRecipe) == []
    own = FraudClassifier().get_params()
    assert all(values.low <= own[name] <= values.high for name, values in MODEL_SPACE.items())


def test_a_file_declares_ranges_and_choices_and_the_command_line_the_time(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        "[tune]\nfolds = 3\n[tune.space.model]\nl2 = {low = 0.1, high = 10, log = true}\nnum_leaves = [7, 15]\n"
        "[tune.space.features]\npinyin = [true, false]\n"
    )
    with pytest.raises(RecipeError, match="the search has no limit"):
        Recipe.read(path)
    tune = Recipe.read(path, {"tune.budget": "20m"}).tune
    assert tune is not None
    assert tune.space.model == {"l2": Range(low=0.1, high=10, log=True), "num_leaves": (7, 15)}
    assert tune.space.features == {"pinyin": (True, False)}
    assert (tune.folds, tune.seconds, tune.trials, tune.metric) == (3, 1200, None, "auto")


@pytest.mark.parametrize(
    ("space", "named"),
    [
        ({"model": {"leaves": [7, 15]}}, "space.model.leaves: unknown setting. Expected one of n_rounds"),
        ({"model": {"num_leaves": {"low": 1, "high": 15}}}, "space.model.num_leaves: expected greater"),
        (
            {"model": {"num_leaves": {"low": 2.5, "high": 15}}},
            "space.model.num_leaves: expected a valid integer",
        ),
        ({"features": {"augment": [0.5, 1.5]}}, r"space.features.augment: .*got 1\.5"),
        ({"features": {"pinyin": [True, "loud"]}}, "space.features.pinyin: .*got 'loud'"),
        ({"model": {"l2": [1.0]}}, "at least 2"),
        ({"model": {"l2": {"low": 2, "high": 1}}}, "low must be less than high"),
        ({"model": {"l2": {"low": 0, "high": 1, "log": True}}}, "low must be greater than 0"),
        ({"model": {}}, "the search space is empty"),
        ({"split": {}}, r"tune\.space\.split: unknown key"),
    ],
)
def test_mistakes_are_named(space: dict[str, object], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(overrides={"tune.trials": 3, "tune.space": space})
