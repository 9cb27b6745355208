"""Faults around a service, with real processes: kills, many clients, clock jumps, read-only folders."""

import asyncio
import json
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve.models import Scorer
from tests.service.processes.conftest import wait_until
from tests.services import raw_post

pytestmark = pytest.mark.slow

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def event(number: int, at: datetime, account: str = "ann") -> dict[str, Any]:
    about = {"counterparty_id": f"c{number % 5}", "device_id": "d", "kind": "message", "amount": number}
    return {"event_id": f"e{number}", "account_id": account, "occurred_at": at.isoformat(), **about}


def test_a_kill_while_a_model_takes_over(serve: Any, registry: Any, tmp_path: Path) -> None:
    """Kill the service while it fetches a new version, a little later, and at any time."""
    chance, at, scorers = random.Random(3), datetime.now(UTC) - HOUR, dict[str, Scorer]()
    for version, folder in registry.folders.items():
        scorers[version] = Scorer.load(folder)
    (tmp_path / "tmp").mkdir()
    state = scorers["1"].new_state()
    queries = [{"account_id": name, "as_of": (at + 30 * MINUTE).isoformat()} for name in ("ann", "bob", "nobody")]
    options = "--state", str(tmp_path / "live.db"), "--watch-seconds", "0.1"
    environment = registry.environment | {"TMPDIR": str(tmp_path / "tmp")}
    inside = 0

    def start() -> Any:
        return serve("models:/accounts@champion", *options, **environment)

    def check(service: Any, version: str) -> None:
        with service.client() as client:
            assert client.get("/v1/model").json()["version"] == version
            assert client.post("/v1/score", json=queries).json() == scorers[version].score(queries, history=state)
        assert service.metric("fraudsieve_state_events") == state.n_events

    def fetched() -> set[Path]:
        return set((tmp_path / "tmp").glob("fraudsieve-*"))

    registry.champion("1")
    service = start()
    for turn, longest in enumerate([0.0, 0.1, 0.3, 1.0]):
        before, after = "12" if turn % 2 == 0 else "21"
        check(service, before)
        events = [
            event(n, at + n * timedelta(seconds=9), ["ann", "bob"][n % 2]) for n in range(turn * 10, turn * 10 + 10)
        ]
        with service.client() as client:
            assert client.post("/v1/events", json={"events": events}).json()["accepted"] == len(events)
        state.update(events)
        leftovers = fetched()
        registry.champion(after)
        if longest < 1:
            wait_until(lambda leftovers=leftovers: fetched() - leftovers)
        time.sleep(chance.uniform(0, longest))
        service.process.kill()
        service.process.wait()
        inside += not service.lines("model swapped")
        service = start()
        check(service, after)
        assert not service.lines("error")
    assert inside
    assert fetched()  # harmless leftovers of kills
    assert service.stop() == 0


CLIENTS, REQUESTS = 1000, 3


