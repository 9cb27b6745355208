"""A model with custom columns and custom lists: the same scores, to the last bit, in every supported way."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models import Policy, Scorer
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.models.flavor import save_model
from fraudsieve.models.sentences.phrases import sentence_of
from tests.messages import refused
from tests.models.own_model import messages, records, write_own_model

FIELDS = ["channel", "国家", "age", "is_new"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "model"
    write_own_model(path)
    return path


@pytest.fixture(scope="module")
def expected(folder: Path) -> list[Any]:
    return Scorer.load(folder).score(records())


def frame() -> pd.DataFrame:
    return pd.DataFrame(records()).assign(message_id=[f"m{n}" for n in range(len(records()))])


def probabilities(scores: list[Any]) -> list[float]:
    return [score["probability"] for score in scores]


@pytest.mark.slow
def test_the_columns_and_lists_matter_to_the_scores(folder: Path, expected: list[Any]) -> None:
    model = Scorer.load(folder).model
    used = dict(zip(model.matrix.columns, model.ensemble.booster.feature_importance(), strict=True))
    assert {f"profile__{name}" for name in FIELDS} <= set(used)
    assert sum(used[f"profile__{name}"] for name in FIELDS) > 0
    assert {score["status"] for score in expected} == {"ok"}
    assert len({score["probability"] for score in expected}) > 20


@pytest.mark.slow
def test_one_by_one_and_as_columns(folder: Path, expected: list[Any]) -> None:
    scorer = Scorer.load(folder)
    assert [scorer.score(record) for record in records()] == expected
    columns = {name: [record[name] for record in records()] for name in ("text", *FIELDS)}
    assert scorer.score_columns(columns)["probability"].tolist() == probabilities(expected)
    assert scorer.score_columns(frame())["probability"].tolist() == probabilities(expected)


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_predict_from_files(folder: Path, expected: list[Any], tmp_path: Path, ending: str) -> None:
    table, output = frame().astype({"is_new": "boolean"}), tmp_path / "scores.parquet"
    source = tmp_path / f"messages.{ending}"
    if ending == "parquet":
        table.to_parquet(source)
    elif ending == "csv":
        table.to_csv(source, index=False)
    else:
        table.to_json(source, orient="records", lines=True, force_ascii=False)
    score_file(Scorer.load(folder), source, output)
    assert pd.read_parquet(output)["probability"].tolist() == probabilities(expected)


@pytest.mark.slow
def test_a_missing_flag_changes_no_other_score(folder: Path, tmp_path: Path) -> None:
    table = frame().astype({"is_new": "boolean"})
    for ending in ("csv", "parquet"):
        scores = []
        for rows in (table, table.assign(is_new=table["is_new"].mask(table.index == 0))):
            source = tmp_path / f"messages.{ending}"
            rows.to_csv(source, index=False) if ending == "csv" else rows.to_parquet(source)
            score_file(Scorer.load(folder), source, tmp_path / "scores.parquet")
            scores.append(pd.read_parquet(tmp_path / "scores.parquet")["probability"].tolist()[1:])
        assert scores[0] == scores[1]


def test_predict_with_reasons(folder: Path, expected: list[Any]) -> None:
    table = frame().astype({"is_new": "boolean"})
    scores = score_frame(Scorer.load(folder), table, reasons=3)
    assert scores["probability"].tolist() == probabilities(expected)


@pytest.mark.slow
def test_pyfunc(folder: Path, expected: list[Any], tmp_path: Path) -> None:
    save_model(tmp_path / "saved", folder=folder)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "saved"))
    assert loaded.predict(frame())["probability"].tolist() == probabilities(expected)


@pytest.mark.slow
def test_a_real_service(folder: Path, expected: list[Any], serve: Callable[..., Any]) -> None:
    service = serve(folder)
    with service.client() as client:
        assert client.post("/v1/score", json=records()).json() == expected
        assert client.post("/v1/score", json=records()[0]).json() == expected[0]
        fields = {field["name"]: field for field in client.get("/v1/model").json()["fields"]}
        schema = json.dumps(client.get("/openapi.json").json()["paths"]["/v1/score"], ensure_ascii=False)
    assert fields["国家"] == {"name": "国家", "type": "string or null", "required": True}
    assert fields["age"]["type"] == "number or null"
    assert all(f'"{name}"' in schema for name in FIELDS)


def test_policies_of_missing_fields_hold(folder: Path) -> None:
    record = {name: value for name, value in records()[0].items() if name != "channel"}
    score: Any = Scorer.load(folder).score(record)
    assert score["why"].startswith("channel: the field is missing")
    lenient = Scorer.load(folder, policy=Policy(missing="missing"))
    assert lenient.score(record) == Scorer.load(folder).score({**record, "channel": None})
    table = frame().drop(columns="channel").astype({"is_new": "boolean"})
    unknown = Scorer.load(folder).score([{**record, "channel": None} for record in records()])
    assert score_frame(lenient, table)["probability"].tolist() == probabilities(unknown)
    with refused(SchemaError, "channel", "chanel"):
        score_frame(Scorer.load(folder), table.assign(chanel="sms"))


def test_wrong_types_are_unscorable_by_name(folder: Path) -> None:
    scores = Scorer.load(folder).score([{**records()[0], "age": "old"}, records()[1]])
    assert [score["why"] for score in scores] == ["age: expected a number, got other text", None]


def test_every_column_has_a_sentence_in_both_languages(folder: Path) -> None:
    model = Scorer.load(folder).model
    said = {
        (name, language): sentence_of(phrase, 1.0, 0.0, language)
        for name, phrase in zip(model.matrix.columns, model.phrases, strict=True)
        for language in ("en", "zh")
    }
    assert said["cues__own_gambling", "en"] == "uses 1 word of the list gambling, usually none"
    assert said["cues__own_gambling", "zh"] == "含 1 个“gambling”词表中的词（通常为 0）"
    assert said["profile__channel", "en"].startswith("the channel is ")
    assert said["profile__国家", "zh"].startswith("国家为")
    assert all(said.values())


def test_messages_are_scored_as_in_training(folder: Path) -> None:
    matrix = Scorer.load(folder).model.matrix
    rows = matrix.rows(records()[:-2]).X
    own = [matrix.columns.index(f"profile__{name}") for name in ("age", "is_new")]
    np.testing.assert_array_equal(rows[:, own], messages()[["age", "is_new"]].to_numpy(np.float64))
