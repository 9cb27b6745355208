"""Background tasks that fail are tried again, and can be seen to fail."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from fraudsieve.service import app as service_app
from fraudsieve.service.app import create_app
from fraudsieve.service.background import MAX_PAUSE, BackgroundTasks
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings
from fraudsieve.service.watchers import AliasWatcher, RulesWatcher
from tests.service.handling import client_of, handler_of

pytestmark = pytest.mark.slow


class Flaky:
    """Fails a number of times, then works."""

    def __init__(self, failures: int) -> None:
        self.failures, self.calls = failures, 0

    def __call__(self, *_: Any) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise OSError("no space left in /secret")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_failing_task_is_counted_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    metrics, once, repeated = Metrics(), Flaky(2), Flaky(3)
    caplog.set_level("INFO", "fraudsieve.service")

    async def run() -> list[list[str]]:
        tasks = BackgroundTasks(metrics)
        tasks.run_once("once", once, 0.01)
        tasks.repeat("repeated", repeated, 0.01)
        await until(lambda: repeated.calls >= 1 and once.calls >= 1)
        await until(lambda: b'failures_total{task="repeated"} 1.0' in metrics.render() or repeated.calls > 1)
        shown = [tasks.failing]
        await until(lambda: once.calls == 3 and repeated.calls >= 6)
        shown.append(tasks.failing)
        await tasks.stop()
        return shown

    first, last = asyncio.run(run())
    assert "repeated" in first
    assert last == []
    assert once.calls == 3
    assert b'fraudsieve_background_failures_total{task="once"} 2.0' in metrics.render()
    assert b'fraudsieve_background_failures_total{task="repeated"} 3.0' in metrics.render()
    assert b'fraudsieve_background_failing{task="repeated"} 0.0' in metrics.render()
    logged = [vars(record)["fields"] for record in caplog.records if "task" in vars(record).get("fields", {})]
    assert [line["failures"] for line in logged if line["task"] == "once"] == [1, 2, 2]
    assert "secret" not in str(logged)
    assert "OSError" in str(logged)


def test_pauses_grow_up_to_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 13:
            raise asyncio.CancelledError

    async def run() -> None:
        tasks = BackgroundTasks(Metrics())
        tasks.repeat("snapshot", Flaky(100), 1.0)
        await asyncio.gather(*tasks._tasks, return_exceptions=True)

    monkeypatch.setattr("fraudsieve.service.background.asyncio.sleep", sleep)
    asyncio.run(run())
    assert pauses == [1.0, *(2.0**n for n in range(1, 10)), *[MAX_PAUSE] * 3]


def call_while_running(app: Any, condition: Callable[[], bool]) -> list[httpx.Response]:
    """Run an application with its lifespan; return its readiness at once and once the condition holds."""

    async def run() -> list[httpx.Response]:
        async with app.router.lifespan_context(app), client_of(app) as client:
            answers = [await client.get("/readyz")]
            await until(condition)
            return [*answers, await client.get("/readyz"), await client.get("/metrics")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gc.freeze", lambda: None)  # of this process
        return asyncio.run(run())


def has_recovered(metrics: Metrics, task: str) -> bool:
    shown = metrics.render().decode()
    failed = f'fraudsieve_background_failures_total{{task="{task}"}} 2.0' in shown
    return failed and f'fraudsieve_background_failing{{task="{task}"}} 0.0' in shown


def test_a_warm_up_that_fails_at_the_start_is_tried_again(binary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flaky, app = Flaky(2), create_app(Scorer.load(binary.folder))
    monkeypatch.setattr(app.state.handler.loaded.scorer, "warm_up", flaky)
    monkeypatch.setattr(service_app, "WARM_UP_SECONDS", 0.01)
    before, after, metrics = call_while_running(app, lambda: has_recovered(app.state.handler.metrics, "warm-up"))
    assert before.status_code == 503
    shown = after.json()
    assert (after.status_code, list(shown.pop("ages"))) == (200, ["snapshot", "daily snapshot"])
    assert shown == {
        "status": "ready",
        "failing": [],
        "stalled": [],
        "behind": False,
        "unwritable": False,
        "unusual_shares": [],
        "promises": {},
        "refused_version": None,
        "needs_restart": False,
    }
    assert 'fraudsieve_background_failures_total{task="warm-up"} 2.0' in metrics.text


def test_a_snapshot_that_fails_once_is_not_the_last(
    accounts_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaky = Flaky(1)
    monkeypatch.setattr(RequestHandler, "checkpoint", flaky)
    monkeypatch.setattr(service_app, "CHECKPOINT_SECONDS", 0.01)
    app = create_app(Scorer.load(accounts_folder), Settings(state=str(tmp_path / "live.db")))
    *_, metrics = call_while_running(app, lambda: flaky.calls > 3 and app.state.handler.is_warm)
    assert 'fraudsieve_background_failures_total{task="snapshot"} 1.0' in metrics.text


def test_an_alias_check_that_fails_once_is_not_the_last(binary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(1)

    def outcome(_: AliasWatcher) -> str:
        flaky()
        return "same"

    monkeypatch.setattr(AliasWatcher, "_outcome", outcome)
    app = create_app(Scorer.load(binary.folder), Settings(address="models:/sms@champion", watch_seconds=0.01))
    *_, metrics = call_while_running(app, lambda: flaky.calls > 3 and app.state.handler.is_warm)
    assert 'fraudsieve_model_swaps_total{outcome="failed"} 1.0' in metrics.text
    assert 'fraudsieve_background_failures_total{task="alias"} 1.0' in metrics.text


def raise_os_error(*_: Any, **__: Any) -> Any:
    raise OSError("a fault")


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("fraudsieve.models.flavor.resolve_version", "unreachable"),
        ("fraudsieve.service.watchers.model_folder", "unreachable"),
        ("tempfile.TemporaryDirectory", "failed"),
        ("fraudsieve.models.flavor.logged_digest", "refused"),
    ],
)
def test_the_registry_and_other_faults_are_told_apart(
    binary: Any, monkeypatch: pytest.MonkeyPatch, name: str, outcome: str
) -> None:
    handler = handler_of(binary.folder, "1")
    monkeypatch.setattr("fraudsieve.models.flavor.resolve_version", lambda _: "2")
    monkeypatch.setattr("fraudsieve.service.watchers.model_folder", lambda _, into: into)
    monkeypatch.setattr(name, raise_os_error)
    watcher = AliasWatcher("models:/sms@champion", handler, handler.metrics)
    with pytest.raises(OSError, match="a fault") if outcome != "refused" else nullcontext():
        watcher.check()
    assert f'fraudsieve_model_swaps_total{{outcome="{outcome}"}} 1.0' in handler.metrics.render().decode()


def test_the_collector_skips_a_model_that_took_over(binary: Any, several: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = handler_of(binary.folder, "1")
    old = weakref.ref(handler.loaded.scorer.model)
    monkeypatch.setattr("fraudsieve.models.flavor.resolve_version", lambda _: "2")
    monkeypatch.setattr("fraudsieve.service.watchers.model_folder", lambda _, into: several.folder)
    gc.collect()
    gc.freeze()
    try:
        assert AliasWatcher("models:/sms@champion", handler, handler.metrics).check() == "swapped"
        assert not any(item is handler.loaded.scorer.model for item in gc.get_objects())
        assert old() is None
    finally:
        gc.unfreeze()


def test_a_watcher_that_hangs_is_shown_and_abandoned(
    binary: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()
    monkeypatch.setattr(RulesWatcher, "check", lambda _: released.wait(60))
    monkeypatch.setattr("fraudsieve.service.background.STALLED_SECONDS", 0.05)
    app = create_app(Scorer.load(binary.folder), Settings(rules="rules.toml", watch_seconds=0.01))
    started = time.monotonic()
    *_, answer, metrics = call_while_running(
        app, lambda: app.state.handler.is_warm and "background task stalled" in caplog.text
    )
    assert (answer.status_code, answer.json()["stalled"]) == (200, ["rules"])
    assert 0 < answer.json()["ages"]["rules"] < time.monotonic() - started
    assert 'fraudsieve_background_completed_timestamp_seconds{task="rules"}' in metrics.text
    assert app.state.abandoned == ["rules"]
    released.set()


def test_a_round_that_stalled_and_ends_is_no_longer_shown() -> None:
    released = threading.Event()

    async def run() -> None:
        tasks = BackgroundTasks(Metrics())
        tasks.repeat("rules", lambda: released.wait(60), 0.01)
        await until(lambda: tasks.stalled == tasks.running == ["rules"])
        released.set()
        await until(lambda: not tasks.stalled and tasks.ages["rules"] < 0.1)
        await tasks.stop()
        assert tasks.running == []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fraudsieve.service.background.STALLED_SECONDS", 0.05)
        asyncio.run(run())


def test_a_store_that_hangs_is_shown_and_abandoned(
    accounts_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(LiveState, "_follow", lambda _: released.wait(60))
    monkeypatch.setattr("fraudsieve.service.handlers.STALLED_SECONDS", 0.2)
    app = create_app(Scorer.load(accounts_folder), Settings(state=str(tmp_path / "live.db")))
    handler = app.state.handler
    *_, answer, _ = call_while_running(app, lambda: handler.is_warm and handler.is_stalled)
    assert answer.json()["stalled"] == ["history"]
    assert answer.json()["ages"]["history"] >= 0.2
    assert app.state.abandoned == ["history"]
    released.set()
    handler.close()
