"""The sections of a recipe: defaults, a file, and errors that name mistakes."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.models.fields import Policy
from fraudsieve.models.thresholds import Costs, Targets
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.sections import CostRecipe, MonitorRecipe, ThresholdRecipe
from tests.messages import refused


def test_default_thresholds_are_those_of_the_targets() -> None:
    assert ThresholdRecipe().targets == Targets()
    assert Costs(**CostRecipe(missed=3).model_dump()) == Costs(3)
    assert Recipe().scoring.policy == Policy()


def test_a_file_sets_thresholds_bounds_policy_and_gates(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        "[thresholds]\nfalse_positive_rates = [0.02]\nalerts_a_day = [50, 7.5]\nprecisions = [0.9]\n"
        'decide_by = "alerts_a_day_7.5"\ncosts = {missed = 0.5, false_alarm = 3, review = 1, by_amount = true}\n'
        '[monitor]\nfamily_psi = 0.1\nexclude = ["cues"]\nunlike_rise = 0.02\n[gates]\ngain = 0.02\nlatency_ms = 5\n'
        '[scoring]\nmissing = "error"\nwrong_type = "missing"\n'
    )
    recipe = Recipe.read(path)
    costs = Costs(0.5, 3.0, 1.0, by_amount=True)
    assert recipe.thresholds.targets == Targets((0.02,), (50.0, 7.5), (0.9,), costs, "alerts_a_day_7.5")
    assert recipe.monitor == MonitorRecipe(family_psi=0.1, exclude=("cues",), unlike_rise=0.02)
    assert recipe.scoring.policy == Policy("error", "missing", "ignore")
    assert (recipe.gates.gain, recipe.gates.latency_ms, recipe.gates.recall_loss) == (0.02, 5.0, 0.05)


@pytest.mark.parametrize(
    ("section", "content", "named"),
    [
        ("thresholds", {"false_positive_rates": [1.0]}, "thresholds.false_positive_rates.0: "),
        ("thresholds", {"alerts_a_day": [0]}, "thresholds.alerts_a_day.0: "),
        ("thresholds", {"alerts_a_day": [float("inf")]}, "thresholds.alerts_a_day.0: "),
        ("thresholds", {"precisions": [0]}, "thresholds.precisions.0: "),
        ("thresholds", {"precisions": [1.1]}, "thresholds.precisions.0: "),
        ("thresholds", {"costs": {"review": 1}}, "thresholds.costs.missed: "),
        ("thresholds", {"costs": {"missed": 1, "reviews": 1}}, "thresholds.costs.reviews: unknown key"),
        ("thresholds", {"costs": {"missed": 1, "review": -1}}, "thresholds.costs.review: "),
        ("thresholds", {"costs": {"missed": float("nan")}}, "thresholds.costs.missed: "),
        ("thresholds", {"alert_a_day": [5]}, "thresholds.alert_a_day: unknown key"),
        ("thresholds", {"decide_by": "cost"}, r"the name of an operating point \(false_positive_rate_0.01, "),
        ("thresholds", {"alerts_a_day": [5, 5.0]}, "two operating points have the same name"),
        ("monitor", {"family_psi": 0}, "monitor.family_psi: "),
        ("monitor", {"family_psi": float("inf")}, "monitor.family_psi: "),
        ("monitor", {"unlike_rise": 1.5}, "monitor.unlike_rise: "),
        ("monitor", {"replicates": -1}, "monitor.replicates: "),
        ("monitor", {"ece": 0.05}, "monitor.ece: unknown key"),
        ("monitor", {"psi": 0.2}, "monitor.psi: unknown key"),
        *(("scoring", {key: "guess"}, f"scoring.{key}: ") for key in ("missing", "wrong_type", "unknown", "other")),
        ("gates", {"gain": -0.1}, "gates.gain: "),
        ("gates", {"recall_loss": 1.5}, "gates.recall_loss: "),
        ("gates", {"observed_over_expected": 0.5}, "gates.observed_over_expected: "),
        ("gates", {"latency_ms": float("inf")}, "gates.latency_ms: "),
        ("gates", {"gian": 1}, "gates.gian: unknown key"),
    ],
)
def test_mistakes_are_named(section: str, content: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(overrides={section: content})


def test_the_guide_shows_the_default_bounds() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "how_to" / "monitor.md").read_text("utf-8")
    shown = tomllib.loads(guide[guide.index("[monitor]") :].split("```")[0])["monitor"]
    defaults = MonitorRecipe().model_dump(exclude={"replicates"})
    assert shown == defaults | {"exclude": []}


def test_the_time_zone_of_the_tables_is_that_of_the_views_that_declare_none() -> None:
    views = [{"windows": ["1d"]}, {"windows": ["1d"], "name": "other", "time_zone": "Europe/Berlin"}]
    recipe = Recipe.read(overrides={"data.time_zone": "Asia/Shanghai", "history.views": views})
    histories = recipe.history.histories("Asia/Shanghai")
    assert histories is not None
    assert [view.time_zone for view in histories] == ["Asia/Shanghai", "Europe/Berlin"]
    with refused(RecipeError, "data.time_zone"):
        Recipe.read(overrides={"data.time_zone": "Asia/Shangai"})
