"""A retraining in a store of MLflow: the first champion, a promotion, a refusal, and the same again."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import RecipeError
from fraudsieve.retrain import Retrained, plan_retraining, retrain
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from tests.messages import refused

from .conftest import PER_DAY, SETTINGS, Payments, day

pytestmark = pytest.mark.slow


def run(model: str | Path, payments: Payments, until: int = 60, **settings: Any) -> Retrained:
    events, labels = payments
    changes = {"data.as_of": day(until), "gates.latency_ms": 1000.0}
    return retrain(model, events=events, labels=labels, changes=changes, overwrite=True, **settings)


def damaged(payments: Payments, until: int = 48) -> Payments:
    """Return payments with labels that are shuffled up to a day."""
    events, labels = payments
    n = until * PER_DAY
    label = labels["label"].to_numpy(object, copy=True)
    label[:n] = np.random.default_rng(0).permutation(label[:n])
    return events, labels.assign(label=label)


def test_the_first_champion_is_the_model_and_a_refresh_is_promoted_once(
    base: Path, registry: Registry, payments: Payments
) -> None:
    first = run(base, payments)
    assert (first.outcome, first.first, first.version) == ("promoted", "models:/cards/1", "models:/cards/2")
    assert first.champion == "models:/cards/2"
    assert registry.aliases() == {"champion": "2", "challenger": "2"}
    planned, compared = first.plan.compared, first.comparison
    assert planned is not None
    assert compared is not None
    assert (planned.rows, planned.frauds) == (compared.rows, compared.frauds)
    assert first.evaluation is not None
    assert first.evaluation["rows"] > 0
    content = first.to_dict()
    assert (content["promoted"], content["trained"]) == (True, True)
    assert "by the champion" in content["comparison"]["text"]
    assert content["plan"]["by_source"].keys() == {"review", "chargeback"}
    assert all(gate["passed"] for gate in content["gates"])
    again = run("models:/cards@champion", payments)
    assert (again.outcome, again.version, again.champion) == ("nothing new", None, "models:/cards/2")
    assert len(registry.client.search_model_versions("name='cards'")) == 2


def test_damaged_labels_are_refused_and_say_the_same_again(base: Path, registry: Registry, payments: Payments) -> None:
    wrong = damaged(payments)
    refused = run(base, wrong)
    assert (refused.outcome, refused.champion) == ("refused", "models:/cards/1")
    assert registry.aliases() == {"champion": "1", "challenger": "2"}
    assert "average_precision" in {gate.name for gate in refused.gates if not gate.passed}
    assert "promote --force" in refused.what_to_do
    again = run("models:/cards@champion", wrong)
    assert (again.outcome, again.version, again.trained) == ("refused", "models:/cards/2", None)
    assert again.plan.step == "compare"
    assert again.evaluation == refused.evaluation
    precision = again.comparison, refused.comparison
    assert len({one.figures["average_precision"].difference for one in precision if one is not None}) == 1
    # With the right labels, another model is trained, and promoted.
    assert (run("models:/cards@champion", payments).version, registry.aliases()["champion"]) == ("models:/cards/3", "3")


def test_a_comparison_alone_changes_no_champion(base: Path, registry: Registry, payments: Payments) -> None:
    in_other_words = payments[1]["label"].map({"legitimate": "ham", "fraud": "spam"})
    payments = payments[0], payments[1].assign(label=in_other_words)
    compared = run(base, payments, promote=False)
    assert compared.plan.by_class.keys() == {"legitimate", "spam"}  # what is legitimate is read as by the model
    assert compared.trained is not None
    assert compared.trained.model.legitimate == "legitimate"
    assert (compared.outcome, compared.champion) == ("compared", "models:/cards/1")
    assert "without --no-promote" in compared.what_to_do
    assert registry.aliases() == {"champion": "1", "challenger": "2"}
    promoted = run("models:/cards@champion", payments)
    assert (promoted.outcome, promoted.version, promoted.trained) == ("promoted", "models:/cards/2", None)


def test_the_model_itself_is_not_overwritten(base: Path, uri: str, payments: Payments) -> None:
    with refused(RecipeError, "--output"):
        run(base, payments, output=base)


def test_no_champion_is_registered_if_the_output_exists(base: Path, registry: Registry, payments: Payments) -> None:
    Path("there").mkdir()
    with pytest.raises(FileExistsError, match="expected a model folder to overwrite"):
        run(base, payments, output="there")
    assert not registry.exists()


@pytest.mark.parametrize(
    ("factor", "before", "after"),
    [
        (2, ("10m", "1h", "1d", "7d", "all"), ("1h", "1d", "7d", "30d", "all")),  # 90 days
        (6, ("1h", "1d", "7d", "30d", "all"), ("1d", "7d", "30d", "90d", "all")),  # 270 days
        (25, ("1d", "7d", "30d", "90d", "all"), ("7d", "30d", "90d", "365d", "all")),  # 1,095 days
    ],
)
def test_the_views_are_those_of_the_model_although_the_defaults_follow_the_span(
    registry: Registry, payments: Payments, factor: int, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    def at(times: Any) -> Any:
        """Return times that are as many times longer before the last day."""
        return pd.Timestamp(day(60)) - factor * (pd.Timestamp(day(60)) - times)

    events, labels = payments
    events = events.assign(paid_at=at(events["paid_at"]), amount=1.0)
    labels = labels.assign(labelled_at=at(labels["labelled_at"]))
    defaults = {name: value for name, value in SETTINGS.items() if name != "history.views"}
    early = {**defaults, "data.as_of": at(pd.Timestamp(day(40)))}
    first = train(Recipe.read(overrides=early), output="m", events=events, labels=labels)
    changes = {"data.as_of": day(60), "gates.latency_ms": 1000.0}
    later = retrain("m", events=events, labels=labels, changes=changes)
    declared = first.model.matrix.history_declaration
    assert declared.histories[0].windows == before
    assert later.trained is not None
    assert later.trained.model.matrix.history_declaration == declared
    assert (later.plan.refresh, later.plan.needs_restart) == (True, False)
    fresh = train(Recipe.read(overrides={**defaults, "data.as_of": day(60)}), output="n", events=events, labels=labels)
    assert fresh.model.matrix.history_declaration.histories[0].windows == after
    planned = plan_retraining("n", events=events, labels=labels, changes=changes)
    assert (planned.refresh, planned.needs_restart) == (False, True)
    assert "need a restart" in planned.warnings[0]
