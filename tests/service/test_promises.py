"""Promises of a served model: from answers through a draw and its labels to `/readyz`, `/metrics` and ``monitor``."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.live.promises import RATE, RECALL
from fraudsieve.live.store import open_store
from fraudsieve.models import Scorer, write_model
from fraudsieve.models.calibration import Calibration
from fraudsieve.models.points import OperatingPoint
from fraudsieve.review import ReviewPlan, collect_answers, draw_from_log
from fraudsieve.service import app as service_app
from fraudsieve.service.app import create_app
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.loaded_model import LoadedModel
from tests.fitted_models import Fitted
from tests.service.handling import client_of, handler_of, reply_of

PROMISED: dict[str, Any] = {"max_false_positive_rate": 0.005, "confidence": 0.95, "min_recall": 0.9}


@pytest.fixture
def folder(binary: Fitted, tmp_path: Path) -> Path:
    """A model that promises a rate of .5 %, and flags nearly everything."""
    point = OperatingPoint("rate", 1e-6, 0.01, 0.95, 0.02, **PROMISED)
    write_model(replace(binary.model, points=(point,)), tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def handler(folder: Path, tmp_path: Path) -> Iterator[RequestHandler]:
    handler = handler_of(folder, state=tmp_path / "live.db", score_log="records")
    yield handler
    handler.close()


def review(handler: RequestHandler, binary: Fitted, tmp_path: Path, label: str = "legitimate") -> None:
    """Score texts, draw from the day, answer all of them, and send the labels."""
    sent = [
        {"message_id": f"m{i}", "text": text, "sent_at": "2026-05-01T10:00:00Z"}
        for i, text in enumerate(binary.texts[:150])
    ]
    reply_of(handler, sent, name="r1")
    with open_store(tmp_path / "live.db") as store:
        drawn = draw_from_log(store, ReviewPlan(len(sent), audit=0.2), day=datetime.now(UTC).date())
    answers = drawn.records[["subject_id", "why_drawn", "inclusion_probability"]].assign(
        label=label, reviewer="ann", answered_at=datetime.now(UTC).isoformat()
    )
    labels = collect_answers(answers, tmp_path / "labels.parquet").labels
    rows = labels[["subject_id", "label", "labelled_at", "source", "inclusion_probability"]]
    body = json.dumps({"labels": json.loads(rows.to_json(orient="records", date_format="iso"))})
    accepted = json.loads(handler.ingest(body.encode(), are_labels=True).content)["accepted"]
    assert accepted == len(answers)


def test_a_broken_promise_is_shown_by_the_service_and_by_monitor(
    handler: RequestHandler, folder: Path, binary: Fitted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    handler.watch_promises()
    assert [promise.days for promise in handler.promises] == [0, 0]
    assert 'fraudsieve_promise_e{promise="recall"} NaN' in handler.metrics.render().decode()
    review(handler, binary, tmp_path)
    handler.watch_promises()
    rate, recall = handler.promises
    today = datetime.now(UTC).date().isoformat()
    # All of the texts are legitimate by these labels, and flagged: two hundred times what was promised.
    assert (rate.name, rate.days, rate.since) == (RATE, 1, today)
    assert (recall.name, recall.since) == (RECALL, None)
    assert "promise broken" in caplog.text
    shown = handler.metrics.render().decode()
    assert 'fraudsieve_promise_broken{promise="false_positive_rate"} 1.0' in shown
    assert f'fraudsieve_promise_e{{promise="false_positive_rate"}} {rate.e}' in shown
    caplog.clear()
    handler.watch_promises()
    assert handler.promises == (rate, recall)
    assert "promise broken" not in caplog.text
    # Another process reads the same state.
    call = (sys.executable, "-m", "fraudsieve", "monitor", "--model", folder, "--state", tmp_path / "live.db", "--json")
    done = subprocess.run([*map(str, call)], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    of_rate = json.loads(done.stdout)["promises"][0]
    assert (of_rate["name"], of_rate["text"]) == (RATE, f"broken since {today} (e = {rate.e:.0f})")


def test_frauds_that_are_caught_speak_for_both(handler: RequestHandler, binary: Fitted, tmp_path: Path) -> None:
    review(handler, binary, tmp_path, "fraud")
    handler.watch_promises()
    rate, recall = handler.promises
    assert max(rate.e, recall.e) < 1
    assert rate.text == f"holds (e = {rate.e:.1f})"


def test_another_model_begins_with_promises_of_its_own(
    handler: RequestHandler, folder: Path, binary: Fitted, tmp_path: Path
) -> None:
    review(handler, binary, tmp_path)
    handler.watch_promises()
    other = replace(Scorer.load(folder).model, calibration=Calibration(shift=1.0))
    write_model(other, tmp_path / "other")
    handler.replace_model(LoadedModel(Scorer.load(tmp_path / "other")))
    assert [*handler.promises] == []
    handler.watch_promises()
    assert [promise.days for promise in handler.promises] == [0, 0]


def test_a_broken_promise_leaves_the_service_ready(
    folder: Path, binary: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_app, "PROMISE_SECONDS", 0.05)
    monkeypatch.setattr("gc.freeze", lambda: None)  # of this process
    first = handler_of(folder, state=tmp_path / "live.db", score_log="records")
    review(first, binary, tmp_path)
    settings = first.settings
    first.close()
    app = create_app(Scorer.load(folder), settings)

    async def run() -> Any:
        async with app.router.lifespan_context(app), client_of(app) as client:
            while not (app.state.handler.is_warm and app.state.handler.promises):
                await asyncio.sleep(0.01)
            return await client.get("/readyz")

    answer = asyncio.run(run())
    assert answer.status_code == 200
    assert set(answer.json()["promises"]) == {RATE, RECALL}
    assert answer.json()["promises"][RATE].startswith("broken since ")
