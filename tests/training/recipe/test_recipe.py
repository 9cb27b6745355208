"""Recipes: defaults, files, overrides, and errors that name mistakes."""

import inspect
import pickle
from pathlib import Path

import pytest

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.training.attack.augmentation import augment
from fraudsieve.training.recipe.recipe import (
    FEW_RARER,
    FEW_ROWS,
    WITHOUT_TEXT,
    FeatureRecipe,
    LabelledSize,
    ModelRecipe,
    Recipe,
)
from tests.messages import refused

MUCH = LabelledSize(FEW_ROWS, FEW_RARER)


def test_defaults_are_those_of_the_estimators() -> None:
    settings = FeatureRecipe().model_dump(exclude={"augment", "campaigns"})
    parameters = MessageFeatures().get_params()
    assert settings == {name: parameters[name] for name in settings}
    assert FeatureRecipe().augment == inspect.signature(augment).parameters["share"].default
    assert ModelRecipe().settings(Subject.MESSAGE, LabelledSize(50, 2)) == {}
    assert FraudClassifier(**ModelRecipe().settings(Subject.EVENT, MUCH)).get_params()["n_rounds"] == 300
    assert ModelRecipe(n_rounds=7).settings(Subject.ACCOUNT, MUCH)["n_rounds"] == 7


@pytest.mark.parametrize(
    ("size", "rounds", "weight"),
    [((999, 400), 300, 1.0), ((5000, 99), 272, 0.99), ((300, 66), 121, 0.66), ((50, 2), 100, 0.02)],
)
def test_trees_of_little_data_are_smaller_unless_the_recipe_names_their_size(
    size: tuple[int, int], rounds: int, weight: float
) -> None:
    assert ModelRecipe().settings(Subject.ACCOUNT, MUCH) == WITHOUT_TEXT
    small = ModelRecipe().settings(Subject.ACCOUNT, LabelledSize(*size))
    sizes = {"n_rounds": rounds, "num_leaves": 4, "min_leaf_weight": weight, "min_leaf_rows": 5}
    assert small == WITHOUT_TEXT | sizes
    assert ModelRecipe(num_leaves=9).settings(Subject.ACCOUNT, LabelledSize(*size)) == small | {"num_leaves": 9}


def test_refit_and_sample_rate_are_no_parameters_of_the_classifier_and_cannot_be_searched() -> None:
    recipe = Recipe.read(overrides={"model.refit": False, "model.sample_rate": 0.5, "model.l2": 2.0})
    assert recipe.model.settings(Subject.MESSAGE, MUCH) == {"l2": 2.0}
    assert Recipe().model.refit
    with pytest.raises(RecipeError, match=r"space\.model\.refit: unknown setting"):
        Recipe.read(overrides={"tune": {"trials": 2, "space": {"model": {"refit": [True, False]}}}})
    with refused(RecipeError, "space.model.sample_rate"):
        Recipe.read(overrides={"tune": {"trials": 2, "space": {"model": {"sample_rate": [0.1, 1.0]}}}})


def test_names_of_columns_add_to_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text('[data.columns]\nsent_at = "date"\nlabel = "class"\n"messages.text" = "body"\n')
    read = Recipe.read(file, {"data.columns": {"channel": "chan", "label": "verdict", "text": "content"}})
    assert read.data.columns == {"sent_at": "date", "channel": "chan", "label": "verdict", "text": "content"}
    file.write_text('[data]\ncolumns = "date"\n')
    with pytest.raises(RecipeError, match=r"data.columns: expected a table, got 'date'"):
        Recipe.read(file, {"data.columns": {"channel": "chan"}})


def test_a_file_and_overrides(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('name = "sms"\n[split]\nkind = "time"\ntest_share = 0.3\n')
    recipe = Recipe.read(path, {"split.kind": "campaign", "seed": None, "data.messages": "m.csv"})
    assert (recipe.name, recipe.split.kind, recipe.split.test_share, recipe.seed) == ("sms", "campaign", 0.3, 0)
    assert recipe.data.messages == "m.csv"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[split]\nkindd = 'time'", "split.kindd: unknown key"),
        ("[split]\nkind = 'tme'", "split.kind: .*got 'tme'"),
        ("[model]\nnum_leaves = 1", "model.num_leaves"),
        ("name = 'a b'", "name: "),
        (f"name = '{'n' * 257}'", "name: expected at most 256 characters"),
        ("not toml", "is not TOML"),
        ("x = " + "[" * 20_000, "is nested too deeply"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=named):
        Recipe.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        Recipe.read(tmp_path / "none.toml")


def test_errors_travel_between_processes() -> None:
    error = RecipeError("r.toml", ["a", "b"])
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "r.toml: a; b"


def test_trust_in_sources_is_declared_by_weights() -> None:
    recipe = Recipe.model_validate({"data": {"trust": {"review": 1, "rule": 0.5}, "default_trust": 0.1}})
    assert (recipe.data.trusted.by_source, recipe.data.trusted.default) == ({"review": 1.0, "rule": 0.5}, 0.1)
    assert not Recipe().data.trusted.declared
    with pytest.raises(RecipeError, match=r"data\.trust\.rule"):
        Recipe.read(overrides={"data.trust": {"rule": 1.5}})
