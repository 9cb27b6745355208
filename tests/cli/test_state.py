"""``fraudsieve state``: load, describe, export, erase, rewind."""

import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.live.export import json_lines
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.snapshots import list_snapshots
from fraudsieve.models import Scorer
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.recipe.recipe import Recipe
from tests.live.contents import content
from tests.live.samples import RECEIVED, event
from tests.live.small_models import account_model, event_model, message_model

RUN = CliRunner()
EVENTS = [event(event_id=str(number), account_id=f"a{number % 3}", counterparty_id="bob") for number in range(9)]
LABELS = [{"subject_id": "1", "label": True, "labelled_at": "2024-05-01T11:00:00Z", "source": "bank"}]


def run(*arguments: Any, stdin: str = "", code: int = 0) -> dict[str, Any]:
    result = RUN.invoke(app, ["state", *map(str, arguments), "--json"], input=stdin)
    assert result.exit_code == code, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that was loaded from a table, with its rows in another order, and from standard input."""
    table, path = tmp_path / "events.csv", tmp_path / "live.db"
    pd.DataFrame(EVENTS[::-1]).to_csv(table, index=False)
    loaded = run("load", path, "--events", table, "--model", event_model())
    assert loaded == {"accepted": 9, "rejected": 0, "reasons": {}, "unknown": 0}
    lines = "\n".join(json.dumps(label) for label in LABELS) + '\n[1]\n{"account_id"\n{}\n'
    loaded = run("load", path, "--labels", "-", "--model", event_model(), "--max-rejected", 1, stdin=lines)
    assert (loaded["accepted"], loaded["rejected"]) == (1, 3)
    assert loaded["reasons"]["expected a JSON object per line, got something else"] == 2
    return path


@pytest.mark.slow
def test_every_rejected_row_has_a_reason_also_if_columns_share_it(tmp_path: Path) -> None:
    rows = [{"account_id": "a", "counterparty_id": "b"}] * 4 + [{"account_id": "a", "counterparty_id": "1e+30"}]
    rows += [{"account_id": "1e+30", "counterparty_id": "b"}]
    frame = pd.DataFrame(rows).assign(occurred_at="2024-05-01T10:00:00Z", kind="transfer", amount=1, device_id="d")
    frame.to_csv(tmp_path / "events.csv", index=False)
    call = ("load", tmp_path / "live.db", "--events", tmp_path / "events.csv", "--max-rejected", 1)
    loaded = run(*call, "--model", account_model())
    assert (loaded["accepted"], loaded["rejected"]) == (4, 2)
    assert list(loaded["reasons"].values()) == [2]


@pytest.mark.slow
def test_a_store_is_loaded_with_the_lateness_of_its_service(tmp_path: Path) -> None:
    table, path, scorer = tmp_path / "events.csv", tmp_path / "live.db", Scorer.load(event_model())
    pd.DataFrame(EVENTS).to_csv(table, index=False)
    run("load", path, "--events", table, "--model", event_model(), "--lateness", "2d")
    with LiveState(scorer, path, lateness="2d") as live:
        live.update(event(event_id="later"))
    with open_store(path) as store, store.reading() as transaction:
        # A snapshot of another state would keep old rows in the store.
        assert len({one.declaration for one in list_snapshots(transaction)}) == 1


@pytest.mark.slow
def test_a_loaded_store_is_described_and_loading_again_adds_nothing(store: Path, tmp_path: Path) -> None:
    again = run("load", store, "--events", tmp_path / "events.csv", "--model", event_model())
    assert again["accepted"] == 9
    described = run("info", store)
    assert (described["rows"], described["offset"], described["snapshots"]) == (11, 11, [11])
    assert (described["oldest"], described["newest"]) == ("2024-05-01T10:00:00Z", "2024-05-01T11:00:00Z")
    assert described["fields"] == ["account_id", "amount", "counterparty_id", "device_id"]
    result = RUN.invoke(app, ["state", "info", str(store)])
    assert "offset" in result.stdout


@pytest.mark.slow
def test_events_and_labels_are_exported(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    assert run("export", store, "--output", folder) == {
        "events": 9, "labels": 1, "messages_without_text": 0, "complete_since": None, "not_kept": []
    }  # fmt: skip
    events = pd.read_parquet(folder / "events.parquet").sort_values("event_id")
    assert events["event_id"].tolist() == [sent["event_id"] for sent in EVENTS]
    assert events["account_id"].tolist() == [sent["account_id"] for sent in EVENTS]
    assert str(events["occurred_at"].iloc[0]) == "2024-05-01 10:00:00+00:00"
    (label,) = pd.read_parquet(folder / "labels.parquet").astype(str).to_dict("records")
    assert label == LABELS[0] | {"label": "True", "labelled_at": "2024-05-01 11:00:00+00:00"}
    assert oct((folder / "events.parquet").stat().st_mode & 0o777) == "0o600"
    other = tmp_path / "other.db"  # what was exported can be loaded
    later = ("--since", "2024-05-01T10:00:01", "--until", "2024-06-01", "--model", event_model())
    assert run("export", store, "--output", tmp_path / "none", *later)["events"] == 0
    tables = ("--labels", folder / "labels.parquet", "--events", folder / "events.parquet")
    assert run("load", other, *tables, "--model", event_model())["accepted"] == 10


@pytest.mark.slow
def test_what_was_exported_can_be_trained_on(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    run("export", store, "--output", folder)
    tables = {"events": folder / "events.parquet", "labels": folder / "labels.parquet"}
    recipe = Recipe.read(None, {"data.subject": "event"})
    data = read_data(recipe, {name: str(path) for name, path in tables.items()}, min_label_rows=1)
    assert data.rows[["event_id", "label"]].to_numpy().tolist() == [["1", "fraud"]]
    assert data.all_labels is not None
    assert len(data.all_labels) == 1


def test_an_account_is_erased_and_a_store_rewound(store: Path) -> None:
    assert run("erase", store, "--account-id", "-", stdin="a0\n") == {"erased": 3}
    assert run("rewind", store, "--until", "2024-05-01T10:30:00Z") == {"removed": 2}
    described = run("info", store)
    assert described["rows"] == 6
    assert [one["kind"] for one in described["removals"]] == ["erase", "rewind"]


@pytest.mark.slow
def test_a_table_of_labelled_messages_is_loaded_as_messages_and_labels(tmp_path: Path) -> None:
    table, path = tmp_path / "messages.jsonl", tmp_path / "live.db"
    sent = {"account_id": "ann", "sent_at": "2024-05-01T10:00:00Z", "text": "Your parcel is held, pay now"}
    rows = [
        sent | {"message_id": "m1", "label": "fraud", "labelled_at": "2024-05-01T12:00:00Z"},
        sent | {"message_id": "m2", "sent_at": "2024-05-01T11:00:00Z"},
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("load", path, "--messages", table, "--model", message_model())["accepted"] == 3
    assert run("info", path)["newest"] == "2024-05-01T12:00:00Z"
    assert run("export", path, "--output", tmp_path / "tables") == {
        "events": 0, "labels": 1, "messages_without_text": 2, "complete_since": None, "not_kept": []
    }  # fmt: skip


@pytest.mark.parametrize("spelled", [["False", "True"], ["false", "TRUE"], ["0", "1"], ["0.0", "1.0"]])
def test_labels_are_loaded_from_csv(tmp_path: Path, spelled: list[str]) -> None:
    table, path = tmp_path / "labels.csv", tmp_path / "live.db"
    times = ["2024-05-01T11:00:00Z", "2024-05-01T12:00:00Z"]
    shares = {"confidence": [0.5, None], "inclusion_probability": [None, 0.25]}
    frame = pd.DataFrame({"subject_id": ["1", "2"], "labelled_at": times, "label": spelled, **shares})
    frame.to_csv(table, index=False)
    loaded = run("load", path, "--labels", table, "--model", event_model())
    assert (loaded["accepted"], loaded["unknown"]) == (2, 2)
    run("load", path, "--events", "-", "--model", event_model(), stdin="\n".join(map(json.dumps, EVENTS)))
    run("export", path, "--output", tmp_path / "tables")
    labels = pd.read_parquet(tmp_path / "tables" / "labels.parquet")
    assert labels["subject_id"].tolist() == ["1", "2"]
    pd.testing.assert_frame_equal(labels[[*shares]], pd.DataFrame(shares))
    with LiveState(Scorer.load(event_model()), path) as live:
        as_of = {"account_id": "bob", "as_of": "2024-05-01T13:00:00Z"}
        assert live.state.features(as_of, [RECEIVED])[0].tolist() == [9, 2, 1]


def test_ids_and_times_of_labels_are_read_as_in_other_tables(tmp_path: Path) -> None:
    table, path = tmp_path / "labels.csv", tmp_path / "live.db"
    columns = {"subject_id": [1.0, 7.0], "labelled_at": ["20240501", "2024/5/1 11:00"]}
    pd.DataFrame(columns | {"label": "fraud"}).to_csv(table, index=False)
    assert run("load", path, "--labels", table, "--model", event_model())["accepted"] == 2
    run("export", path, "--output", tmp_path / "tables")
    labels = pd.read_parquet(tmp_path / "tables" / "labels.parquet")
    assert labels["subject_id"].tolist() == ["1", "7"]
    assert labels["labelled_at"].dt.strftime("%d %H").tolist() == ["01 00", "01 11"]


@pytest.mark.slow
def test_labels_and_events_are_merged_by_time_whatever_their_order(tmp_path: Path) -> None:
    """Months of events and late labels are loaded in one call; by type, one of the two would come too late."""
    path, days = tmp_path / "live.db", pd.date_range("2024-01-01", periods=120, tz="UTC") + pd.Timedelta(hours=7)
    events = pd.DataFrame({"event_id": range(120), "account_id": "ann", "counterparty_id": "bob", "occurred_at": days})
    labels = pd.DataFrame({"subject_id": range(120), "label": 1, "labelled_at": days + pd.Timedelta(days=30)})
    events.assign(label=None, labelled_at=None).to_parquet(tmp_path / "events.parquet")
    labels[::-1].to_csv(tmp_path / "labels.csv", index=False)
    tables = ("--labels", tmp_path / "labels.csv", "--events", tmp_path / "events.parquet")
    loaded = run("load", path, *tables, "--model", event_model(), "--max-rejected", 0)
    assert loaded == {"accepted": 240, "rejected": 0, "reasons": {}, "unknown": 0}
    own = events.assign(label=labels["label"], labelled_at=labels["labelled_at"])  # the same in one table
    own.to_parquet(tmp_path / "own.parquet")
    other = tmp_path / "other.db"
    assert run("load", other, "--events", tmp_path / "own.parquet", "--model", event_model()) == loaded
    scorer = Scorer.load(event_model())
    with LiveState(scorer, path) as one, LiveState(scorer, other) as two:
        assert content(one.state) == content(two.state)


@pytest.mark.slow
def test_other_verdicts_are_rejected_and_no_accepted_record_is_an_error(tmp_path: Path) -> None:
    table, path = tmp_path / "labels.csv", tmp_path / "live.db"
    frame = pd.DataFrame({"subject_id": ["1", "2", "3"], "labelled_at": "2024-05-01T11:00:00Z", "label": "fraud"})
    wrong = frame.assign(confidence="secret")
    wrong.to_csv(table, index=False)
    arguments = ("load", path, "--labels", table, "--model", event_model())
    error = run(*arguments, code=2)["error"]
    assert "none of 3 rows is accepted: confidence: expected a number, got other text (3)" in error
    assert "secret" not in error
    frame.assign(labelled_at=["", *frame["labelled_at"][1:]]).to_csv(table, index=False)
    assert run(*arguments)["rejected"] == 1
    frame.assign(labelled_at=["", "", frame["labelled_at"][2]]).to_csv(table, index=False)
    assert "2 of 3 rows are rejected, more than a share of 0.2: labelled_at" in run(*arguments, code=2)["error"]
    assert run(*arguments, "--max-rejected", 0.7)["rejected"] == 2
    frame.assign(labelled_at=["2099-05-01", *frame["labelled_at"][1:]]).to_csv(table, index=False)
    assert run("load", tmp_path / "new.db", *arguments[2:], "--max-rejected", 0, code=2)["error"].count(
        "(1); stored were 2 labels"  # found when they were loaded
    )
    assert run("load", path, "--events", "-", "--model", account_model(), stdin="[1]\n", code=2)["error"].startswith(
        "standard input"
    )
    assert run("load", path, "--events", "-", "--model", account_model(), stdin="") == {
        "accepted": 0,
        "rejected": 0,
        "reasons": {},
        "unknown": 0,
    }


def test_columns_that_the_model_uses_and_a_table_lacks_are_named(tmp_path: Path) -> None:
    table = tmp_path / "events.csv"
    pd.DataFrame(EVENTS).drop(columns="amount").assign(device_id="").to_csv(table, index=False)
    call = ["state", "load", str(tmp_path / "live.db"), "--events", str(table), "--model", str(event_model())]
    result = RUN.invoke(app, call)
    assert result.exit_code == 0
    note = "events.csv: no column amount, which the model uses: stored as missing"
    assert note in " ".join(result.stderr.split())


def test_messages_of_two_files_without_ids_are_all_loaded(tmp_path: Path) -> None:
    table, path = tmp_path / "messages.csv", tmp_path / "live.db"
    for day in (1, 2):
        sent = {"account_id": "ann", "sent_at": f"2024-05-0{day}T10:00:00Z", "text": "Your parcel is held, pay now"}
        pd.DataFrame([sent]).to_csv(table, index=False)
        run("load", path, "--messages", table, "--model", message_model())
    assert run("info", path)["rows"] == 2


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_text("no store" * 1000)
    assert "the database is damaged" in run("info", tmp_path / "other.db", code=2)["error"]


def test_lines_are_read_as_they_arrive() -> None:
    parts = [b'{"a":1}\n{"a":', b"2}\n", b"\n", b'{"a":3}']

    class Slow(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            part = parts.pop(0) if parts else b""
            buffer[: len(part)] = part
            return len(part)

    assert list(json_lines(io.BufferedReader(Slow()))) == [[{"a": 1}], [{"a": 2}], [{"a": 3}]]
