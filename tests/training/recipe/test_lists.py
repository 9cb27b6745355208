"""The custom lists of a recipe: in the recipe or in files, checked when the recipe is read."""

from pathlib import Path

import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused


def read(tmp_path: Path, features: str) -> Recipe:
    path = tmp_path / "recipe.toml"
    path.write_text(features, "utf-8")
    return Recipe.read(path)


def test_lists_are_read_from_the_recipe_and_from_files(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\ufeff# a comment\n百家乐\n\n  Baccarat \n", "utf-8")
    recipe = read(
        tmp_path,
        f"""
        [features]
        columns = ["channel"]
        hotlines = ["0800-123"]
        [features.words]
        gambling = {str(words)!r}
        medicine = ["meds"]
        [features.brands]
        icbc = ["icbc.com.cn"]
        """,
    )
    assert recipe.features.words == {"gambling": ("百家乐", "Baccarat"), "medicine": ("meds",)}
    assert recipe.features.brands == {"icbc": ("icbc.com.cn",)}
    assert Recipe.model_validate(recipe.model_dump()) == recipe


def test_brands_may_be_a_list_of_names(tmp_path: Path) -> None:
    assert read(tmp_path, '[features]\nbrands = ["icbc"]').features.brands == ("icbc",)


@pytest.mark.parametrize(
    ("features", "text"),
    [
        ('[features.words]\ngambling = ["a"]', "features: words.gambling: expected words of two or more .* got 'a'"),
        ('[features.words]\ngambling = "none.txt"', "expected a text file .*, got none.txt, which cannot be read"),
        ('[features]\nshort_hosts = ["bit"]', "features: short_hosts: expected domains under a public suffix"),
        ('[features]\nhotline = ["95588"]', "features.hotline: unknown key"),
    ],
)
def test_wrong_lists_are_errors_of_the_recipe(tmp_path: Path, features: str, text: str) -> None:
    with pytest.raises(RecipeError, match=text) as caught:
        read(tmp_path, features)
    assert "got {" not in str(caught.value)


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_bytes("百家乐".encode("gb18030"))
    with refused(RecipeError):
        read(tmp_path, f"[features.words]\ngambling = {str(tmp_path / 'words.txt')!r}")
