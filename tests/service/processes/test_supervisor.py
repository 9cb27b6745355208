"""Several workers behind one port: deaths, replacements, and an orderly stop. With real processes."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from fraudsieve.models import Scorer
from tests.services import raw_post

from .conftest import Workers, is_running, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc"),
]


def test_a_killed_worker_is_replaced_while_the_other_answers(start_workers: Any, several: Any) -> None:
    workers, record = start_workers(several.folder), {"text": several.texts[0]}
    expected = Scorer.load(several.folder).score(record)
    before = workers.pids()
    assert len(before) == 2
    close = {"connection": "close"}  # each request may reach any worker
    with workers.load(lambda client, _: client.post("/v1/score", json=record, headers=close)) as answers:
        wait_until(lambda: len(answers) > 20)
        workers.kill(before[0])
        wait_until(lambda: not is_running(before[0]))
        killed_at = len(answers)
        wait_until(lambda: len(answers) > killed_at + 20)
        assert workers.pids() == before[1:]  # the replacement is not ready yet
        wait_until(lambda: len(workers.ready_pids()) == 3)
        after = len(answers)
        wait_until(lambda: len(answers) > after + 20)
    responses = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in responses} == {200}  # none of a worker that is not ready
    assert all(answer.json() == expected for answer in responses)
    assert len(answers) - len(responses) <= 4  # the requests in progress in the killed worker
    assert workers.service.metric("fraudsieve_worker_restarts_total") == 1
    workers.kill(workers.pids()[-1])  # the replacement
    wait_until(lambda: len(workers.ready_pids()) == 4)
    first, second = workers.service.lines("worker ended")
    assert (first["pid"], first["exit_code"], first["deaths"]) == (before[0], -signal.SIGKILL, 1)
    assert (second["deaths"], second["pause"]) == (2, 2 * first["pause"])
    assert workers.service.stop() == 0


def test_stopped_under_load_all_workers_finish_accepted_requests(start_workers: Any, several: Any) -> None:
    workers: Workers = start_workers(several.folder)
    records = [{"text": text} for text in several.texts[:100]]
    with workers.load(lambda client, _: client.post("/v1/score?reasons=true", json=records), 6) as answers:
        wait_until(lambda: len(answers) > 12)
        workers.service.process.terminate()
        assert workers.service.process.wait(60) == 0
    assert not any(map(is_running, workers.ready_pids()))
    responses = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in responses} == {200}
    assert all(len(answer.json()) == 100 for answer in responses)
    served = [line for line in workers.service.lines("request") if line["status"] == 200]
    assert len(served) == len(responses)  # no answer was lost on its way
    assert {line["pid"] for line in workers.service.lines("stopped")} == set(workers.ready_pids())
    assert workers.service.lines()[-1]["exit_codes"] == [0, 0]


def test_workers_stop_when_their_supervisor_is_killed(start_workers: Any, several: Any) -> None:
    workers: Workers = start_workers(several.folder)
    pids = workers.pids()
    with workers.load(lambda client, _: client.post("/v1/score", json={"text": "x"})) as answers:
        wait_until(lambda: len(answers) > 8)
        workers.service.process.kill()
        workers.service.process.wait()
        wait_until(lambda: not any(map(is_running, pids)))
    responses = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in responses} == {200}


def test_a_second_signal_kills_the_workers(start_workers: Any, several: Any) -> None:
    workers: Workers = start_workers(several.folder, "--grace-seconds", "600", "--body-seconds", "600")
    address = ("127.0.0.1", workers.service.port)

    def is_refused() -> bool:
        try:
            with socket.create_connection(address):
                return False
        except OSError:
            return True

    with socket.create_connection(address) as connection:
        connection.sendall(raw_post(length=99))  # a request that never ends
        wait_until(lambda: workers.service.metric("fraudsieve_requests_running") == 1)
        workers.service.process.send_signal(signal.SIGINT)
        wait_until(is_refused)
        workers.service.process.terminate()
        assert workers.service.process.wait(60) == 1
    assert not any(map(is_running, workers.ready_pids()))
    assert -signal.SIGKILL in workers.service.lines()[-1]["exit_codes"]


def test_a_model_that_cannot_be_loaded_ends_the_service_with_its_error(tmp_path: Path) -> None:
    call = [sys.executable, "-m", "fraudsieve", "serve", "--json", "--workers", "2", "--port", "0"]
    done = subprocess.run([*call, "--model", str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "manifest.json: cannot be read" in done.stdout


def test_the_metrics_of_two_workers_add_up(start_workers: Any, several: Any) -> None:
    workers: Workers = start_workers(several.folder)
    answers = list[int]()
    with workers.load(lambda client, _: answers.append(client.post("/v1/score", json={"text": "x"}).status_code), 8):
        wait_until(lambda: len(answers) > 200)

    def processes() -> list[int]:
        return [line["pid"] for line in workers.service.lines("request") if line["route"] == "/v1/score"]

    wait_until(lambda: len(processes()) == len(answers))  # lines follow the answers
    served = processes()
    assert set(served) == set(workers.pids())  # both have served
    total = workers.service.metric('fraudsieve_requests_total{route="/v1/score",status="200"}')
    assert total == len(answers) == len(served)
    assert workers.service.metric('fraudsieve_request_seconds_count{route="/v1/score"}') == total
    assert workers.service.metric("fraudsieve_requests_running") == 0
    model = several.model
    shown = f'fraudsieve_model{{digest="{model.digest}",name="several",version=""}}'
    assert workers.service.metric(shown) == 2
    workers.kill(workers.pids()[0])
    wait_until(lambda: workers.service.lines("worker ended"))
    assert workers.service.metric(shown) == 1  # the gauges of a dead worker are gone, its counts stay
    assert workers.service.metric('fraudsieve_requests_total{route="/v1/score",status="200"}') == total
    assert workers.service.stop() == 0
