"""The part of a recipe on drift: defaults, a file, and mistakes that are named."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.training.recipe.monitor import MonitorRecipe
from fraudsieve.training.recipe.recipe import Recipe


def test_defaults() -> None:
    assert Recipe().monitor == MonitorRecipe()
    bounds = MonitorRecipe().model_dump()
    assert (bounds["family_psi"], bounds["score_psi"], bounds["alerts_times"]) == (0.25, 0.2, 2.0)


def test_a_file(tmp_path: Path) -> None:
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
        ({"psi": 0.2}, "monitor.psi: no recipe has this key"),
    ],
)
def test_mistakes_are_named(content: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(overrides={"monitor": content})


def test_the_readme_has_the_defaults() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    shown = tomllib.loads(readme[readme.index("[monitor]") :].split("```")[0])["monitor"]
    defaults = MonitorRecipe().model_dump(exclude={"replicates"})
    assert shown == defaults | {"exclude": []}
