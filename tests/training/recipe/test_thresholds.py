"""The part of a recipe on operating points: defaults, a file, and mistakes that are named."""

from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.models.thresholds import Costs, Targets
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.thresholds import CostRecipe, ThresholdRecipe


def test_defaults_are_those_of_the_targets() -> None:
    assert ThresholdRecipe().targets == Targets()
    assert Costs(**CostRecipe(missed=3).model_dump()) == Costs(3)


def test_a_file_says_what_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        "[thresholds]\nfalse_positive_rates = [0.02]\nalerts_a_day = [50, 7.5]\nprecisions = [0.9]\n"
        'decide_by = "alerts_a_day_7.5"\ncosts = {missed = 0.5, false_alarm = 3, review = 1, by_amount = true}\n'
    )
    assert Recipe.read(path).thresholds.targets == Targets(
        (0.02,), (50.0, 7.5), (0.9,), Costs(0.5, 3.0, 1.0, by_amount=True), "alerts_a_day_7.5"
    )


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"false_positive_rates": [1.0]}, "thresholds.false_positive_rates.0: "),
        ({"alerts_a_day": [0]}, "thresholds.alerts_a_day.0: "),
        ({"alerts_a_day": [float("inf")]}, "thresholds.alerts_a_day.0: "),
        ({"precisions": [0]}, "thresholds.precisions.0: "),
        ({"precisions": [1.1]}, "thresholds.precisions.0: "),
        ({"costs": {"review": 1}}, "thresholds.costs.missed: "),
        ({"costs": {"missed": 1, "reviews": 1}}, "thresholds.costs.reviews: no recipe has this key"),
        ({"costs": {"missed": 1, "review": -1}}, "thresholds.costs.review: "),
        ({"costs": {"missed": float("nan")}}, "thresholds.costs.missed: "),
        ({"alert_a_day": [5]}, "thresholds.alert_a_day: no recipe has this key"),
        ({"decide_by": "cost"}, "decide_by names no operating point; there are false_positive_rate_0.01, "),
        ({"alerts_a_day": [5, 5.0]}, "two operating points have one name"),
    ],
)
def test_mistakes_are_named(content: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(overrides={"thresholds": content})
