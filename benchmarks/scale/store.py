"""Speed of the event store: events acknowledged per second, and the time of a restart."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
from tests.attack.kills import Spawner, n_lost
from tests.live.postgres import binaries, running_server
from tests.live.small_models import account_scorer, event_scorer, message_model, message_scorer

from benchmarks.runner import Bar, Report, progress
from fraudsieve._io import sync_data
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store

__all__ = ["run"]

CLIENTS = (1, 8)
BATCH = 50_000
EVENTS = 1_000_000
ACCOUNTS = 100_000
SYNCS = 300
KILL_AFTER = 2.0
LABELS = 10_000
BODY = 1000
LABELLED = 1_714_600_000
START = 1_714_557_600_000_000
_PROTOCOL = (
    "A small account model with two views and a network. N clients are threads of one process that send one event per "
    "call, each acknowledged once it is synced, for {seconds:g} s; PostgreSQL is a server of our own. lost: "
    "acknowledged records that a restart lacks after a process with 8 clients was killed. restart_s: opening an SQLite "
    "store of {events:,} events of {accounts:,} accounts; restart_with_snapshot_s: the same after a clean stop. "
    "fdatasync_us: one sync of a small file, as an SQLite store does it twice per commit. labels: {labels:,} that "
    "alternate, of one event or of as many events, in calls of {body:,}: processor time, and the longest that another "
    "thread waited, which added one event at a time."
)


def run(n_events: int | None, seconds: float) -> Report:
    """Measure appends of both stores and restarts of SQLite's.

    Parameters
    ----------
    n_events : int or None
        Events of a restart; None for a million.
    seconds : float
        Duration of the appends, per store and number of clients.

    Returns
    -------
    Report
        Events per second, and seconds.
    """
    n_events = EVENTS if n_events is None else n_events
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        figures = {"fdatasync_us": _sync_time(folder)}
        for kind, address in _addresses(folder):
            for n_clients in CLIENTS:
                name = f"{kind}.{n_clients}.events_per_second"
                figures[name] = _appends(address, n_clients, seconds)
                progress(f"{name}: {figures[name]:.0f}")
            figures["lost"] = figures.get("lost", 0.0) + _lost(address + "-kill" if kind == "sqlite" else address)
        figures |= _restarts(folder / "restart.db", n_events)
        for name, n_subjects in (("warm", 9), ("labels.many_subjects", LABELS), ("labels.one_subject", 1)):
            figures |= _label_times(name, folder / f"{name}.db", n_subjects)
    ratio = figures["labels.one_subject.cpu_s"] / figures["labels.many_subjects.cpu_s"]
    bars = [Bar.at_most("lost", figures["lost"], 0), Bar.at_most("labels: one subject / many subjects", ratio, 2)]
    protocol = _PROTOCOL.format(seconds=seconds, events=n_events, accounts=ACCOUNTS, labels=LABELS, body=BODY)
    return Report("store", "made up", protocol, n_events, figures, {}, bars)


def _label_times(name: str, path: Path, n_subjects: int) -> dict[str, float]:
    """Return the processor time of labels of some events, and how long another thread waited at most."""
    waits, done = [0.0], threading.Event()
    with LiveState(event_scorer(), path, follow=False) as live:
        for first in range(0, n_subjects, BODY):
            live.update([_event(0, number) for number in range(first, min(first + BODY, n_subjects))])

        def write() -> None:
            for number in iter(count().__next__, None):
                start = time.perf_counter()
                live.update(_event(1, number))
                waits.append(time.perf_counter() - start)
                if done.wait(0.01):
                    return

        writer, start = threading.Thread(target=write), time.process_time()
        writer.start()
        for first in range(0, LABELS if n_subjects != 9 else BODY, BODY):
            labels = [
                {
                    "subject_id": _event(0, number % n_subjects)["event_id"],
                    "label": number % 2,
                    "labelled_at": LABELLED + number,
                }
                for number in range(first, first + BODY)
            ]
            assert not live.update(labels=labels).rejected
        seconds = time.process_time() - start
        done.set()
        writer.join()
    progress(f"{name}: {seconds:.2f} s, another writer waited {max(waits):.2f} s at most")
    return {} if name == "warm" else {f"{name}.cpu_s": seconds, f"{name}.worst_wait_s": max(waits)}


def _sync_time(folder: Path) -> float:
    """Return the microseconds that one sync of a small file takes."""
    with (folder / "sync").open("w+b", buffering=0) as file:
        file.write(bytes(8192))
        sync_data(file.fileno())
        start = time.perf_counter()
        for number in range(SYNCS):
            os.pwrite(file.fileno(), bytes(64), 4096 * (number % 2))
            sync_data(file.fileno())
    return (time.perf_counter() - start) / SYNCS * 1e6


def _addresses(folder: Path) -> Iterator[tuple[str, str]]:
    yield "sqlite", str(folder / "live.db")
    if binaries() is None:
        progress("PostgreSQL is not installed: it is not measured")
        return
    with running_server() as server:
        yield "postgresql", server.new_address()


def _appends(address: str, n_clients: int, seconds: float) -> float:
    """Return the events per second that clients were acknowledged."""
    counts = [0] * n_clients
    with LiveState(account_scorer(), address) as live:
        live.update(_event(-1, 0))
        end = time.perf_counter() + seconds
        run = time.time_ns()

        def send(client: int) -> None:
            while time.perf_counter() < end:
                live.update(_event(client, counts[client], run))
                counts[client] += 1

        threads = [threading.Thread(target=send, args=(client,)) for client in range(n_clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sum(counts) / seconds


def _event(client: int, number: int, run: int = 0) -> dict[str, object]:
    return {
        "event_id": f"{run} {client} {number}",
        "account_id": f"account{number % ACCOUNTS}",
        "occurred_at": np.datetime64(START + number, "us"),
        "kind": "message",
        "amount": number % 90 / 7,
        "counterparty_id": f"account{number * 7 % ACCOUNTS}",
    }


def _lost(address: str) -> int:
    """Kill a process with 8 clients, and return how many acknowledged records are lost."""
    if "://" in address:
        with running_server() as server:
            return _lost_at(server.new_address())
    return _lost_at(address)


def _lost_at(address: str) -> int:
    spawner = Spawner(message_model())
    try:
        pid = spawner.start("life", address)
        spawner.read(KILL_AFTER)
        spawner.kill(pid)
    finally:
        spawner.close()
    return n_lost(message_scorer(), address, spawner.acknowledged)


def _restarts(path: Path, n_events: int) -> dict[str, float]:
    scorer = account_scorer()
    with LiveState(scorer, path, follow=False):
        pass
    _fill(path, n_events)
    figures = {"bytes_per_event": path.stat().st_size / n_events}
    with LiveState(scorer, path.with_name("warm.db"), follow=False) as live:  # kernels are compiled before
        live.update([_event(0, number) for number in range(100)])
    for name in ("restart_s", "restart_with_snapshot_s"):
        start = time.perf_counter()
        live = LiveState(scorer, path, follow=False)
        figures[name] = time.perf_counter() - start
        assert live.offset == n_events
        live.close()
        progress(f"{name}: {figures[name]:.1f}")
    return figures


def _fill(path: Path, n_events: int) -> None:
    """Fill a store with events of random accounts, a second apart."""
    rng = np.random.default_rng(0)
    with open_store(path) as store:
        for first in range(0, n_events, BATCH):
            n = min(BATCH, n_events - first)
            ids = rng.integers(0, ACCOUNTS, (n, 2)).tolist()
            amounts = rng.lognormal(3, 1, n).round(2).tolist()
            entries = [
                {"events": [START + (first + number) * 1_000_000, {
                    "account_id": f"account{own}", "event_id": f"event{first + number}", "kind": "message",
                    "counterparty_id": f"account{other}", "amount": amount,
                }]}
                for number, ((own, other), amount) in enumerate(zip(ids, amounts, strict=True))
            ]  # fmt: skip
            with store.writing() as transaction:
                transaction.append(transaction.last, entries)
