"""The shadow compares what it is given, drops what it cannot keep up with, and never raises."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.exceptions import ArtifactError, ServiceError
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.rules import Rule, RuleSet
from fraudsieve.service import shadow as challenger
from fraudsieve.service.app import create_app
from fraudsieve.service.loaded_model import LoadedModel, why_incompatible
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings
from fraudsieve.service.shadow import SampleFile, Shadow
from tests.live.small_models import account_model, message_pair_model
from tests.messages import refused
from tests.service.handling import handler_of, reply_of
from tests.service.processes.conftest import wait_until

SECRET = "my secret words"


def other(scorer: Scorer, shift: float = 2.0) -> LoadedModel:
    """Return a challenger with higher probabilities of fraud, by that many log-odds."""
    calibration = replace(scorer.model.calibration, shift=-shift)  # log-odds are those of the second class
    return LoadedModel(Scorer(replace(scorer.model, calibration=calibration, digest="other")), "2")


def metric(metrics: Metrics, name: str) -> float:
    lines = metrics.render().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def scored(metrics: Metrics) -> float:
    return metric(metrics, "fraudsieve_shadow_decisions_total")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Shadow]]:
    monkeypatch.setattr(challenger, "REST", 0.0)
    monkeypatch.setattr(challenger, "GATHER_SECONDS", 0.0)
    started: list[Shadow] = []

    def make(loaded: LoadedModel, **options: Any) -> Shadow:
        started.append(Shadow(loaded, Metrics(), lambda _: None, **options))
        return started[-1]

    yield make
    for shadow in started:
        shadow.close()
        assert not shadow._thread.is_alive()


def test_decisions_and_differences_are_counted_and_sampled(
    scorer: Scorer, binary: Any, start: Callable[..., Shadow], tmp_path: Path
) -> None:
    loaded = other(scorer)
    shadow = start(loaded, file=SampleFile(tmp_path / "shadow.jsonl", 1 << 20))
    records = [{"text": text, "message_id": f"id-{n}"} for n, text in enumerate(binary.texts[:300])]
    records.append({"text": None, "message_id": SECRET})
    scores: list[Any] = scorer.score(records)
    expected: list[Any] = loaded.scorer.score(records)
    shadow.submit(records, scores, 10)
    wait_until(lambda: scored(shadow.metrics) == len(records))
    pairs = [(one["decision"], two["decision"]) for one, two in zip(scores, expected, strict=True)]
    for pair in {*pairs}:
        name = f'fraudsieve_shadow_decisions_total{{model="{pair[0] or "none"}",shadow="{pair[1] or "none"}"}}'
        assert metric(shadow.metrics, name) == pairs.count(pair)
    assert len({*pairs}) >= 3
    assert metric(shadow.metrics, "fraudsieve_shadow_difference_count") == 300
    raised = [two["probability"] - one["probability"] for one, two in zip(scores[:-1], expected[:-1], strict=True)]
    name = 'fraudsieve_shadow_difference_bucket{le="0.05"}'
    assert 0 < metric(shadow.metrics, name) == sum(difference <= 0.05 for difference in raised) < 300
    shadow.close()
    text = (tmp_path / "shadow.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    different = [line for line in lines if line["weight"] == 1]
    assert len(different) == sum(one != two for one, two in pairs) > 0
    assert all(line["model"]["decision"] != line["shadow"]["decision"] for line in different)
    assert {line["shadow"]["digest"] for line in lines} == {"other"}
    assert {line["weight"] for line in lines} <= {1, 100}
    assert "id-" not in text
    assert not any(record["text"] and record["text"] in text for record in records)


def test_ids_are_kept_on_request(scorer: Scorer, start: Callable[..., Shadow], tmp_path: Path, binary: Any) -> None:
    shadow = start(other(scorer, 50.0), file=SampleFile(tmp_path / "shadow.jsonl", 1 << 20), ids=True)
    records = [{"text": text, "message_id": f"id-{n}"} for n, text in enumerate(binary.texts[:50])]
    scores = scorer.score(records)
    shadow.submit(records, scores, 10)
    wait_until(lambda: scored(shadow.metrics) == 50)
    shadow.close()
    lines = [json.loads(line) for line in (tmp_path / "shadow.jsonl").read_text().splitlines()]
    passed = {f"id-{n}" for n, score in enumerate(scores) if score["decision"] == "pass"}
    assert {line["message_id"] for line in lines if line["weight"] == 1} == passed != set()


def test_what_waits_is_bounded_and_the_rest_is_dropped_and_counted(
    scorer: Scorer, start: Callable[..., Shadow], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, gate, began = other(scorer), threading.Event(), threading.Event()
    score = loaded.scorer.score

    def wait(records: Any) -> Any:
        began.set()
        gate.wait(60)
        return score(records)

    monkeypatch.setattr(loaded.scorer, "score", wait)
    shadow = start(loaded)
    one = [{"text": "x"}]
    scores = scorer.score(one)
    shadow.submit(one, scores, 10)
    assert began.wait(60)
    shadow.submit(one * 4096, scores * 4096, 10)
    shadow.submit(one, scores, 10)
    assert metric(shadow.metrics, "fraudsieve_shadow_dropped_total") == 1
    gate.set()
    wait_until(lambda: scored(shadow.metrics) == 4097)
    shadow.submit(one, scores, 9 << 20)
    assert metric(shadow.metrics, "fraudsieve_shadow_dropped_total") == 2
    shadow.submit(one, scores, 8 << 20)  # all that waited is done, so there is room for it
    wait_until(lambda: scored(shadow.metrics) == 4098)


def test_a_record_that_fails_is_counted_and_the_others_are_compared(
    scorer: Scorer, start: Callable[..., Shadow], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loaded = other(scorer)
    score = loaded.scorer.score

    def fail(records: Any) -> Any:
        if any(record["text"] == SECRET for record in records):
            raise OverflowError(SECRET)
        return score(records)

    monkeypatch.setattr(loaded.scorer, "score", fail)
    shadow = start(loaded)
    records = [{"text": "x"}, {"text": SECRET}, {"text": "y"}]
    for _ in range(3):
        shadow.submit(records, scorer.score(records), 10)
    wait_until(lambda: scored(shadow.metrics) == 6)
    wait_until(lambda: metric(shadow.metrics, 'fraudsieve_shadow_failed_total{task="score"}') == 3)
    failures = [record for record in caplog.records if record.msg == "shadow failed"]
    assert len(failures) == 1  # once a minute
    assert SECRET not in str([vars(record) for record in failures])


def test_a_file_that_cannot_be_written_loses_lines_and_nothing_else(
    scorer: Scorer, start: Callable[..., Shadow], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    file = SampleFile(tmp_path / "folder" / "shadow.jsonl", 1 << 20)
    (tmp_path / "folder" / "shadow.jsonl").unlink()
    (tmp_path / "folder").rmdir()
    shadow = start(other(scorer, 50.0), file=file)
    records = [{"text": "see you at six"}]
    assert scorer.score(records)[0]["decision"] == "pass"
    shadow.submit(records, scorer.score(records), 10)
    wait_until(lambda: metric(shadow.metrics, 'fraudsieve_shadow_failed_total{task="file"}') == 1)
    assert scored(shadow.metrics) == 1


def test_the_model_is_compared_and_not_the_rules(scorer: Scorer, start: Callable[..., Shadow]) -> None:
    rules = RuleSet([Rule("ours", "account_id", ["ann"], "flag", "why")])
    records = [{"text": "see you at six", "account_id": "ann"}]
    (score,) = Scorer(scorer.model, rules=rules).score(records)
    assert (score["decision"], score["model_decision"]) == ("flag", "pass")
    shadow = start(other(scorer, 0.0))
    shadow.submit(records, [score], 10)
    wait_until(lambda: scored(shadow.metrics) == 1)
    assert metric(shadow.metrics, 'fraudsieve_shadow_decisions_total{model="pass"') == 1


def test_a_challenger_must_fit(scorer: Scorer, types: Any, accounts_folder: Path) -> None:
    accounts = Scorer.load(accounts_folder).model
    for before, after, why in (
        (scorer.model, other(scorer).scorer.model, "None"),
        (accounts, accounts, "None"),
        (Scorer.load(message_pair_model()).model, scorer.model, "None"),
        (scorer.model, types.model, "only one of the two models gives a probability of fraud"),
        (scorer.model, accounts, "it scores accounts"),
        (accounts, Scorer.load(account_model()).model, "it uses another history"),
    ):
        assert str(why_incompatible(before, after, as_shadow=True)).startswith(why)
    with refused(ServiceError, "--shadow"):
        create_app(scorer, Settings(), shadow=LoadedModel(Scorer(accounts)))
    app = create_app(scorer, Settings(shadow="folder"), shadow=other(scorer))
    handler = app.state.handler
    assert handler.describe_model()["shadow"] == {
        "name": "binary", "version": "2", "address": "folder", "digest": "other",
    }  # fmt: skip
    with pytest.raises(ArtifactError, match="it scores accounts"):
        handler.shadow.replace_model(LoadedModel(Scorer(accounts)))
    handler.shadow.replace_model(other(scorer, 3.0))
    handler.close()


def test_a_challenger_reads_the_history_of_the_service(accounts_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = Scorer.load(accounts_folder)
    handler = handler_of(scorer)
    handler.start_shadow(LoadedModel(Scorer(replace(scorer.model, calibration=Calibration(shift=1.0)))))
    assert isinstance(handler.live, LiveState)
    event = {"account_id": "ann", "kind": "message", "device_id": "d", "counterparty_id": "bob", "amount": 1}
    handler.ingest(json.dumps({"events": [event | {"occurred_at": "2026-05-01T10:00:00Z"}]}).encode())
    seen: list[Any] = []
    count = handler.metrics.count_shadow

    def keep(*pair: Any) -> None:
        seen.append(pair)
        count(*pair)

    monkeypatch.setattr(handler.metrics, "count_shadow", keep)
    query = {"account_id": "ann", "as_of": "2026-05-01T10:00:09Z"}
    reply = reply_of(handler, [query, 5], reasons=True)
    wait_until(lambda: seen)
    expected = handler.shadow.loaded.scorer.score(query, history=handler.live.state) if handler.shadow else None
    assert expected is not None
    assert expected["status"] == "ok"
    assert seen == [(None, None, json.loads(reply.content)[0]["probability"], expected["probability"])]
    handler.close()
