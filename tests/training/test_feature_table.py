"""The table of features: equal to what a training run uses to the last bit, for every subject and format."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.classifier import FraudClassifier
from fraudsieve.models.predict import Scorer
from fraudsieve.training import feature_table
from fraudsieve.training.feature_table import FeatureTable, write_features
from fraudsieve.training.fit import train
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.simulation.world import World
from tests.messages import refused

QUICK = {"track.enabled": False, "n_jobs": 1, "model.n_rounds": 20, "model.refit": False, "features.pinyin": False}


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[pd.DataFrame, Any]]:
    """Return what classifiers are fitted on, in the order of the calls."""
    calls, fit = [], FraudClassifier.fit

    def record(self: FraudClassifier, X: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append((X, y))
        return fit(self, X, y, *args, **kwargs)

    monkeypatch.setattr(FraudClassifier, "fit", record)
    return calls


def check(table: FeatureTable, trained: Any, fitted: list[tuple[pd.DataFrame, Any]]) -> pd.DataFrame:
    """Compare a table with what a run fitted its trees to, and with the metrics of its test slice."""
    rows, (X, y) = pd.read_parquet(table.output), fitted[0]
    assert table.columns == tuple(X.columns) == trained.model.matrix.columns
    assert rows["slice"].value_counts().to_dict() == table.rows
    learned = rows[rows["slice"] == "train"]
    assert learned[[*table.columns]].to_numpy().tobytes() == X.to_numpy(np.float64).tobytes()
    assert learned["label"].tolist() == y.tolist()
    tested = rows[rows["slice"] == "test"]
    scores = Scorer(trained.model).score_rows(tested[[*table.columns]].to_numpy())
    is_fraud = tested["label"] != "legitimate"
    found = average_precision_score(is_fraud, scores["probability"])
    assert found == pytest.approx(trained.report.average_precision, rel=1e-12)
    return rows


@pytest.mark.slow
def test_payments_are_those_of_a_training(
    payments: Callable[..., pd.DataFrame],
    fitted: list[tuple[pd.DataFrame, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feature_table, "CHUNK", 1000)
    events = payments(days=(0, 42), seed=1)
    broken = events.assign(occurred_at=events["occurred_at"].astype(str).where(events.index != 3, "never"))
    recipe = Recipe.read(overrides=QUICK | {"model.sample_rate": 0.5})
    table = write_features(recipe, events=broken, output=tmp_path / "features.parquet")
    rows = check(table, train(recipe, events=broken, output=tmp_path / "model"), fitted)
    assert rows.columns[:5].tolist() == ["event_id", "account_id", "occurred_at", "label", "slice"]
    by_id = events.set_index("event_id")
    assert (rows["label"] == by_id["label"].loc[rows["event_id"]].to_numpy()).all()
    assert (rows["occurred_at"] == by_id["occurred_at"].loc[rows["event_id"]].dt.floor("us").to_numpy()).all()
    assert (
        rows.groupby("slice")["occurred_at"].max().loc["train"]
        <= rows.loc[rows["slice"] == "test", "occurred_at"].min()
    )
    assert pd.read_parquet(f"{table.output}.rejected-events.parquet")["row"].tolist() == [3]
    assert any("all fraud and 0.5 of the legitimate rows" in note for note in table.notes)
    assert (tmp_path / "features.parquet").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_messages_have_their_copies_and_the_weights_of_their_labels(
    small_world: World, fitted: list[tuple[pd.DataFrame, Any]], tmp_path: Path
) -> None:
    recipe = Recipe.read(overrides=QUICK | {"data.default_trust": 0.7, "evaluate.attack": False})
    tables: dict[str, Any] = {"messages": small_world.messages, "labels": small_world.labels}
    table = write_features(recipe, **tables, output=tmp_path / "features.parquet")
    rows = check(table, train(recipe, **tables, output=tmp_path / "model"), fitted)
    assert set(rows["label_weight"]) == {0.7}
    learned = rows[rows["slice"] == "train"]
    copies = learned[learned["message_id"].duplicated()]
    assert len(copies)
    assert (copies["label"] != "legitimate").all()


@pytest.mark.slow
def test_every_format_has_the_same_cells(payments: Callable[..., pd.DataFrame], tmp_path: Path) -> None:
    events, recipe = payments(days=(0, 21), seed=1), Recipe.read(overrides=QUICK)
    tables = [write_features(recipe, events=events, output=tmp_path / f"f{end}") for end in (".parquet", ".csv")]
    parquet, csv = pd.read_parquet(tables[0].output), pd.read_csv(tables[1].output)
    names = [*tables[0].columns]
    assert csv[names].astype(float).to_numpy().tobytes() == parquet[names].to_numpy().tobytes()
    assert csv[["event_id", "label", "slice"]].equals(
        parquet[["event_id", "label", "slice"]].astype(csv["label"].dtype)
    )


def test_a_wrong_output_is_refused_before_tables_are_read(tmp_path: Path) -> None:
    with refused(SchemaError, "features.txt"):
        write_features(events=tmp_path / "none.csv", output="features.txt")
    events = tmp_path / "events.csv"
    events.write_text("event_id\n", "utf-8")
    with pytest.raises(FileExistsError):
        write_features(events=events, output=events)
