"""The section of a recipe on scoring: its defaults are those of the policy, and nothing else can be said."""

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.models.policy import Policy
from fraudsieve.training.recipe.recipe import Recipe


def test_the_defaults_are_those_of_the_policy() -> None:
    assert Recipe().scoring.policy == Policy()


def test_what_a_recipe_says_is_the_policy() -> None:
    read = Recipe.read(overrides={"scoring.missing": "error", "scoring.wrong_type": "missing"})
    assert read.scoring.policy == Policy("error", "missing", "ignore")


@pytest.mark.parametrize("key", ["missing", "wrong_type", "unknown", "other"])
def test_what_is_no_policy_is_refused(key: str) -> None:
    with pytest.raises(RecipeError, match=rf"scoring\.{key}"):
        Recipe.read(overrides={f"scoring.{key}": "guess"})
