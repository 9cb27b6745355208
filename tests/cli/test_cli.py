"""The command line: what it prints, its exit codes, and bad input from end to end."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import fraudsieve
from fraudsieve.cli.app import app
from fraudsieve.models import Scorer
from fraudsieve.models.policy import Policy
from fraudsieve.training.attack.obfuscations import OBFUSCATIONS
from fraudsieve.training.simulation.world import simulate
from tests.shared import mlflow_uri, shared_folder

SECRET = "my secret words"
Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder of its own; give its exit code, its JSON and its error stream."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri(tmp_path))
    monkeypatch.delenv("FRAUDSIEVE_DEBUG", raising=False)

    def invoke(*arguments: str | Path) -> tuple[int, dict[str, Any], str]:
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        lines = result.stdout.strip().splitlines()
        assert len(lines) <= 1, "--json prints one object and nothing else"
        return result.exit_code, json.loads(lines[0]) if lines else {}, result.stderr

    return invoke


@pytest.fixture(scope="session")
def messages() -> pd.DataFrame:
    """Two classes that a model can tell apart, without times."""
    world = simulate(days=40, n_accounts=200)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    frame = world.messages[["message_id", "text"]].assign(label=world.messages["message_id"].map(labels))
    frame = frame[frame["label"].notna()].reset_index(drop=True)
    return frame.assign(label=frame["label"].where(frame["label"] == "legitimate", "spam").astype(object))


@pytest.fixture(scope="session")
def model(messages: pd.DataFrame) -> Path:
    def train(folder: Path) -> None:
        messages.to_parquet(folder / "m.parquet")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri(folder))
            result = CliRunner().invoke(app, ["train", "--messages", "m.parquet", "--json"])
        assert result.exit_code == 0, result.stderr

    return shared_folder("cli", train) / "fraudsieve-model"


def test_train_on_a_file_alone_does_the_sensible_thing(messages: pd.DataFrame, run: Run, tmp_path: Path) -> None:
    messages.to_csv("m.csv.gz", index=False)
    code, said, _ = run("train", "--messages", "m.csv.gz")
    assert code == 0
    assert said["report"]["split"]["kind"] == "campaign"
    assert said["model_uri"] == "models:/fraudsieve/1"
    assert said["aliases"] == ["challenger", "champion"]
    assert said["tuning"] is None
    assert (tmp_path / said["folder"] / "manifest.json").is_file()
    code, said, error = run("train", "--messages", "m.csv.gz")
    assert code == 2
    assert "exists already" in said["error"]
    assert said["error"] in error


def test_train_searches_settings_for_so_long(messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("recipe.toml").write_text("n_jobs = 1\n[tune]\ntrials = 2\n[tune.space.model]\nl2 = {low = 0.1, high = 10}\n")
    call = ("train", "--messages", "m.parquet", "--recipe", "recipe.toml", "--tune")
    assert "expected a length of time such as 90s, 20m or 2h" in run(*call, "soon")[1]["error"]
    assert run(*call, "soon")[0] == 2
    code, said, error = run(*call, "1h")
    assert code == 0, error
    tuning = said["tuning"]
    assert (tuning["metric"], tuning["trials"], tuning["folds"]) == ("average_precision", 2, 4)
    assert set(tuning["settings"]) == {"model.l2"}
    assert Path(tuning["storage"]).is_file()
    assert f"tuned: 2 trials in {tuning['seconds']:.0f} s, average precision inside the folds" in error


def test_evaluate_and_predict_agree_with_the_library(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_json("m.jsonl", orient="records", lines=True)
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.jsonl")
    assert code == 0
    assert said["report"]["rows"] == len(messages)
    code, said, _ = run("predict", "--model", model, "--input", "m.jsonl", "--output", "s.parquet")
    assert (code, said["scored"], said["rejected"]) == (0, len(messages), 0)
    scores = pd.read_parquet("s.parquet")
    expected = fraudsieve.Scorer.load(model).score_columns({"text": messages["text"].tolist()})
    assert (scores["probability"].to_numpy() == expected["probability"]).all()
    assert scores["message_id"].tolist() == messages["message_id"].tolist()


def test_evaluate_looks_at_records_since_a_moment(model: Path, messages: pd.DataFrame, run: Run) -> None:
    sent = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(range(len(messages)), unit="h")
    messages.assign(sent_at=sent).to_parquet("m.parquet")
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--since", "2026-03-02T05:00:00")
    assert (code, said["report"]["rows"], said["report"]["not_later_than_training"]) == (
        0,
        len(messages) - 29,
        None,
    )  # the model knows no times
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--since", "2050-01-01")
    assert code == 2
    assert said["error"].endswith("Give later ones, or an earlier --since.")


def test_evaluate_writes_a_report(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("recipe.toml").write_text("[evaluate]\nmissed_cost = 25\nreplicates = 20\n")
    call = ("evaluate", "--model", model, "--messages", "m.parquet", "--recipe", "recipe.toml")
    code, said, _ = run(*call, "--report", "r.html")
    assert (code, said["files"]) == (0, {"page": "r.html", "json": "r.json"})
    assert json.loads(Path("r.json").read_text("utf-8")) == said["report"]
    assert (said["report"]["costs"]["missed_cost"], said["report"]["bootstrap"]["over"]) == (25, "campaign")
    page = Path("r.html").read_text("utf-8")
    assert f'<div class="value">{said["report"]["average_precision"]:.3f}</div>' in page
    assert said["digest"] in page
    assert not any(text in page for text in messages["text"] if len(text) > 20)
    table = CliRunner().invoke(app, [*map(str, call), "--report", "r.html"]).stdout
    assert "r.html, and as JSON r.json" in table
    low, high = said["report"]["intervals"]["average_precision"]
    assert f"({low:.3f} to {high:.3f})" in table


def test_evaluate_says_what_points_do_here_and_how_many_records_wait(
    model: Path, messages: pd.DataFrame, run: Run
) -> None:
    sent = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(range(len(messages)), unit="h")
    labelled = sent + pd.to_timedelta(np.arange(len(messages)) % 9 + 0.5, unit="D")
    late = labelled > sent.max()
    known = messages.assign(sent_at=sent, labelled_at=labelled.where(~late), label=messages["label"].mask(late))
    known.to_parquet("m.parquet")
    call = ("evaluate", "--model", model, "--messages", "m.parquet")
    code, said, error = run(*call)
    assert code == 0
    points, labels = said["report"]["operating_points"], said["report"]["labels"]
    assert [one["name"] for one in points] == [point.name for point in Scorer.load(model).model.points]
    assert (labels["unlabelled"], labels["youngest"]["waiting"]) == (late.sum(), late.sum())
    assert labels["youngest"]["expected"] == pytest.approx(late.sum(), rel=0.1)
    assert f"note: {late.sum():,} of {labels['youngest']['records']:,} records of the last 8.5 days wait" in error
    later = run(*call, "--since", "2026-03-08T05:00:00")[1]["report"]["labels"]
    assert (later["records"], later["delays"]) == (len(messages) - 173, labels["delays"])
    table = CliRunner().invoke(app, [*map(str, call)]).stdout
    here, then = points[0]["here"], points[0]["calibration"]
    (line,) = [line for line in table.splitlines() if line.strip().startswith(points[0]["name"])]
    assert f"{here['recall']:.3f} ({then['recall']:.3f})" in line
    assert f"{here['alerts_a_day']:,.1f} (-)" in line
    assert "gap before the test: split by campaign, not by time" in table
    assert f"without a label: {late.sum():,} of {len(messages):,} records" in table


def test_a_report_that_cannot_be_written_is_refused_before_any_work(run: Run) -> None:
    code, said, _ = run("evaluate", "--model", "none", "--report", "r.pdf")
    assert (code, "expected a name that ends in .html" in said["error"]) == (2, True)


def test_evaluate_under_attack(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--attack")
    assert code == 0
    sheet = said["report"]["attack"]
    assert sheet["rows"] == int((messages["label"] == "spam").sum())
    assert sheet["recall"] == pytest.approx(said["report"]["recall_at_1pct_fpr"])
    assert set(sheet["obfuscations"]) == set(OBFUSCATIONS)
    light, strong = (sheet["obfuscations"]["symbols"][strength] for strength in ("light", "strong"))
    assert 0 <= strong["kept"] <= 1
    assert light["changed"] == strong["changed"] == 1.0
    assert run("evaluate", "--model", model, "--messages", "m.parquet")[1]["report"]["attack"] is None
    table = CliRunner().invoke(app, ["evaluate", "--model", str(model), "--messages", "m.parquet", "--attack"]).stdout
    assert "  light  medium  strong" in table
    assert f"{strong['kept']:.3f}" in next(line for line in table.splitlines() if "symbols" in line)
    assert f"{sheet['character']['medium']['mean']:.3f}" in table.splitlines()[-1]


def test_an_attack_needs_fraud(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages[messages["label"] == "legitimate"].to_parquet("m.parquet")
    code, said, _ = run("evaluate", "--model", model, "--messages", "m.parquet", "--attack")
    assert (code, "none that can be scored is fraudulent" in said["error"]) == (2, True)


def test_monitor_exits_with_3_when_a_bound_is_passed_and_says_which(
    model: Path, messages: pd.DataFrame, run: Run
) -> None:
    order = np.random.default_rng(0).permutation(len(messages))
    half = len(messages) // 2
    reference, current = messages.iloc[order[:half]], messages.iloc[order[half:]]
    reference.to_parquet("r.parquet")
    current.to_csv("c.csv", index=False)
    call = ("monitor", "--model", model, "--reference", "r.parquet", "--current", "c.csv")
    code, said, error = run(*call)
    assert (code, said["passed"]) == (0, [])
    assert said["sheet"]["calibration"]["rows"] == len(current)
    assert "of the reference are of the time that the model was trained on" not in error  # other rows of that table
    wave = [f"{SECRET} {i} http://prize{i % 7}.example/{i}" for i in range(len(current))]
    current.assign(text=np.where(np.arange(len(current)) % 3, current["text"], wave)).to_csv("c.csv", index=False)
    code, said, error = run(*call, "--report", "m.html")
    assert code == 3
    assert {"family_psi"} <= {one["bound"] for one in said["passed"]}
    assert (said["report"], said["passed"]) == ({"page": "m.html", "sheet": "m.json"}, said["sheet"]["passed"])
    assert json.loads(Path("m.json").read_text("utf-8")) == said["sheet"]
    page = Path("m.html").read_text("utf-8")
    assert said["passed"][0]["said"] in page
    assert SECRET not in page + error + json.dumps(said)
    shown = CliRunner().invoke(app, [*map(str, call)])
    assert shown.exit_code == 3
    assert said["passed"][0]["said"] in shown.stdout
    Path("recipe.toml").write_text("[monitor]\nfamily_psi = 50\nscore_psi = 50\nalerts_times = 500\nece = 1\n")
    assert "family_psi" not in {one["bound"] for one in run(*call, "--recipe", "recipe.toml")[1]["passed"]}
    assert "Exit code 3" in CliRunner().invoke(app, ["monitor", "--help"]).stdout


def test_monitor_on_too_few_rows(model: Path, messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("r.parquet")
    messages[:20].to_parquet("c.parquet")
    call = ("monitor", "--model", model, "--reference", "r.parquet", "--current", "c.parquet")
    code, said, _ = run(*call)
    assert (code, "c.parquet: expected 100 records that can be scored, got 20" in said["error"]) == (2, True)
    assert run(*call, "--report", "m.pdf")[0] == 2


def test_compare_promote_and_roll_back(messages: pd.DataFrame, run: Run) -> None:
    dated = messages.assign(sent_at=pd.date_range("2026-01-01", periods=len(messages), freq="h", tz="UTC"))
    known, later = dated.iloc[: len(dated) // 2], dated.iloc[len(dated) // 2 :]
    for name, part in {"few": known.iloc[::8], "known": known, "later": later}.items():
        part.to_parquet(f"{name}.parquet")
    Path("r.toml").write_text(
        'name = "sms"\nn_jobs = 1\n[data]\nmin_label_rows = 2\n[evaluate]\nattack = false\nreplicates = 50\n'
        "[gates]\ngain = 0.0\nrecall_loss = 1.0\ncalibration_loss = 1.0\ncalibration_error = 0.5\n"
        "observed_over_expected = 50.0\n"
    )
    common = ("--recipe", "r.toml")
    first = run("train", "--messages", "few.parquet", *common, "--output", "few")[1]
    second = run("train", "--messages", "known.parquet", *common, "--output", "known")[1]
    code, said, _ = run("compare", "--messages", "later.parquet", *common)
    assert (code, said["passes"]) == (0, True), said
    assert [said[role]["digest"] for role in ("champion", "challenger")] == [first["digest"], second["digest"]]
    folders = run("compare", "--champion", "few", "--challenger", "known", "--messages", "later.parquet", *common)[1]
    assert folders["figures"] == said["figures"]
    table = CliRunner().invoke(app, ["compare", "--messages", "later.parquet", *common])
    assert "models:/sms@champion against models:/sms@challenger" in table.stdout
    assert "the challenger" in table.stdout.splitlines()[-1]
    assert "would be promoted" in table.stdout.splitlines()[-1]
    pair = said["figures"]["average_precision"]
    shown = next(line for line in table.stdout.splitlines() if "average precision" in line)
    assert all(f"{number:.3f}" in shown for number in (pair["champion"], pair["challenger"], *pair["interval"]))
    code, refused, _ = run("promote", "--messages", "later.parquet", *common, "--name", "other")
    assert (code, "models:/other: is not in the store" in refused["error"]) == (2, True)
    shown = CliRunner().invoke(app, ["promote", "--messages", "later.parquet", *common]).stdout
    assert "models:/sms/2 is promoted" in shown
    assert shown.splitlines()[-1].split()[-1] == "models:/sms/2"
    code, again, _ = run("promote", "--messages", "later.parquet", *common)
    assert (code, "models:/sms/2 is the champion already" in again["error"]) == (2, True)
    code, one, _ = run("compare", "--messages", "later.parquet", *common)
    assert (code, "are one model" in one["error"]) == (2, True)
    code, back, _ = run("rollback", "--name", "sms")
    assert (code, back["decision"], back["champion"]) == (0, "rolled back", "1")
    Path("strict.toml").write_text(Path("r.toml").read_text() + "latency_ms = 0.000001\n")
    code, kept, _ = run("promote", "--messages", "later.parquet", "--recipe", "strict.toml")
    assert (code, kept["decision"], kept["promoted"], kept["champion"]) == (0, "refused", False, "1")
    assert any("One record takes" in reason for reason in kept["reasons"])


def test_verify_says_what_was_checked_and_refuses_what_is_damaged(model: Path, run: Run, tmp_path: Path) -> None:
    code, said, error = run("verify", model)
    assert (code, said["pinned"]) == (0, False)
    assert "the digest is not pinned" in error
    code, again, error = run("verify", model, "--digest", said["digest"])
    assert (code, again["pinned"], again["notes"], error) == (0, True, [], "")
    assert {"digest", "versions", "files", "booster", "arrays"} <= set(again["checks"])
    shown = CliRunner().invoke(app, ["verify", str(model)]).stdout
    assert "checked booster" in shown
    code, refused, _ = run("verify", model, "--digest", "0" * 64)
    assert (code, "expected digest 000" in refused["error"]) == (2, True)
    shutil.copytree(model, tmp_path / "copy")
    (tmp_path / "copy" / "booster.txt").write_text("tree", "utf-8")
    code, refused, _ = run("verify", tmp_path / "copy")
    assert (code, "booster.txt: its content is not what the manifest says" in refused["error"]) == (2, True)
    assert run("verify", tmp_path / "nothing")[0] == 2


def test_verify_of_a_folder_needs_no_mlflow(model: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "fraudsieve.models.flavor", raising=False)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert run("verify", model)[0] == 0
    code, refused, _ = run("verify", "models:/nobody@champion")
    assert (code, "mlflow is not installed" in refused["error"]) == (2, True)


def test_the_policy_of_a_recipe_is_that_of_the_model(messages: pd.DataFrame, run: Run) -> None:
    messages.to_parquet("m.parquet")
    Path("r.toml").write_text('n_jobs = 1\n[scoring]\nunknown = "error"\n[evaluate]\nattack = false\nreplicates = 0\n')
    assert run("train", "--messages", "m.parquet", "--recipe", "r.toml", "--output", "strict")[0] == 0
    assert Scorer.load("strict").policy == Policy(unknown="error")
    Path("r.toml").write_text('[scoring]\nunknown = "guess"\n')
    code, said, _ = run("train", "--messages", "m.parquet", "--recipe", "r.toml")
    assert (code, "scoring.unknown" in said["error"]) == (2, True)


def test_simulate_writes_four_tables(run: Run, tmp_path: Path) -> None:
    code, said, _ = run("simulate", "--output", "world", "--days", "20", "--accounts", "150")
    assert code == 0
    assert {name: len(pd.read_parquet(table["path"])) for name, table in said.items()} == {
        name: table["rows"] for name, table in said.items()
    }
    assert set(said) == {"messages", "accounts", "events", "labels"}


@pytest.mark.slow
def test_quickstart_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fraudsieve", "quickstart"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "prove the plumbing and nothing else" in done.stdout
    assert "mlflow ui --backend-store-uri sqlite:///mlflow.db" in done.stdout
    folder = tmp_path / "fraudsieve-quickstart"
    assert len(pd.read_parquet(folder / "scores.parquet")) > 100
    assert fraudsieve.Scorer.load(folder / "model").score({"text": "hello"})["status"] == "ok"
    again = subprocess.run([sys.executable, "-m", "fraudsieve", "quickstart"], cwd=tmp_path, capture_output=True)
    assert again.returncode == 2


def test_help_and_version() -> None:
    runner = CliRunner()
    commands = (
        "quickstart",
        "simulate",
        "train",
        "evaluate",
        "predict",
        "monitor",
        "compare",
        "promote",
        "rollback",
        "serve",
        "verify",
    )
    shown = runner.invoke(app, ["--help"]).stdout
    assert all(command in shown for command in commands)
    assert all("--json" in runner.invoke(app, [command, "--help"]).stdout for command in commands)
    assert runner.invoke(app, ["--version"]).stdout.strip() == fraudsieve.__version__
    assert runner.invoke(app, ["train", "--nonsense"]).exit_code == 2


def test_work_that_fails_for_a_reason_of_its_own_exits_with_1_and_leaks_nothing(
    messages: pd.DataFrame, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    messages.to_parquet("m.parquet")
    monkeypatch.setattr("fraudsieve.training.data.builders.near_duplicate_groups", fail)
    code, said, error = run("train", "--messages", "m.parquet")
    assert code == 1
    assert "RuntimeError in test_cli.py" in said["error"]
    assert SECRET not in error


# Accounts and events: what they train and score is in tests/training; here, that the options lead there.


def test_accounts_from_training_to_scores(run: Run) -> None:
    world = simulate(days=40, n_accounts=200)
    is_account = world.labels["subject_id"].isin(world.accounts["account_id"])
    for name, table in {"a": world.accounts, "e": world.events, "l": world.labels[is_account]}.items():
        table.to_parquet(f"{name}.parquet")
    Path("recipe.toml").write_text(
        '[split]\nkind = "account"\n[model]\nn_rounds = 20\n[data]\nmin_label_rows = 2\n'
        '[[history.views]]\nwindows = ["7d"]\nmeasures = ["count", "sum"]\nkinds = ["payment"]\n'
    )
    tables = ("--events", "e.parquet", "--labels", "l.parquet")
    code, trained, _ = run("train", "--accounts", "a.parquet", *tables, "--recipe", "recipe.toml", "--output", "m")
    assert code == 0, trained
    assert trained["report"]["split"]["keeps_apart"] == ["accounts"]
    code, sheet, _ = run("evaluate", "--model", "m", "--accounts", "a.parquet", *tables)
    assert (code, sheet["report"]["rows"]) == (0, int(is_account.sum()))
    code, said, _ = run("evaluate", "--model", "m", "--attack")  # refused before anything is read
    assert code == 2
    assert (
        said["error"] == "attack: only messages can be obfuscated, and this is a model of accounts. Leave --attack out"
    )
    code, scored, error = run("predict", "--model", "m", "--input", "a.parquet", "--events", "e.parquet")
    assert (code, scored["scored"]) == (0, 200)
    assert "accounts without as_of are looked at as of the end of the events" in error
    assert "the model looks at labels, and none were given" in error
    assert set(pd.read_parquet("scores.parquet")["status"]) <= {"ok", "no_history"}
    columns = json.loads(Path("m/manifest.json").read_text())["columns"]
    assert [column["name"] for column in columns[:3]] == [
        "volume__count_7d",
        "volume__count_7d_payment",
        "value__sum_7d",
    ]


def test_a_call_without_the_table_of_its_subject(run: Run) -> None:
    code, said, _ = run("train", "--labels", "l.parquet")
    assert (code, said["error"]) == (2, "recipe: a table of messages is missing. Give data.messages (--messages)")
    pd.DataFrame({"account_id": ["a"], "occurred_at": ["2026-01-01"], "kind": "pay"}).to_parquet("e.parquet")
    code, said, _ = run("train", "--events", "e.parquet")
    assert code == 2
    assert "column 'label' is missing from events" in said["error"]


# Bad input, from the file to the exit code. What each table check says is in tests/features.


def write(path: str, content: str | bytes) -> None:
    Path(path).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("m.csv", "", "the file is empty"),
        ("m.csv", "message_id,text,label\n", "row"),
        ("m.csv", f"message_id,Text,label\n1,{SECRET},spam\n", "column 'text'"),
        ("m.csv", f"id,text,label\n1,{SECRET},spam\n", "column 'message_id'"),
        ("m.csv", f"message_id,text\n1,{SECRET}\n", "column 'label'"),
        ("m.parquet", f"message_id,text,label\n1,{SECRET},spam\n", "Parquet was expected"),
        ("m.csv", b"PAR1" + b"\0" * 100, "CSV was expected, Parquet came"),
        ("m.jsonl", '[{"message_id": 1}]', "one JSON array came"),
        ("m.xlsx", "x", "the format is unknown"),
        ("m.csv.gz", gzip.compress(b"message_id,text,label\n1,x,spam\n", mtime=0)[:-9], "cannot be read"),
        ("m.csv", f"message_id,text,label\n1,{SECRET},spam\n2,{SECRET},spam\n", "0 classes"),
    ],
)
def test_a_file_that_cannot_be_used(run: Run, name: str, content: str | bytes, expected: str) -> None:
    write(name, content)
    code, said, error = run("train", "--messages", name)
    assert code == 2
    assert name in said["error"]
    assert expected in said["error"]
    assert SECRET not in error
    assert not Path("fraudsieve-model").exists()


def test_no_such_file_and_no_such_model(model: Path, run: Run) -> None:
    assert run("train", "--messages", "none.csv")[0] == 2
    code, said, _ = run("predict", "--model", "none", "--input", "none.csv")
    assert code == 2
    assert "Point to a whole model folder" in said["error"]


ODD_TEXTS = {
    "lone surrogate": '"\\ud800 win a prize now"',
    "NUL": '"win\\u0000 a prize now"',
    "right-to-left mark": '"\\u202ewin a prize now\\u200f"',
    "very long": json.dumps("win a prize now " * 5000),
}
BAD_ROWS = {
    "no text": ('{"message_id": "x", "text": null}', "text"),
    "blank text": ('{"message_id": "x", "text": " \\u200b "}', "text"),
    "text of 1 MB": (json.dumps({"message_id": "x", "text": "a" * 2**20}), "text"),
    "text of another type": ('{"message_id": "x", "text": ["a"]}', "text"),
    "no id": ('{"text": "hello"}', "message_id"),
    "duplicate id": ('{"message_id": "0", "text": "hello"}', "message_id"),
    "a time that is no time": ('{"message_id": "x", "text": "hello", "sent_at": "soon"}', "sent_at"),
    "no JSON": ('{"message_id": "x", "text"', ""),
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_texts_are_scored(model: Path, run: Run, text: str) -> None:
    write("m.jsonl", '{"message_id": "0", "text": "hello"}\n{"message_id": "1", "text": ' + text + "}\n")
    code, said, _ = run("predict", "--model", model, "--input", "m.jsonl")
    assert (code, said["scored"], said["rejected"]) == (0, 2, 0)
    assert pd.read_parquet("scores.parquet")["probability"].between(0, 1).all()


@pytest.mark.parametrize(("row", "column"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_bad_rows_are_set_aside_with_a_reason(model: Path, run: Run, row: str, column: str) -> None:
    good = "\n".join(f'{{"message_id": "{i}", "text": "hello", "sent_at": "2026-01-01"}}' for i in range(3))
    write("m.jsonl", f"{good}\n{row}\n")
    code, said, _ = run("predict", "--model", model, "--input", "m.jsonl")
    assert (code, said["scored"], said["rejected"]) == (0, 3, 1)
    rejected = pd.read_parquet(said["rejected_output"])
    assert rejected["row"].tolist() == [3]
    assert rejected["column"].fillna("").tolist() == [column]
    assert rejected["reason"].str.len().ge(5).all()


def test_a_label_seen_once_is_set_aside_and_told(messages: pd.DataFrame, run: Run) -> None:
    odd = messages.copy()
    odd.loc[0, "label"] = "once"
    odd.to_parquet("m.parquet")
    code, said, error = run("train", "--messages", "m.parquet")
    assert code == 0
    assert said["rejected"] == 1
    assert "1 messages have a label of fewer than 10 rows" in error
    aside = pd.read_parquet("fraudsieve-model.rejected-messages.parquet")
    assert aside[["row", "column"]].to_numpy().tolist() == [[0, "label"]]
    assert "fraudsieve-model.rejected-messages.parquet" in error


def test_integer_ids_and_times_of_several_zones(messages: pd.DataFrame, run: Run) -> None:
    zones = ["+08:00", "Z", "-05:30", ""]
    days = [f"2026-{1 + i % 6:02}-{1 + i % 28:02}T10:00:00{zones[i % 4]}" for i in range(len(messages))]
    messages.assign(message_id=range(len(messages)), sent_at=days).to_csv("m.csv", index=False)
    code, said, error = run("train", "--messages", "m.csv")
    assert code == 0
    assert said["report"]["split"]["kind"] == "time"
    assert said["rejected"] == 0
    assert "UTC" in error
