"""Training on a feature matrix that is ready gives the model that training on the records gives."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fraudsieve.exceptions import RecipeError, SchemaError, SplitError
from fraudsieve.features import AccountFeatures
from fraudsieve.features.account_matrix import account_matrix_of
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import load_precomputed, read_data
from fraudsieve.training.data.precomputed_matrix import MatrixDeclaration, PrecomputedMatrix
from fraudsieve.training.data.row_sample import RowSample, select_ids
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.labels import maturity_gap
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused

from .precomputed_files import payments, write_declared, write_ready

pytestmark = pytest.mark.slow

RATE = 0.3
QUICK: dict[str, Any] = {"track.enabled": False, "n_jobs": 1, "model.n_rounds": 12, "evaluate.replicates": 5}
QUICK |= {"split.gap_days": 1.5}


def recipe(**overrides: Any) -> Recipe:
    return Recipe.read(overrides={**QUICK, **overrides})


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return payments()


@pytest.fixture(scope="module")
def trained(events: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model that was trained on a sample of records."""
    settings = recipe(**{"model.sample_rate": RATE, "data.subject": "event"})
    return train(settings, output=tmp_path_factory.mktemp("records") / "model", events=events)


@pytest.fixture(scope="module")
def ready(events: pd.DataFrame, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The features of the same sample, in a file."""
    path = tmp_path_factory.mktemp("ready") / "sample.parquet"
    write_ready(path, events, trained.model.matrix, RowSample(RATE), begin_of_calibration(trained))  # type: ignore[arg-type]
    return path


def with_slow_frauds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose frauds, all of which are in a sample, get their labels five days later."""
    days = np.where(rows["label"] == "fraud", 5, 0)
    return rows.assign(labelled_at=rows["labelled_at"] + pd.to_timedelta(days, unit="D"))


def begin_of_calibration(trained: Trained) -> pd.Timestamp:
    return pd.Timestamp(trained.data.rows["as_of"].iloc[trained.split.calibration].min())


def test_a_run_on_records_samples_its_training_slice_alone(events: pd.DataFrame, trained: Trained) -> None:
    full = trained.split.rows
    slice_ = trained.data.rows.iloc[trained.split.train]
    expected = (slice_["label"] == "fraud") | select_ids(slice_["event_id"].to_numpy(object), RowSample(RATE))
    assert trained.split_model is not None
    assert trained.split_model.training["sample"] == {"rate": RATE, "seed": 0}
    assert trained.split_model.training["rows"] == full | {"train": int(expected.sum())}
    assert trained.report.rows == full["test"]
    said = f"trained on {int(expected.sum()):,} of {full['train']:,} rows: all fraud, and 0.3 of the legitimate ones"
    assert any(note.startswith(said) for note in trained.notes)
    assert sum(full.values()) + sum(trained.split.dropped.values()) == len(events)


@pytest.mark.parametrize("values", [0.0, 0.5, "monthly"])
def test_a_column_of_that_name_in_other_tables_is_the_users_own(events: pd.DataFrame, values: float | str) -> None:
    data = read_data(
        recipe(**{"data.subject": "event"}), {"events": events.assign(sampling_rate=values)}, min_label_rows=2
    )
    assert "sampling_rate" in data.rows
    assert "sampling_rate" not in data.subjects


def test_probabilities_are_those_of_all_rows(events: pd.DataFrame, trained: Trained, tmp_path: Path) -> None:
    uncalibrated = trained.model.ensemble.log_odds(
        trained.model.matrix.rows([{"account_id": "new", "occurred_at": "2026-02-20", "amount": 20.0}]).X
    )
    # Legitimate is the second class: the start of boosting is near the log-odds of the shares, 9 to 1, not 2.7 to 1.
    assert trained.model.ensemble.base == pytest.approx([np.log(9)], abs=0.2)
    assert uncalibrated[0, 0] > np.log(6)
    assert 0.6 < trained.report.observed_over_expected < 1.6  # type: ignore[operator]


def test_the_model_of_a_ready_matrix_is_that_of_the_records(trained: Trained, ready: Path, tmp_path: Path) -> None:
    again = train(recipe(), output=tmp_path / "model", features=ready)
    one, other = trained.model, again.model
    assert again.report.rows == trained.report.rows
    assert other.ensemble.booster.model_to_string() == one.ensemble.booster.model_to_string()
    assert (other.calibration, other.points) == (one.calibration, one.points)
    assert other.matrix == one.matrix
    assert other.unlike.usual.tobytes() == one.unlike.usual.tobytes()  # type: ignore[union-attr]
    assert other.training["sample"] == one.training["sample"]
    expected = trained.report.to_dict()
    found = again.report.to_dict()
    assert found["average_precision"] == expected["average_precision"]
    assert found["ece"] == expected["ece"]
    assert [note for note in again.notes if "trained on" in note] == [n for n in trained.notes if "trained on" in n]
    record = {"account_id": "a1", "occurred_at": "2026-03-01", "amount": 90.0}
    assert Scorer.load(tmp_path / "model").score(record)["probability"] == Scorer(one).score(record)["probability"]
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert str(ready) not in json.dumps(manifest)
    assert [*manifest["training"]["digests"]] == ["features"]


def test_what_is_usual_is_that_of_all_rows(trained: Trained, events: pd.DataFrame, tmp_path: Path) -> None:
    on_all = train(recipe(**{"data.subject": "event"}), output=tmp_path / "model", events=events)
    place = trained.model.matrix.columns.index("value__z_all")
    expected, found = (run.model.unlike.usual[place] for run in (on_all, trained))  # type: ignore[union-attr]
    assert found == pytest.approx(expected, abs=0.05)  # -0.20 if all fraud counted


def test_rows_are_in_the_order_of_time(ready: Path) -> None:
    data = load_precomputed(ready, recipe(), min_label_rows=2)
    assert data.rows["as_of"].is_monotonic_increasing
    assert isinstance(data.precomputed, PrecomputedMatrix)
    stored = pq.read_table(ready).to_pandas().set_index("event_id")
    names = list(data.precomputed.matrix_.columns)
    expected = stored.loc[data.rows["event_id"], names].to_numpy()
    assert np.array_equal(data.precomputed.transform(data.rows).to_numpy(), expected, equal_nan=True)


def test_the_gap_is_that_of_all_rows(events: pd.DataFrame, ready: Path) -> None:
    expected = maturity_gap(with_slow_frauds(events))
    data = load_precomputed(ready, recipe(), min_label_rows=2)
    data = replace(data, rows=with_slow_frauds(data.rows))
    assert maturity_gap(data.subjects) == pytest.approx(expected, abs=0.15)
    assert maturity_gap(data.subjects.drop(columns="sampling_rate")) > expected + 0.3


def test_a_ready_matrix_of_all_rows_is_split_as_usual(events: pd.DataFrame, trained: Trained, tmp_path: Path) -> None:
    path = tmp_path / "all.parquet"
    write_ready(path, events, trained.model.matrix, RowSample(), events["occurred_at"].min())  # type: ignore[arg-type]
    write_declared(path, pq.read_table(path), MatrixDeclaration(account_matrix_of(trained.model.matrix), "legitimate"))
    again = train(recipe(**{"split.kind": "account"}), output=tmp_path / "model", features=path)
    assert again.split.kind == "account"
    assert "sample" not in again.model.training


def test_accounts_and_a_label_of_the_table(events: pd.DataFrame, tmp_path: Path) -> None:
    until = pd.Timestamp("2026-02-05", tz="UTC")
    accounts = events.drop_duplicates("account_id", keep="last").rename(columns={"occurred_at": "as_of"})
    accounts = accounts[["account_id", "as_of", "label", "labelled_at"]].replace({"label": {"legitimate": "fine"}})
    early = (accounts["label"] == "fine") & (accounts["as_of"] < until)
    kept = ~early | select_ids(accounts["account_id"].to_numpy(object), RowSample(0.5))
    features = AccountFeatures(events, network=False).fit(accounts)
    rows = accounts.assign(sampling_rate=np.where(early, 0.5, 1.0))[kept]
    rows.to_parquet(tmp_path / "rows.parquet", index=False)
    table, values = pq.read_table(tmp_path / "rows.parquet"), np.asarray(features.transform(rows))
    for name, column in zip(features.matrix_.columns, values.T, strict=True):
        table = table.append_column(name, pa.array(column))
    declared = MatrixDeclaration(features.matrix_, "fine", RowSample(0.5), until.isoformat(), int((~kept).sum()))
    write_declared(tmp_path / "sample.parquet", table, declared)
    data = load_precomputed(tmp_path / "sample.parquet", recipe(), min_label_rows=2)
    assert (data.subject, data.legitimate, len(data.rows)) == ("account", "fine", int(kept.sum()))
    assert data.precomputed is not None
    expected = np.asarray(features.transform(data.rows))
    assert data.precomputed.transform(data.rows).to_numpy().tobytes() == np.ascontiguousarray(expected).tobytes()


def test_a_sample_is_refitted_with_probabilities_of_all_rows(events: pd.DataFrame, tmp_path: Path) -> None:
    settings = recipe(**{"data.subject": "event", "model.sample_rate": RATE, "model.refit": True})
    refitted = train(settings, output=tmp_path / "model", events=events).model
    assert refitted.training["sample"] == {"rate": RATE, "seed": 0}
    assert refitted.training["rows"]["train"] < 0.5 * len(events)
    assert refitted.ensemble.base == pytest.approx([np.log(9)], abs=0.2)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "tune": ({"tune": {"trials": 2}}, "tune: its folds would be tested on a sample"),
    "sampled twice": ({"model.sample_rate": 0.5}, "a precomputed matrix is sampled where it is made"),
    "split": ({"split.kind": "account"}, "split.kind: a sample is split by time, got 'account'"),
    "subject": ({"data.subject": "account"}, "data.subject: the features are of events, got 'account'"),
    "history": ({"history.exclude": ["device_id"]}, "history: the features of a precomputed matrix are declared where"),
    "labels": (
        {"labels.legitimate_after": "60d"},
        "labels.legitimate_after: a precomputed matrix has rows with labels",
    ),
    "trust": ({"data.trust": {"rule": 0.5}}, "data.trust: the labels of a precomputed matrix have no sources"),
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_do_not_fit(case: str, ready: Path) -> None:
    overrides, text = WRONG[case]
    with pytest.raises(RecipeError, match=text):
        load_precomputed(ready, recipe(**overrides), min_label_rows=2)


def test_other_tables_and_a_test_slice_that_would_be_sampled(ready: Path, events: pd.DataFrame, tmp_path: Path) -> None:
    with refused(RecipeError, "data.features"):
        train(recipe(), output=tmp_path / "model", features=ready, events=events)
    with pytest.raises(SplitError, match="the test slice would begin before 2026-"):
        train(recipe(**{"split.test_share": 0.6}), output=tmp_path / "model", features=ready)
    with refused(SchemaError):
        train(recipe(**{"data.legitimate": "fraud"}), output=tmp_path / "model", features=ready)


def test_files_that_are_no_ready_matrix(ready: Path, tmp_path: Path) -> None:
    with refused(SchemaError):
        load_precomputed(tmp_path / "none", recipe(), min_label_rows=2)
    (tmp_path / "text.parquet").write_text("secret")
    with pytest.raises(SchemaError, match="cannot be read as Parquet") as error:
        load_precomputed(tmp_path / "text.parquet", recipe(), min_label_rows=2)
    assert "secret" not in str(error.value)
    table = pq.read_table(ready)
    pq.write_table(table.replace_schema_metadata({}), tmp_path / "plain.parquet")
    with pytest.raises(SchemaError, match="has no declaration of its features"):
        load_precomputed(tmp_path / "plain.parquet", recipe(), min_label_rows=2)
    pq.write_table(table.drop_columns(["event_id", table.column_names[-1]]), tmp_path / "short.parquet")
    with pytest.raises(SchemaError, match="2 columns are missing: 'event_id', "):
        load_precomputed(tmp_path / "short.parquet", recipe(), min_label_rows=2)


def test_a_folder_is_read_as_one_table(ready: Path, tmp_path: Path) -> None:
    table = pq.read_table(ready)
    for number, start in enumerate((0, 700)):
        pq.write_table(table.slice(start, 700 if not start else None), tmp_path / f"part-{number}.parquet")
    one, other = (load_precomputed(path, recipe(), min_label_rows=2) for path in (ready, tmp_path))
    pd.testing.assert_frame_equal(one.rows, other.rows)
    assert one.digests != other.digests


@pytest.mark.parametrize("ids", [{}, {"event_id": None}])
def test_records_without_an_id_cannot_be_sampled(ids: dict[str, Any], events: pd.DataFrame, tmp_path: Path) -> None:
    without = events.drop(columns="event_id").assign(**ids)
    settings = recipe(**{"model.sample_rate": RATE, "data.subject": "event"})
    with refused(SchemaError, "event_id"):
        train(settings, output=tmp_path / "model", events=without)


def test_messages_cannot_be_sampled(labelled_messages: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="expected accounts or events, got messages"):
        train(recipe(**{"model.sample_rate": RATE}), output=tmp_path / "model", messages=labelled_messages)
