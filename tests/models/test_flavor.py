"""The MLflow flavor: saved, logged, registered and served, the scores are those of `Scorer`."""

import json
import shutil
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml

import fraudsieve
from fraudsieve._subjects import Subject
from fraudsieve.exceptions import ArtifactError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models import FraudClassifier, Model, Scorer, read_model, write_model
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.fields import Policy
from fraudsieve.models.flavor import FLAVOR, _load_pyfunc, log_model, logged_digest, save_model
from fraudsieve.training.simulation.world import simulate
from tests.messages import refused
from tests.mlflow_servers import running_mlflow
from tests.shared import mlflow_uri

pytestmark = pytest.mark.slow

SECRET = "Wire 500 to the account of Zebedee"


@pytest.fixture(scope="module")
def saved(binary: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mlflow") / "saved"
    save_model(path, folder=binary.folder)
    return path


@dataclass(frozen=True)
class Store:
    """A tracking store and registry, and the experiment to log to."""

    folder: Path
    experiment_id: str


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store in SQLite; afterwards MLflow's global settings are restored."""
    folder = tmp_path_factory.mktemp("store")
    uri = mlflow_uri(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # files with relative paths are written here
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            patch.setenv(name, uri)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        yield Store(folder, mlflow.create_experiment("tests", artifact_location=str(folder / "artifacts")))
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        mlflow.set_registry_uri(None)  # type: ignore[arg-type]


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame of scores, as from JSON."""
    rows: list[dict[str, Any]] = json.loads(json.dumps(frame.to_dict("records"), allow_nan=False))
    return rows


def expected_of(fitted: Any, texts: list[Any]) -> list[dict[str, Any]]:
    """Return the scores of `Scorer`, in the columns of MLflow."""
    scores: list[Any] = Scorer.load(fitted.folder).score([{"text": text} for text in texts])
    for score in scores:
        del score["model"]
        score |= {f"probability__{name}": value for name, value in score.pop("probabilities").items()}
    return scores


def test_a_saved_model_scores_like_the_scorer(fitted: Any, tmp_path: Path) -> None:
    save_model(tmp_path / "saved", folder=fitted.folder)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "saved"))
    texts = [*fitted.texts[:100], None, " ", *fitted.texts[100:200]]
    scores = loaded.predict(pd.DataFrame({"text": texts}))
    assert records_of(scores) == expected_of(fitted, texts)
    assert records_of(loaded.predict([{"text": text} for text in texts[:3]])) == expected_of(fitted, texts[:3])


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return simulate(days=20, n_accounts=100).events


def test_events_score_the_same_through_pyfunc(events: pd.DataFrame, tmp_path: Path) -> None:
    matrix = AccountMatrix(
        Subject.EVENT, (), custom=CustomColumns(("amount",), {"kind": tuple(events["kind"].unique())})
    )
    amounts = events["amount"].to_numpy(np.float64)
    rows = matrix.record_columns(
        events["occurred_at"].astype("int64").to_numpy(),
        np.zeros(len(events), np.int64),
        matrix.custom.compute(
            {"amount": amounts, "kind": events["kind"].to_numpy(object)}, np.zeros(len(events), np.int64)
        ),
    )
    fitted = FraudClassifier(n_rounds=5, n_jobs=1).fit(rows, np.where(amounts > np.nanmedian(amounts), "x", "y"))
    write_model(Model("e", ("x", "y"), "y", matrix, fitted.ensemble_, fitted.calibration_), tmp_path / "m")
    save_model(tmp_path / "saved", folder=tmp_path / "m")
    sample = events[["account_id", "occurred_at", "kind", "amount"]].iloc[::20]
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "saved")).predict(sample)
    scorer = Scorer.load(tmp_path / "m")
    records: Any = sample.astype(object).where(sample.notna(), None).to_dict("records")
    expected = scorer.score(records)
    assert loaded["probability"].tolist() == [score["probability"] for score in expected]
    assert loaded["status"].tolist() == ["ok"] * len(sample)
    for name, column in scorer.score_columns(sample).items():
        plain = [None if one != one else one for one in column]
        assert loaded[name].astype(object).where(loaded[name].notna(), None).tolist() == plain


def test_a_history_is_passed_as_json(accounts_folder: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "saved", folder=accounts_folder)
    loaded, scorer = mlflow.pyfunc.load_model(str(tmp_path / "saved")), Scorer.load(accounts_folder)
    event = {"account_id": "ann", "kind": "message", "device_id": "d", "counterparty_id": "bob", "amount": 0.1}
    history = {
        "events": [{**event, "occurred_at": "2026-05-01T10:00:00.000001Z"}] * 3,
        "account_labels": [{"account_id": "bob", "labelled_at": "2026-05-01T10:30:00Z", "is_fraud": True}],
    }
    accounts = pd.DataFrame({"account_id": ["ann", "eve"], "as_of": pd.to_datetime(["2026-05-01 11:00"] * 2, utc=True)})
    assert loaded.predict(accounts)["status"].tolist() == ["no_history"] * 2
    configured = mlflow.pyfunc.load_model(str(tmp_path / "saved"), model_config={"history": json.dumps(history)})
    assert configured.predict(accounts)["status"].tolist() == ["ok", "no_history"]
    for passed in (history, history["events"]):
        actual = loaded.predict(accounts, params={"history": json.dumps(passed)})
        expected: Any = scorer.score_columns(accounts, history=passed)
        assert actual["status"].tolist() == ["ok", "no_history"]
        assert actual["probability"].tolist() == expected["probability"].tolist()
    for wrong, why in ((SECRET, "expected JSON, got other text"), ("5", "expected a list of dicts, got int")):
        with refused(ValueError, why) as caught:
            loaded.predict(accounts, params={"history": wrong})
        assert SECRET not in str(caught.value)


def test_the_policy_of_a_model_holds_through_pyfunc(binary: Any, tmp_path: Path) -> None:
    write_model(replace(binary.model, policy=Policy(unknown="error", wrong_type="error")), tmp_path / "m")
    save_model(tmp_path / "saved", folder=tmp_path / "m")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "saved"))
    for frame in ({"text": ["hello"], "body": [SECRET]}, {"text": [5]}):
        with refused(ValueError) as caught:
            loaded.predict(pd.DataFrame(frame))
        assert SECRET not in str(caught.value)


def test_the_saved_folder_is_the_model_folder(binary: Any, saved: Path) -> None:
    assert read_model(saved / "model", digest=binary.model.digest).name == "binary"
    content = yaml.safe_load((saved / "MLmodel").read_text("utf-8"))
    assert content["flavors"][FLAVOR] == {
        "data": "model",
        "digest": binary.model.digest,
        "version": fraudsieve.__version__,
    }
    assert content["flavors"]["python_function"]["loader_module"] == "fraudsieve.models.flavor"
    assert "code" not in content["flavors"]["python_function"]
    assert (saved / "requirements.txt").read_text("utf-8") == f"fraudsieve[train]=={fraudsieve.__version__}\n"
    files = {path.suffix for path in saved.rglob("*") if path.is_file()}
    assert files == {"", ".json", ".npz", ".txt", ".yaml"}


def test_the_signature_names_inputs_and_outputs(fitted: Any, tmp_path: Path) -> None:
    save_model(tmp_path / "saved", folder=fitted.folder)
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "saved"))
    scores = loaded.predict(pd.DataFrame({"text": fitted.texts[:5]}))
    outputs = loaded.metadata.get_output_schema()
    assert set(outputs.input_names()) == set(scores.columns)
    inputs = loaded.metadata.get_input_schema()
    assert inputs.input_names()[0] == "text"
    assert {"message_id", "sent_at", "channel"} < {*inputs.optional_input_names()}
    assert inputs.required_input_names() == []  # MLflow checks nothing: its errors would quote rows
    assert "label" not in inputs.input_names()
    assert loaded.metadata.get_params_schema() is None  # it uses no history


def test_the_index_is_kept_and_further_columns_are_ignored(saved: Path, binary: Any) -> None:
    loaded = mlflow.pyfunc.load_model(str(saved))
    frame = pd.DataFrame({"more": [1, 2], "text": binary.texts[:2]}, index=[7, 3])
    scores = loaded.predict(frame)
    assert scores.index.tolist() == [7, 3]
    assert records_of(scores) == expected_of(binary, binary.texts[:2])


def test_a_repeated_column_is_an_error_that_says_so(saved: Path) -> None:
    frame = pd.DataFrame([["hello", "hi"]], columns=["text", "text"])
    with refused(ValueError):
        _load_pyfunc(str(saved / "model")).predict(frame)


def test_numbers_stay_numbers_where_none_is_missing(saved: Path, binary: Any) -> None:
    scores = mlflow.pyfunc.load_model(str(saved)).predict(pd.DataFrame({"text": binary.texts[:20]}))
    assert scores["probability"].dtype == np.float64


@pytest.mark.parametrize(
    "texts", [pd.Series([SECRET, 5], dtype=object), pd.Series([SECRET, pd.NA], dtype="string"), [SECRET, [SECRET]]]
)
def test_cells_that_are_not_text_are_unscorable(saved: Path, texts: Any) -> None:
    scores = mlflow.pyfunc.load_model(str(saved)).predict(pd.DataFrame({"text": texts}))
    assert scores["status"].tolist() == ["ok", "unscorable"]
    assert scores["why"][1].startswith("text: expected a string")
    assert SECRET not in scores.to_json()


def test_without_text_the_error_names_only_columns(saved: Path) -> None:
    with refused(ValueError) as caught:
        _load_pyfunc(str(saved / "model")).predict(pd.DataFrame({"txt": [SECRET]}))
    assert SECRET not in str(caught.value)


def test_through_mlflow_the_error_is_the_same(saved: Path) -> None:
    # If an input were required, MLflow would refuse the frame itself, and quote its rows (MLflow #16537).
    with refused(ValueError) as caught:
        mlflow.pyfunc.load_model(str(saved)).predict(pd.DataFrame({"txt": [SECRET]}))
    assert SECRET not in str(caught.value)


def test_what_is_no_table_is_an_error_that_quotes_nothing(saved: Path) -> None:
    loaded = mlflow.pyfunc.load_model(str(saved))
    for wrong in ({"text": [SECRET], "channel": [1, 2]}, pd.DataFrame([[SECRET] * 2] * 3, columns=["text"] * 2)):
        with pytest.raises(Exception, match="Please check your input data") as caught:
            loaded.predict(wrong)
        assert SECRET not in str(caught.value)


def test_a_dict_of_columns_is_a_table(saved: Path, binary: Any) -> None:
    texts = binary.texts[:3]
    loaded = mlflow.pyfunc.load_model(str(saved))
    assert records_of(loaded.predict({"text": texts})) == expected_of(binary, texts)
    assert records_of(loaded.predict({"text": texts, "channel": "sms"})) == expected_of(binary, texts)
    assert records_of(loaded.predict({"text": texts[0]})) == expected_of(binary, texts[:1])


def test_fields_of_the_table_give_no_warning(saved: Path, binary: Any, caplog: pytest.LogCaptureFixture) -> None:
    loaded = mlflow.pyfunc.load_model(str(saved))
    with caplog.at_level("WARNING", logger="mlflow"):
        loaded.predict(pd.DataFrame({"text": binary.texts[:2], "message_id": ["a", "b"], "channel": "sms"}))
    assert not caplog.records


def test_a_damaged_folder_is_neither_saved_nor_loaded(binary: Any, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(binary.folder, tmp_path / "model")
    (tmp_path / "model" / "calibration.json").write_text("{}", "utf-8")
    with pytest.raises(ArtifactError, match="does not match the manifest"):
        save_model(tmp_path / "saved", folder=tmp_path / "model")
    assert not (tmp_path / "saved").exists()
    shutil.copytree(saved, tmp_path / "copy")
    (tmp_path / "copy" / "model" / "booster.txt").unlink()
    with pytest.raises(ArtifactError, match=r"booster.txt: cannot be read"):
        mlflow.pyfunc.load_model(str(tmp_path / "copy"))


def test_a_logged_model_is_found_by_every_address(binary: Any, store: Store) -> None:
    with mlflow.start_run(experiment_id=store.experiment_id) as run:
        info = log_model(binary.folder, registered_model_name="guard")
        unnamed = log_model(binary.folder, name="other")
    assert str(info.registered_model_version) == "1"
    mlflow.MlflowClient().set_registered_model_alias("guard", "challenger", "1")
    addresses = ["models:/guard@challenger", "models:/guard/1", info.model_uri, unnamed.model_uri]
    for address in [*addresses, f"runs:/{run.info.run_id}/model"]:
        scorer = Scorer.load(model_folder(address), digest=binary.model.digest)
        assert scorer.model.name == "binary"
    loaded = mlflow.pyfunc.load_model("models:/guard@challenger")
    assert records_of(loaded.predict(pd.DataFrame({"text": binary.texts[:9]}))) == expected_of(binary, binary.texts[:9])
    assert sorted(path.name for path in store.folder.iterdir()) == ["artifacts", "mlflow.db"]


def test_an_unknown_address_is_an_error(store: Store, tmp_path: Path) -> None:
    with refused(ArtifactError):
        model_folder("models:/nobody@champion")
    assert model_folder(tmp_path / "nothing") == tmp_path / "nothing"


def test_model_folders_and_mlflow_folders_are_distinguished(binary: Any, saved: Path) -> None:
    assert model_folder(binary.folder) == model_folder(str(binary.folder)) == binary.folder
    assert model_folder(saved) == saved / "model"
    assert model_folder(saved / "model") == saved / "model"


def call(url: str, body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture(scope="module")
def server(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of ``mlflow models serve``, a real process."""
    folder = tmp_path_factory.mktemp("server")
    command = "models", "serve", "-m", str(saved), "--env-manager", "local"
    with running_mlflow(folder, *command, ready="/ping") as address:
        yield f"{address}/invocations"


def strict(text: str) -> Any:
    """Parse JSON as a strict client does, which rejects NaN."""

    def reject(constant: str) -> float:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=reject)


def test_a_server_gives_the_scores_of_the_scorer(server: str, binary: Any) -> None:
    texts = [*binary.texts[:50], None, " ", "免费领奖 😀"]
    expected = expected_of(binary, texts)
    split = {"columns": ["text"], "data": [[text] for text in texts]}
    for body in ({"dataframe_records": [{"text": text} for text in texts]}, {"dataframe_split": split}):
        status, answer = call(server, json.dumps(body).encode())
        assert status == 200
        assert strict(answer)["predictions"] == expected
    status, answer = call(server, json.dumps({"inputs": {"text": texts[:5]}}).encode())
    assert strict(answer)["predictions"] == expected[:5]


@pytest.mark.parametrize("text", ["see you at six", None, 5])
def test_a_server_answers_any_input_in_json(server: str, text: Any) -> None:
    status, answer = call(server, json.dumps({"dataframe_records": [{"text": text}]}).encode())
    assert status == 200
    assert len(strict(answer)["predictions"]) == 1


def test_a_server_rejects_other_columns(server: str) -> None:
    status, answer = call(server, json.dumps({"dataframe_records": [{"txt": SECRET}]}).encode())
    assert status == 400
    why = "Expected a column 'text'; the columns are []. MLflow leaves out the columns that the model does not read."
    assert strict(answer)["message"] == why
    assert "Traceback" not in answer
    assert SECRET not in answer


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 8))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 8))
FLAVORS = f"flavors: {{{FLAVOR}: {{digest: "


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (BOMB + FLAVORS + "*a7}}", r"cannot be read \(ValueError\)"),
        (MERGES + FLAVORS + "*a7}}", r"cannot be read \(ValueError\)"),
        ("[" * 200_000, r"cannot be read \(ValueError\)"),
        ("x: " + "y" * (300 << 10), r"cannot be read \(ValueError\)"),
        ("x: [", r"cannot be read \(ParserError\)"),
        ("!!python/object/apply:os.getcwd []", r"cannot be read \(ConstructorError\)"),
        ("[1]", "has no SHA-256 as digest"),
        ("", "has no SHA-256 as digest"),
        (FLAVORS + "[a, b]}}", "has no SHA-256 as digest"),
        (FLAVORS + "'" + "A" * 64 + "'}}", "has no SHA-256 as digest"),
    ],
)
def test_an_mlmodel_that_is_forged_is_rejected(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "MLmodel").write_text(content, "utf-8")
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match=problem):
            logged_digest(tmp_path / "model")
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore")  # those of MLflow, and of labels that no record has
def test_mlflow_evaluates_a_registered_model(binary: Any, store: Store) -> None:
    with mlflow.start_run(experiment_id=store.experiment_id):
        log_model(binary.folder, registered_model_name="evaluated")
    labels = [score["label"] for score in expected_of(binary, binary.texts[:40])]
    wrong = next(name for name in binary.model.classes if name != labels[0])
    data = pd.DataFrame({"text": binary.texts[:40], "target": [wrong, *labels[1:]]})
    settings: dict[str, Any] = {"targets": "target", "model_type": "classifier", "model_config": {"column": "label"}}
    with mlflow.start_run(experiment_id=store.experiment_id):
        evaluate: Any = mlflow.models.evaluate
        result = evaluate("models:/evaluated/1", data, **settings)
        assert result.metrics["accuracy_score"] == pytest.approx(39 / 40)
        assert result.metrics["example_count"] == 40
        result = evaluate("models:/evaluated/1", data.assign(text=[" ", *data["text"][1:]]), **settings)
        assert result.metrics["accuracy_score"] == pytest.approx(39 / 40)  # without a score, it is wrong too


def test_one_column_is_returned_where_it_is_configured(saved: Path, binary: Any) -> None:
    frame, all_scores = pd.DataFrame({"text": [binary.texts[0], " "]}), mlflow.pyfunc.load_model(str(saved))
    expected = all_scores.predict(frame)
    one = mlflow.pyfunc.load_model(str(saved), model_config={"column": "label"}).predict(frame)
    assert one.tolist() == [expected["label"][0], "unscorable"]
    one = mlflow.pyfunc.load_model(str(saved), model_config={"column": "probability"}).predict(frame)
    assert one.tolist() == [expected["probability"][0], None]
    with refused(ValueError, "column"):
        mlflow.pyfunc.load_model(str(saved), model_config={"column": SECRET}).predict(frame)