def memory(service: Any, what: str) -> int:
    """Return the resident memory of a service in MB: ``VmRSS`` for now, ``VmHWM`` for the peak."""
    status = Path(f"/proc/{service.process.pid}/status").read_text("ascii")
    return int(re.findall(rf"{what}:\s+(\d+) kB", status)[0]) >> 10


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def crowd(service: Any, bodies: list[bytes], clients: int) -> list[tuple[int, int, dict[str, str], bytes]]:
    """Open all connections, then send over all of them at once; return each response with the number of its body."""
    together, answers = asyncio.Event(), list[tuple[int, int, dict[str, str], bytes]]()
    requests = [raw_post(body) for body in bodies]
    opened = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(clients)]

    async def call(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        for turn in range(REQUESTS):
            which = (number + turn) % len(requests)
            writer.write(requests[which])
            status, headers, content = await asyncio.wait_for(answer_of(reader), 120)
            answers.append((which, status, headers, content))
            await asyncio.sleep(0.2)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    calls = [asyncio.create_task(call(number, *pair)) for number, pair in enumerate(opened)]
    together.set()
    await asyncio.gather(*calls)
    return answers


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4 * CLIENTS:
        pytest.skip(f"this machine limits a process to {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * CLIENTS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_thousand_concurrent_clients(serve: Any, several: Any) -> None:
    service, scorer = serve(several.folder), Scorer.load(several.folder)
    queries: list[Any] = [{"text": several.texts[0]}, [{"text": text} for text in several.texts[:100]]]
    queries += [{"text": text} for text in several.texts[1:4]]
    bodies, expected = [json.dumps(body).encode() for body in queries], [scorer.score(body) for body in queries]
    with service.client() as client:
        for body, scores in zip(queries, expected, strict=True):
            assert client.post("/v1/score", json=body).json() == scores
    before = memory(service, "VmRSS")
    answers = asyncio.run(crowd(service, bodies, CLIENTS))
    assert len(answers) == CLIENTS * REQUESTS
    statuses = Counter(status for _, status, _, _ in answers)
    assert set(statuses) == {200, 503}
    for which, status, headers, content in answers:
        if status == 200:
            assert json.loads(content) == expected[which]
        else:
            assert int(headers["retry-after"]) >= 1
    assert memory(service, "VmHWM") - before < 150
    with service.client() as client:
        for body, scores in zip(queries, expected, strict=True):
            assert client.post("/v1/score", json=body).json() == scores
    assert service.metric("fraudsieve_requests_running") == 0
    assert not service.lines("error")


CLOCK = """
import os
import time

usual = time.time

def shifted():
    with open(os.environ["CLOCK"]) as file:
        return usual() + float(file.read())

time.time = shifted
"""


class Clock:
    """Offset of the wall clock of a process; the monotonic clock is not changed."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        (folder / "sitecustomize.py").write_text(CLOCK)  # Python imports it before anything else
        self.set_offset(timedelta())
        path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.environment = {"CLOCK": str(self.file), "PYTHONPATH": path}

    def set_offset(self, offset: timedelta) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(offset.total_seconds()))
        os.replace(new, self.file)  # it may be read at any time


# Offsets of the clock, and whether an event of an hour ago is then more than an hour in the future.
JUMPS = {
    timedelta(): False,
    -3 * HOUR: True,
    2 * HOUR: False,
    -5 * DAY: True,
    40 * DAY: False,
    -400 * DAY: True,
    HOUR / 2: False,
}


def is_in_use(service: Any, version: str) -> bool:
    with service.client() as client:
        in_use: bool = client.get("/v1/model").json()["version"] == version
    return in_use


def logs_time_of(service: Any, jump: timedelta) -> bool:
    """Return whether the last request is logged with the shifted time; a line may follow its response."""
    logged = [datetime.fromisoformat(line["time"]) for line in service.lines("request")[-1:]]
    return any(abs(time - datetime.now(UTC) - jump) < 5 * MINUTE for time in logged)


def test_a_clock_that_jumps(serve: Any, registry: Any, tmp_path: Path) -> None:
    clock, now = Clock(tmp_path), datetime.now(UTC)
    scorers = {version: Scorer.load(folder) for version, folder in registry.folders.items()}
    state, version = scorers["1"].new_state(), "1"
    registry.champion("1")
    limits = "--watch-seconds", "0.2", "--body-seconds", "4", "--state", str(tmp_path / "live.db")

    def start() -> Any:
        return serve("models:/accounts@champion", *limits, **registry.environment, **clock.environment)

    def send_events(service: Any, events: list[dict[str, Any]]) -> dict[int, str]:
        with service.client() as client:
            rejections = client.post("/v1/events", json={"events": events}).json()["rejected"]
        return {rejection["position"]: rejection["reason"] for rejection in rejections}

    def check(service: Any) -> None:
        query = {"account_id": "ann", "as_of": (now + MINUTE).isoformat()}
        with service.client() as client:
            assert client.post("/v1/score", json=query).json() == scorers[version].score(query, history=state)
        assert service.metric("fraudsieve_state_events") == state.n_events

    service, body = start(), json.dumps({"account_id": "ann", "as_of": now.isoformat()}).encode()
    for turn, (jump, is_early) in enumerate(JUMPS.items()):
        with ExitStack() as stack:
            halves = [stack.enter_context(socket.create_connection(("127.0.0.1", service.port))) for _ in range(2)]
            for connection in halves if abs(jump) > 30 * DAY else []:
                connection.sendall(raw_post(body)[:-5])
            clock.set_offset(jump)
            events = [event(n, now - HOUR + timedelta(seconds=n)) for n in range(10 * turn, 10 * turn + 10)]
            rejected = send_events(service, [*events, event(-1, now + 30 * DAY)])
            wait_until(lambda jump=jump: logs_time_of(service, jump))
            assert set(rejected) == ({*range(11)} if is_early else {10})
            assert all("a time that is not in the future" in reason for reason in rejected.values())
            state.update([] if is_early else events)
            check(service)
            if abs(jump) > 30 * DAY:  # limits use the monotonic clock
                halves[0].sendall(body[-5:])
                for connection, status in zip(halves, (b"200", b"408"), strict=True):
                    connection.settimeout(60)
                    assert connection.recv(12) == b"HTTP/1.1 " + status
        version = "21"[turn % 2]
        registry.champion(version)
        wait_until(lambda version=version: is_in_use(service, version), 30)
        check(service)
    assert {line["status"] for line in service.lines("request")} == {200, 408}
    assert not service.lines("error")
    service.process.kill()
    service.process.wait()
    clock.set_offset(-5 * DAY)
    service = start()  # with the acknowledged events, most of them in its future
    check(service)
    events = [event(n, now - HOUR + timedelta(seconds=n)) for n in range(100, 110)]
    assert set(send_events(service, events)) == {*range(10)}
    clock.set_offset(timedelta())
    assert send_events(service, events) == {}
    state.update(events)
    check(service)
    assert service.stop() == 0


MOUNTED = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def read_only_command(way: str, folder: Path) -> list[str]:
    """Return a command prefix that makes the folder read-only; skip the test if that is not possible."""
    if way == "mode":
        if os.geteuid() == 0:
            pytest.skip("root can write to folders of any mode")
        for path in (folder, *folder.iterdir()):
            path.chmod(0o500 if path.is_dir() else 0o400)
        return []
    before = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNTED, str(folder)]
    if shutil.which("unshare") is None or subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("mounting a folder is not allowed here")
    return before


@pytest.mark.parametrize("way", ["mount", "mode"])
def test_a_model_folder_that_cannot_be_written(way: str, serve: Any, several: Any, tmp_path: Path) -> None:
    folder, texts = tmp_path / "model", several.texts[:50]
    shutil.copytree(several.folder, folder)
    before = read_only_command(way, folder)
    assert subprocess.run([*before, "touch", str(folder / "new")], capture_output=True).returncode
    service = serve(folder, before=before)
    with service.client() as client:
        scores_over_http = client.post("/v1/score", json=[{"text": text} for text in texts]).json()
    expected = Scorer.load(several.folder).score([{"text": text} for text in texts])
    assert scores_over_http == expected
    assert service.stop() == 0
    messages = pd.DataFrame({"message_id": [f"m{index}" for index in range(50)], "text": texts})
    messages.to_parquet(tmp_path / "messages.parquet")
    call = ["--model", folder, "--messages", tmp_path / "messages.parquet", "--output", tmp_path / "scores.parquet"]
    command = [*before, sys.executable, "-m", "fraudsieve", "predict", *map(str, call)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores["probability"].tolist() == [score["probability"] for score in expected]
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in several.folder.iterdir())
