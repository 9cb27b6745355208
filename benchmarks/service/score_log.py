"""What a score log costs a service: requests per second without it, of scores, of records too, and with recording."""

import json
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.runner import progress
from benchmarks.service.http_load import Load, load
from benchmarks.service.http_servers import TOKEN, our_server
from benchmarks.service.workers import message_bodies
from fraudsieve.live.contents import describe_store
from fraudsieve.live.store.event_store import open_store
from fraudsieve.training.simulation.world import World

__all__ = ["CLIENTS", "measure_score_log"]

CLIENTS, WORKERS = 32, (1, 2)
MODES = {"off": "off", "scores": "scores", "records": "records", "recorded": "scores"}
"""The services, and what they log; messages are added to the history of the last one with their scores."""
N_RECORDED = 20_000
"""Messages of a turn that are added, each with an id of its own."""
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def measure_score_log(folder: Path, world: World, place: Path, *, seconds: float, turns: int) -> dict[str, float]:
    """Load services of one worker and of two, without a score log, with both kinds, and with ``record=true``, in turn.

    Parameters
    ----------
    folder : Path
        A model of messages with history.
    world : World
        Its messages are sent, one per request.
    place : Path
        Where the stores are created.
    seconds : float
        Length of a turn.
    turns : int
        Turns of each service.

    Returns
    -------
    dict
        ``score_log.<workers>.<mode>``: requests per second; ``score_log.<workers>.<mode>_loss``: the share of them that
        the log costs, and for ``recorded`` that log and history cost; ``score_log.bytes_per_<mode>`` of a row.
    """
    figures: dict[str, float] = {}
    for workers in WORKERS:
        stores = {mode: place / f"log-{workers}-{mode}.db" for mode in MODES}
        rates = _rates(folder, world, workers, stores, seconds, turns)
        figures |= {f"score_log.{workers}.{mode}": rate for mode, rate in rates.items()}
        losses = {mode: 1 - rate / rates["off"] for mode, rate in rates.items() if mode != "off"}
        figures |= {f"score_log.{workers}.{mode}_loss": loss for mode, loss in losses.items()}
        progress(f"score log, {workers} workers: " + ", ".join(f"{mode} {rate:.0f}" for mode, rate in rates.items()))
        figures |= {f"score_log.bytes_per_{mode}": _bytes_of_row(stores[mode]) for mode in ("scores", "records")}
    return figures


def _rates(
    folder: Path, world: World, workers: int, stores: Mapping[str, Path], seconds: float, turns: int
) -> dict[str, float]:
    bodies = message_bodies(world)
    loads: dict[str, list[Load]] = {mode: [] for mode in stores}
    with ExitStack() as running:
        ports = {}
        for mode, store in stores.items():
            options = ("--workers", str(workers), "--state", str(store), "--score-log", MODES[mode])
            ports[mode] = running.enter_context(our_server(folder, *options))
        for turn in range(turns):
            for mode, port in ports.items():
                path, sent = "/v1/score", bodies
                if mode == "recorded":
                    path, sent = f"{path}?record=true", _recorded_bodies(world, turn)
                loads[mode].append(load(port, path, sent, clients=CLIENTS, seconds=seconds, headers=HEADERS))
    if any(one.failed for several in loads.values() for one in several):
        raise RuntimeError("Requests did not get status 200.")
    return {
        mode: statistics.median(one.figures("x")["x.requests_per_second"] for one in several)
        for mode, several in loads.items()
    }


def _recorded_bodies(world: World, turn: int) -> Sequence[bytes]:
    """Return messages of a world as requests, every 10 ms one, with ids that no other turn has."""
    rows, now = world.messages[["text", "account_id"]].to_dict("records"), datetime.now(UTC)
    times = ((now + timedelta(milliseconds=10 * number)).isoformat() for number in range(N_RECORDED))
    return [
        json.dumps(rows[number % len(rows)] | {"message_id": f"{turn}-{number}", "sent_at": at}).encode()
        for number, at in enumerate(times)
    ]


def _bytes_of_row(address: Path) -> float:
    with open_store(address) as store:
        described = describe_store(store)
    return float(described["log_bytes"] / max(described["logged_scores"], 1))
