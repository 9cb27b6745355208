"""Traps of the first hour: a store that is down, words that no label has, outputs that exist, the training table."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pandas as pd
import pytest

import fraudsieve
from tests.cli.conftest import Run, error_of


@pytest.mark.slow
def test_a_dead_store_is_an_error_in_seconds_and_before_the_work(
    run: Run, messages: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages.to_parquet("m.parquet")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed.getsockname()[1]}")
        begin = time.monotonic()
        code, answer, error = run("train", "--messages", "m.parquet")
    assert (code, time.monotonic() - begin < 10) == (2, True)
    fix = "Start it, or give another with MLFLOW_TRACKING_URI. train works without it: --no-track."
    assert fix in answer["error"]
    assert not Path("fraudsieve-model").exists()
    assert error.count("\n") <= 2


@pytest.mark.slow
def test_training_without_a_store_and_over_an_older_model(
    run: Run, messages: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    messages.to_parquet("m.parquet")
    call = ("train", "--messages", "m.parquet", "--no-track")
    code, first, _ = run(*call)
    assert (code, first["run_id"], first["model_uri"]) == (0, None, None)
    assert "--overwrite" in error_of(run, *call)
    code, second, _ = run(*call, "--overwrite", "--seed", "1")
    assert code == 0
    assert second["digest"] != first["digest"]
    assert sorted(path.name for path in Path().glob("fraudsieve-model*")) == [
        "fraudsieve-model",
        "fraudsieve-model.split-model",
    ]
    assert fraudsieve.Scorer.load("fraudsieve-model").model.digest == second["digest"]


@pytest.mark.slow
def test_scores_have_the_format_of_their_ending(run: Run, model: Path, messages: pd.DataFrame) -> None:
    messages.head(20).to_csv("m.csv", index=False)
    assert run("predict", "--model", model, "--messages", "m.csv", "--output", "scores.csv")[0] == 0
    assert len(pd.read_csv("scores.csv")) == 20
    kept = ("--output", "scores.xlsx", "--keep", "text, label")
    assert "the scores do not have, got 'label'" in error_of(
        run, "predict", "--model", model, "--messages", "m.csv", *kept
    )
    assert run("predict", "--model", model, "--messages", "m.csv", *kept[:3], "text")[0] == 0
    assert pd.read_excel("scores.xlsx")["text"].tolist() == messages["text"].head(20).tolist()


FULL = """
import resource, signal
from fraudsieve.cli.app import app
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
app()
"""


@pytest.mark.slow
@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_disk_that_is_full_is_said_and_older_files_stay(
    tmp_path: Path, model: Path, messages: pd.DataFrame, command: str
) -> None:
    messages = pd.concat([messages] * 5, ignore_index=True)
    messages.assign(message_id=messages.index.astype(str)).to_parquet(tmp_path / "m.parquet")
    outputs = {"evaluate": "report.html", "predict": "scores.parquet"}
    (tmp_path / outputs[command]).write_text("older")
    option = {"evaluate": ["--messages", "m.parquet", "--report"], "predict": ["--messages", "m.parquet", "--output"]}
    call = [command, "--model", str(model), *option[command], outputs[command]]
    done = subprocess.run([sys.executable, "-c", FULL, *call], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "a file became larger than this process may write" in done.stderr) == (1, True)
    assert (tmp_path / outputs[command]).read_text() == "older"


@pytest.mark.slow
def test_evaluating_on_the_training_table_says_so(run: Run, model: Path, messages: pd.DataFrame) -> None:
    error = run("evaluate", "--model", model, "--messages", model.parent / "m.parquet")[2]
    assert "these are the messages that the model was trained on, so the metrics mean nothing" in error
    messages.iloc[::2].to_parquet("half.parquet")
    assert "mean nothing" not in run("evaluate", "--model", model, "--messages", "half.parquet")[2]


@pytest.mark.slow
def test_training_that_is_terminated_leaves_a_run_that_says_so(run: Run, messages: pd.DataFrame) -> None:
    messages.to_parquet("m.parquet")
    command = [sys.executable, "-m", "fraudsieve", "train", "--messages", "m.parquet"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as train:
        assert train.stderr is not None
        while "learning the text model" not in train.stderr.readline():
            assert train.poll() is None
        train.send_signal(signal.SIGTERM)
        train.communicate(timeout=60)
    assert train.returncode == 143
    uri = os.environ["MLFLOW_TRACKING_URI"]
    client = mlflow.MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("fraudsieve")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.status == "KILLED"
    assert found.inputs is not None
    assert [item.dataset.name for item in found.inputs.dataset_inputs] == ["messages"]


@pytest.mark.slow
def test_a_file_as_excel_writes_it_in_china(run: Run, messages: pd.DataFrame) -> None:
    names = {"message_id": "编号", "text": "短信内容", "label": "标签"}
    frame = messages.rename(columns=names)
    Path("messages.csv").write_bytes(frame.to_csv(index=False, sep=";").encode("gb18030", "replace"))
    assert "Then add --column message_id=编号 --column text=短信内容" in error_of(
        run, "train", "--messages", "messages.csv", "--no-track"
    )
    call = ["train", "--messages", "messages.csv", "--no-track", "--text-column", "短信内容"]
    code, answer, error = run(*call, "--column", "message_id=编号", "--column", "messages.label=标签")
    assert code == 0, answer
    assert "note: read as gb18030; if characters look wrong, name another with --encoding" in error
    assert "note: columns are separated by semicolons" in error
    # The model knows the names, so that the same files can be scored, evaluated and monitored as they are.
    frame.to_excel("messages.xlsx", index=False)
    code, answer, _ = run("predict", "--model", "fraudsieve-model", "--messages", "messages.xlsx")
    assert (code, answer["scored"]) == (0, len(messages))
    expected = fraudsieve.Scorer.load("fraudsieve-model").score_columns({"text": messages["text"].tolist()})
    assert (pd.read_parquet("scores.parquet")["probability"].to_numpy() == expected["probability"]).all()
    # Records to score have no labels. A name that is given adds to those that the model knows.
    frame.drop(columns="标签").rename(columns={"编号": "id"}).to_excel("new.xlsx", index=False)
    options = ("--column", "message_id=id", "--output", "new.parquet")
    code, answer, _ = run("predict", "--model", "fraudsieve-model", "--messages", "new.xlsx", *options)
    assert (code, answer.get("scored")) == (0, len(messages)), answer
    pd.testing.assert_frame_equal(pd.read_parquet("new.parquet"), pd.read_parquet("scores.parquet"))
    # Options that say how a file is written add to what the model knows, and do not replace it.
    code, answer, _ = run(
        "predict", "--model", "fraudsieve-model", "--messages", "messages.csv", "--encoding", "gb18030"
    )
    assert (code, answer.get("scored")) == (0, len(messages)), answer
    assert run("evaluate", "--model", "fraudsieve-model", "--messages", "messages.xlsx")[0] == 0
    assert run("evaluate", "--model", "fraudsieve-model", "--messages", "messages.csv", "--encoding", "latin-1")[0] == 2
