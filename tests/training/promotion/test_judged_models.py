"""A refresh is compared on the newest slice, by models that have not learned from it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.groups import trained_until
from fraudsieve.training.fit import train
from fraudsieve.training.promotion.decision import compare_judged, promote
from fraudsieve.training.promotion.gates import Gate, apply_gates
from fraudsieve.training.promotion.model_comparison import ModelComparison, recipe_digest
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused

from .conftest import Store

pytestmark = pytest.mark.slow

SETTINGS: dict[str, Any] = {
    "history.views": [],
    "history.network": False,
    "model.n_rounds": 30,
    "model.refit": True,
    "n_jobs": 1,
    "gates.latency_ratio": 1000.0,
    "evaluate.replicates": 50,
}
N, PER_DAY = 3000, 50


def payments(seed: int = 0) -> pd.DataFrame:
    """Return sixty days of payments, a fifth of them fraud, whose labels arrive after two days."""
    rng = np.random.default_rng(seed)
    is_fraud = rng.random(N) < 0.2
    sent = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(N) / PER_DAY, unit="D")
    return pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(N)],
            "account_id": [f"a{number}" for number in rng.integers(0, N // 2, N)],
            "occurred_at": sent,
            "size": rng.normal(1.5 * is_fraud, 1.0),
            "label": np.where(is_fraud, "fraud", "legitimate"),
            "labelled_at": sent + pd.Timedelta(days=2),
        }
    )


def known_on(day: int) -> pd.DataFrame:
    """Return the payments until a day, with the labels that were known then."""
    table, now = payments(), pd.Timestamp("2026-01-01", tz="UTC") + pd.Timedelta(days=day)
    table = table[table["occurred_at"] < now].reset_index(drop=True)
    known = table["labelled_at"] < now
    return table.assign(label=table["label"].where(known), labelled_at=table["labelled_at"].where(known))


def later_payments() -> pd.DataFrame:
    """Return payments of the following sixty days, with labels that have no times."""
    later = payments(seed=1).drop(columns="labelled_at")
    return later.assign(occurred_at=later["occurred_at"] + pd.Timedelta(days=60))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, store: Store) -> dict[str, Path]:
    """Return models that were trained on day 40 and on day 60; the last has another recipe."""
    folder = tmp_path_factory.mktemp("refreshes")
    chosen: dict[str, tuple[int, dict[str, Any]]] = {
        "old": (40, {}),
        "new": (60, {}),
        "reseeded": (55, {"seed": 1}),
        "other": (60, {"model.n_rounds": 20}),
    }
    for name, (day, changes) in chosen.items():
        recipe = store.recipe("payments", **(SETTINGS | {"track.enabled": False} | changes))
        train(recipe, output=folder / name, events=known_on(day))
    return {name: folder / name for name in chosen}


def compare(
    store: Store, folders: dict[str, Path], champion: str, challenger: str, table: Any = None
) -> ModelComparison:
    tables = {"events": known_on(60) if table is None else table}
    scorers = Scorer.load(folders[champion]), Scorer.load(folders[challenger])
    return compare_judged(*scorers, tables, store.recipe("payments", **SETTINGS), lambda step: None)[0]


def failed(metrics: ModelComparison) -> list[Gate]:
    gates = apply_gates(metrics, Recipe.read(overrides=SETTINGS).gates)
    return [gate for gate in gates if not gate.passed]


def start_of(metrics: ModelComparison) -> pd.Timestamp:
    (note,) = [note for note in metrics.warnings if "is a refresh" in note]
    return pd.Timestamp(note.rpartition(" ")[2])


def test_the_challenger_is_replaced_by_a_stand_in_that_has_not_seen_the_slice(
    store: Store, folders: dict[str, Path]
) -> None:
    old, new = read_model(folders["old"]), read_model(folders["new"])
    metrics = compare(store, folders, "old", "new")
    start = start_of(metrics)
    assert metrics.refresh
    learned = trained_until(old), trained_until(new)
    assert [end is not None and end < start for end in learned] == [True, False]
    assert metrics.frauds >= 100
    # Mature records, from the start of the slice on.
    times = known_on(60).loc[lambda table: table["labelled_at"].notna(), "occurred_at"]
    assert metrics.rows == int((times >= start).sum())
    assert metrics.champion is not None
    assert (metrics.champion.digest, metrics.champion.stand_in_for) == (old.digest, None)
    assert (metrics.challenger.digest, metrics.challenger.stand_in_for) == (None, new.digest)
    assert pd.Timestamp(str(metrics.challenger.trained_until)) < start
    assert metrics.champion.recipe == metrics.challenger.recipe == recipe_digest(new)
    assert any("challenger has learned from these" in note for note in metrics.warnings)
    assert abs(metrics.figures["average_precision"].difference or 1.0) < 0.05
    assert failed(metrics) == []


def test_a_stand_in_is_what_train_would_have_made_before_the_slice(
    store: Store, folders: dict[str, Path], tmp_path: Path
) -> None:
    result = compare(store, folders, "old", "new")
    start = start_of(result)
    table = known_on(60)
    known = table["labelled_at"] < start
    table = table.assign(label=table["label"].where(known), labelled_at=table["labelled_at"].where(known))
    recipe = store.recipe("payments", **SETTINGS | {"track.enabled": False})
    train(recipe, output=tmp_path / "then", events=table[table["occurred_at"] < start].reset_index(drop=True))
    folders = folders | {"then": tmp_path / "then"}
    then = compare(store, folders, "old", "then", table=known_on(60))
    assert then.challenger.stand_in_for is None
    assert then.challenger.trained_until == result.challenger.trained_until
    assert then.figures["average_precision"].challenger == pytest.approx(
        result.figures["average_precision"].challenger, abs=0.03
    )


def test_a_champion_that_has_learned_from_the_slice_has_a_stand_in_too(store: Store, folders: dict[str, Path]) -> None:
    metrics = compare(store, folders, "reseeded", "new")
    assert metrics.champion is not None
    stands_for = metrics.champion.stand_in_for, metrics.challenger.stand_in_for
    assert stands_for == (read_model(folders["reseeded"]).digest, read_model(folders["new"]).digest)
    difference = metrics.figures["average_precision"].difference
    assert difference is not None
    assert 0 < abs(difference) < 0.03  # another seed


def test_records_that_neither_has_learned_from_need_no_stand_in(store: Store, folders: dict[str, Path]) -> None:
    later = later_payments()
    metrics = compare(store, folders, "old", "new", table=later)
    assert (metrics.rows, metrics.refresh) == (len(later), True)
    assert metrics.challenger.digest == read_model(folders["new"]).digest


def test_a_new_recipe_is_no_refresh(store: Store, folders: dict[str, Path]) -> None:
    later = later_payments()
    result = compare(store, folders, "old", "other", table=later)
    assert not result.refresh
    assert [gate.name for gate in failed(result)] == ["average_precision"]


def test_the_tables_must_have_what_the_challenger_has_learned_from(store: Store, folders: dict[str, Path]) -> None:
    table = known_on(60)
    newest = table[table["occurred_at"] > table["occurred_at"].max() - pd.Timedelta(days=20)].reset_index(drop=True)
    with refused(SchemaError):
        compare(store, folders, "old", "new", table=newest)


def test_a_refresh_is_promoted(store: Store, folders: dict[str, Path]) -> None:
    old, new = (store.register("payments", folders[name]) for name in ("old", "new"))
    decision = promote(store.recipe("payments", **SETTINGS), events=known_on(60))
    assert (decision.decision, decision.before, decision.champion) == ("promoted", old, new), decision.reasons
    tags = store.registry("payments").client.get_model_version("payments", new).tags
    assert tags["promotion.refresh"] == "true"
    assert "a refresh may lose 0.030" in tags["promotion.reasons"]
