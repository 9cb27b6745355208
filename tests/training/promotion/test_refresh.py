"""Which challengers are refreshes, and which settings of a recipe decide on that."""

from types import SimpleNamespace
from typing import Any

import pytest

from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.features.history.declaration import History
from fraudsieve.features.network.declaration import Network
from fraudsieve.training.facts import written_settings
from fraudsieve.training.promotion.model_comparison import (
    digest_of,
    is_refresh,
    keeps_history,
    recipe_digest,
    recipe_of_model,
    recipe_to_repeat,
)
from fraudsieve.training.recipe.recipe import Recipe

JANUARY, FEBRUARY = "2026-01-31T00:00:00+00:00", "2026-02-28T00:00:00+00:00"


def model(
    until: str | None = JANUARY,
    *,
    lists: CustomLists | None = None,
    views: tuple[History, ...] = (),
    campaigns: CampaignHistory | None = None,
    **overrides: Any,
) -> Any:
    """Return a model with the training facts of a recipe."""
    window = [] if until is None else ["2026-01-01T00:00:00+00:00", until]
    training = {"window": window, "recipe": written_settings(Recipe.read(overrides=overrides))}
    network = Network() if Recipe.read(overrides=overrides).history.network else None
    matrix = SimpleNamespace(lists=lists, event_views=views, network=network, campaigns=campaigns)
    return SimpleNamespace(training=training, matrix=matrix)


@pytest.mark.parametrize(
    "setting",
    [
        {"seed": 7},
        {"name": "another"},
        {"data.messages": "later.parquet"},
        {"data.columns": {"text": "content"}},
        {"thresholds.false_positive_rates": (0.2,)},
        {"gates.gain": 0.1},
        {"evaluate.replicates": 7},
        {"scoring.unknown": "error"},
        {"split.also_temporal": False},
        {"n_jobs": 2},
        {"language": "zh"},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_settings_without_influence_on_the_fit_make_no_other_recipe(setting: dict[str, Any]) -> None:
    assert recipe_digest(model(**setting)) == recipe_digest(model())
    assert is_refresh(model(), model(FEBRUARY, **setting))


@pytest.mark.parametrize(
    "setting",
    [
        {"model.n_rounds": 7},
        {"model.refit": False},
        {"features.pinyin": False},
        {"history.network": False},
        {"split.test_share": 0.1},
        {"data.min_label_rows": 7},
        {"data.time_zone": "Asia/Shanghai"},
        {"data.default_trust": 0.5},
        {"labels.legitimate_after": "60d"},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_settings_of_the_fit_make_another_recipe(setting: dict[str, Any]) -> None:
    assert recipe_digest(model(**setting)) != recipe_digest(model())
    assert not is_refresh(model(), model(FEBRUARY, **setting))


def test_the_lists_of_a_model_are_part_of_its_recipe() -> None:
    lists = CustomLists.of(words={"bets": ["casino"]}, brands={"icbc": ["icbc.com.cn"]}, hotlines=["95588"])
    assert recipe_digest(model(lists=lists)) != recipe_digest(model(lists=CustomLists()))
    again = recipe_of_model(model(lists=lists))
    assert again is not None
    assert again.features.words == {"bets": ("casino",)}
    assert again.features.brands == {"icbc": ("icbc.com.cn",)}
    assert recipe_digest(model(FEBRUARY, lists=lists)) == recipe_digest(model(lists=lists))


def test_the_history_of_a_model_is_part_of_its_recipe_whatever_the_defaults() -> None:
    short, long = (History(windows, name="x") for windows in (("1h", "all"), ("1d", "90d", "all")))
    old, new = model(views=(short,)), model(FEBRUARY, views=(long,))
    again = recipe_to_repeat(old)
    assert again is not None
    assert again.history.histories("UTC") == (short,)
    assert again.history.declared_network == Network()
    assert is_refresh(old, model(FEBRUARY, views=(short,)))
    assert not is_refresh(old, new)
    assert (keeps_history(again, old), keeps_history(again, new)) == (True, False)
    counted = model(campaigns=CampaignHistory(types=("spam",)))
    assert recipe_digest(counted) != recipe_digest(model(campaigns=CampaignHistory(types=("fraud", "spam"))))


def test_values_that_a_search_has_chosen_make_no_other_recipe() -> None:
    tuned: dict[str, Any] = {"tune": {"trials": 3, "space": {"model": {"num_leaves": [7, 15]}}}}
    fixed: dict[str, Any] = {"model.num_leaves": 7}
    few, many = (model(**tuned | {"model.num_leaves": leaves}) for leaves in (7, 15))
    assert recipe_digest(few) == recipe_digest(many)
    assert recipe_digest(few) != recipe_digest(model(**tuned | {"model.n_rounds": 9}))
    assert recipe_digest(few) != recipe_digest(model(**fixed))
    again = recipe_of_model(many)
    assert again is not None
    assert (again.model.num_leaves, again.tune, again.track.enabled) == (15, None, False)
    repeated = recipe_to_repeat(many)
    assert repeated is not None
    assert repeated.tune is not None  # the search is a part of the recipe
    assert (repeated.model.num_leaves, repeated.track.enabled) == (15, True)
    assert digest_of(repeated) == recipe_digest(few)


def test_a_refresh_has_learned_from_later_records() -> None:
    assert not is_refresh(model(FEBRUARY), model(JANUARY))
    assert not is_refresh(model(), model())
    assert not is_refresh(model(None), model(FEBRUARY))
    assert not is_refresh(model(), model(None))


def test_a_recalibrated_challenger_is_no_refresh_but_its_champion_may_be_recalibrated() -> None:
    recalibrated = model(FEBRUARY)
    recalibrated.training["recalibration"] = {"window": [JANUARY, "2026-03-31T00:00:00+00:00"]}
    assert not is_refresh(model(), recalibrated)
    champion = model()
    champion.training["recalibration"] = recalibrated.training["recalibration"]
    assert is_refresh(champion, model(FEBRUARY))


def test_models_without_a_recipe_or_with_one_of_another_version_are_no_refresh() -> None:
    for written in ({}, {"model": {"forests": 3}}):
        old, new = model(), model(FEBRUARY)
        old.training["recipe"] = new.training["recipe"] = written
        assert recipe_digest(new) is None
        assert not is_refresh(old, new)
