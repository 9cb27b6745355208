"""The gates of a recipe: what is refused, and that a file sets them."""

from pathlib import Path

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.training.recipe.recipe import Recipe


def test_a_file_sets_them(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("[gates]\ngain = 0.02\nlatency_ms = 5\n")
    gates = Recipe.read(tmp_path / "r.toml").gates
    assert (gates.gain, gates.latency_ms, gates.recall_loss) == (0.02, 5.0, 0.05)


@pytest.mark.parametrize(
    ("key", "value"),
    [("gain", -0.1), ("recall_loss", 1.5), ("observed_over_expected", 0.5), ("latency_ms", float("inf")), ("gian", 1)],
)
def test_bounds_that_no_model_can_be_held_to(key: str, value: float) -> None:
    with pytest.raises(RecipeError, match=f"gates.{key}"):
        Recipe.read(overrides={f"gates.{key}": value})
