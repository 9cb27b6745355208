"""The sections of a recipe: defaults, a file, and errors that name mistakes."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.models.policy import Policy
from fraudsieve.models.thresholds import Costs, Targets
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.recipe.sections import CostRecipe, MonitorRecipe, ThresholdRecipe
from tests.messages import refused


def test_default_thresholds_are_those_of_the_targets() -> None:
    assert ThresholdRecipe().targets == Targets()
    assert Costs(**CostRecipe(missed=3).model_dump()) == Costs(3)


def test_a_file_sets_the_thresholds(tmp_path: Path) -> None:
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
        ({"costs": {"missed": 1, "reviews": 1}}, "thresholds.costs.reviews: unknown key"),
        ({"costs": {"missed": 1, "review": -1}}, "thresholds.costs.review: "),
        ({"costs": {"missed": float("nan")}}, "thresholds.costs.missed: "),
        ({"alert_a_day": [5]}, "thresholds.alert_a_day: unknown key"),
        ({"decide_by": "cost"}, r"decide_by: expected the name of an operating point \(false_positive_rate_0.01, "),
        ({"alerts_a_day": [5, 5.0]}, "two operating points have the same name"),
    ],
)
def test_mistakes_in_thresholds_are_named(content: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(overrides={"thresholds": content})


def test_default_bounds_of_the_monitor() -> None:
    assert Recipe().monitor == MonitorRecipe()
    bounds = MonitorRecipe().model_dump()
    assert (bounds["family_psi"], bounds["score_psi"], bounds["alerts_times"]) == (0.25, 0.2, 2.0)


def test_a_file_sets_the_bounds_of_the_monitor(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('[monitor]\nfamily_psi = 0.1\nexclude = ["cues"]\nece = 0.02\n')
    assert Recipe.read(path).monitor == MonitorRecipe(family_psi=0.1, exclude=("cues",), ece=0.02)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"family_psi": 0}, "monitor.family_psi: "),
        ({"family_psi": float("inf")}, "monitor.family_psi: "),
        ({"alerts_times": 1}, "monitor.alerts_times: "),
        ({"ece": 1.5}, "monitor.ece: "),
        ({"labelled_share": -0.1}, "monitor.labelled_share: "),
        ({"psi": 0.2}, "monitor.psi: unknown key"),
    ],
)
def test_mistakes_in_bounds_of_the_monitor_are_named(content: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(overrides={"monitor": content})


def test_the_guide_shows_the_default_bounds() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "how_to" / "monitor.md").read_text("utf-8")
    shown = tomllib.loads(guide[guide.index("[monitor]") :].split("```")[0])["monitor"]
    defaults = MonitorRecipe().model_dump(exclude={"replicates"})
    assert shown == defaults | {"exclude": []}


def test_default_scoring_is_the_default_policy() -> None:
    assert Recipe().scoring.policy == Policy()


def test_scoring_sets_the_policy() -> None:
    read = Recipe.read(overrides={"scoring.missing": "error", "scoring.wrong_type": "missing"})
    assert read.scoring.policy == Policy("error", "missing", "ignore")


@pytest.mark.parametrize("key", ["missing", "wrong_type", "unknown", "other"])
def test_an_unknown_policy_is_rejected(key: str) -> None:
    with pytest.raises(RecipeError, match=rf"scoring\.{key}"):
        Recipe.read(overrides={f"scoring.{key}": "guess"})


def test_a_file_sets_the_gates(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("[gates]\ngain = 0.02\nlatency_ms = 5\n")
    gates = Recipe.read(tmp_path / "r.toml").gates
    assert (gates.gain, gates.latency_ms, gates.recall_loss) == (0.02, 5.0, 0.05)


@pytest.mark.parametrize(
    ("key", "value"),
    [("gain", -0.1), ("recall_loss", 1.5), ("observed_over_expected", 0.5), ("latency_ms", float("inf")), ("gian", 1)],
)
def test_impossible_gates_are_rejected(key: str, value: float) -> None:
    with pytest.raises(RecipeError, match=f"gates.{key}"):
        Recipe.read(overrides={f"gates.{key}": value})


def test_the_time_zone_of_the_tables_is_that_of_the_views_that_declare_none() -> None:
    views = [{"windows": ["1d"]}, {"windows": ["1d"], "name": "other", "time_zone": "Europe/Berlin"}]
    recipe = Recipe.read(overrides={"data.time_zone": "Asia/Shanghai", "history.views": views})
    histories = recipe.history.histories("Asia/Shanghai")
    assert histories is not None
    assert [view.time_zone for view in histories] == ["Asia/Shanghai", "Europe/Berlin"]
    with refused(RecipeError, "data.time_zone"):
        Recipe.read(overrides={"data.time_zone": "Asia/Shangai"})
