"""The subject and features of a recipe, and errors that name its mistakes."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.training.data.builders import make_builder, read_data
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import World

from .test_builders import payments

pytestmark = pytest.mark.slow


def test_the_recipe_sets_what_is_scored(small_world: World) -> None:
    tables = {"messages": None, "accounts": None, "events": payments(small_world), "labels": None}
    data = read_data(Recipe(), tables, min_label_rows=1)
    assert (data.subject, groups_of(data)[1]) == ("event", "account")
    views = [{"windows": ["7d"], "measures": ["count", "frauds", "known"], "entity": "counterparty_id"}]
    declared = Recipe.model_validate({"history": {"views": views, "network": False, "exclude": ["ip"]}})
    builder = make_builder(data, declared)
    assert isinstance(builder, AccountFeatures)
    columns = builder.fit(data.rows).matrix_.columns
    assert columns[:3] == ("volume__count_7d", "network__frauds_7d", "network__known_7d")
    assert "profile__ip" not in columns
    assert isinstance(
        make_builder(
            read_data(Recipe(), {"messages": small_world.messages.assign(label="x")}, min_label_rows=1), Recipe()
        ),
        MessageFeatures,
    )


def test_declared_categories_of_a_text_file_are_not_read_as_numbers(tmp_path: Path) -> None:
    rows = {"account_id": ["a", "b", "c"], "app": ["1.10", "1.1", "NA"], "branch": ["7.0", "", "12"], "age": [1, 2, 3]}
    pd.DataFrame(rows).assign(label=["spam", "ham", "ham"]).to_csv(tmp_path / "accounts.csv", index=False)
    recipe = Recipe.model_validate({"history": {"categories": ["app", "branch"]}})
    read = read_data(recipe, {"accounts": tmp_path / "accounts.csv"}, min_label_rows=1).rows
    assert read["app"].tolist() == ["1.10", "1.1", "NA"]
    assert read["branch"].fillna("").tolist() == ["7", "", "12"]
    assert read["age"].dtype == "float64"


def test_a_live_state_reads_labels_as_those_of_training(small_world: World) -> None:
    label = (small_world.messages.index % 2).astype(str)
    tables = {"messages": small_world.messages.assign(label=label, labelled_at=small_world.messages["sent_at"])}
    data = read_data(Recipe(), tables, min_label_rows=1)
    builder = make_builder(data, Recipe.read(overrides={"features.campaigns": True}))
    assert isinstance(builder, MessageFeatures)
    campaigns = builder.set_params(wording=False).fit(data.rows).matrix_.campaigns
    assert campaigns is not None
    assert (campaigns.types, campaigns.class_of("1")) == (("fraud", "legitimate"), "fraud")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"history": {"views": [{"window": ["7d"]}]}}, "'window' is not a parameter of History"),
        ({"history": {"views": [{"windows": "7d"}]}}, "windows: expected a tuple of strings"),
        ({"history": {"views": [{}, {"entity": "ip"}]}}, "Two feature views have a column"),
        ({"history": {"network": {"prior": [2, 1]}}}, "prior: expected a rate from 0 to 1"),
        ({"history": {"network": {"links": 1}}}, "unexpected keyword"),
        ({"data": {"subject": "device"}}, "data.subject"),
    ],
)
def test_mistakes_in_a_recipe_are_named(content: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(
            overrides={f"{table}.{key}": value for table, part in content.items() for key, value in part.items()}
        )


@pytest.mark.parametrize(
    ("subject", "given", "named"),
    [
        ("auto", ["labels"], r"a table of messages is missing. Give data.messages \(--messages\)"),
        ("event", ["messages"], r"a table of events is missing. Give data.events \(--events\)"),
        (
            "account",
            ["events"],
            r"a table of accounts is missing. Give data.accounts \(--accounts\) or data.labels \(--labels\)",
        ),
    ],
)
def test_a_subject_without_its_table(subject: str, given: list[str], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        Recipe.read(overrides={"data.subject": subject}).data.subject_of(given)
