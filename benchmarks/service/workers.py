"""Requests per second of one worker and of two, on a model with history, with events coming in."""

import json
import statistics
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.runner import progress
from benchmarks.service.event_stream import EventStream
from benchmarks.service.http_load import Load, load
from benchmarks.service.http_servers import TOKEN, our_server
from fraudsieve.training.simulation.world import World

__all__ = ["CLIENTS", "EVENTS_PER_SECOND", "measure_workers", "message_bodies"]

CLIENTS, EVENTS_PER_SECOND = 32, 200.0
PAST_EVENTS = 20_000
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def measure_workers(folder: Path, world: World, place: Path, *, seconds: float, turns: int) -> dict[str, float]:
    """Load a service of one worker and one of two in turn.

    Parameters
    ----------
    folder : Path
        A model of messages with history.
    world : World
        Its messages are sent.
    place : Path
        Where the stores are created.
    seconds : float
        Length of a turn.
    turns : int
        Turns of each service.

    Returns
    -------
    dict
        ``workers.1`` and ``workers.2``: requests per second, and below each name percentiles in milliseconds and the
        events that were added; ``workers.ratio``: two to one.
    """
    bodies, accounts = message_bodies(world), sorted(set(world.events["account_id"]))
    loads: dict[int, list[Load]] = {1: [], 2: []}
    added = dict.fromkeys(loads, 0)
    with ExitStack() as running:
        streams = {}
        for workers in loads:
            store = place / f"workers-{workers}.db"
            port = running.enter_context(our_server(folder, "--workers", str(workers), "--state", str(store)))
            stream = running.enter_context(closing(EventStream(port, accounts, HEADERS)))
            stream.fill(PAST_EVENTS)
            streams[workers] = stream, port
        for _ in range(turns):
            for workers, (stream, port) in streams.items():
                before = stream.sent
                with stream.running(EVENTS_PER_SECOND):
                    turn = load(port, "/v1/score", bodies, clients=CLIENTS, seconds=seconds, headers=HEADERS)
                loads[workers].append(turn)
                added[workers] += stream.sent - before
    return _figures(loads, added)


def _figures(loads: dict[int, list[Load]], added: dict[int, int]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for workers, turns in loads.items():
        if any(turn.failed for turn in turns):
            raise RuntimeError("Requests did not get status 200.")
        by_turn = [turn.figures(f"workers.{workers}") for turn in turns]
        figures |= {name: statistics.median(turn[name] for turn in by_turn) for name in by_turn[0]}
        figures[f"workers.{workers}"] = figures.pop(f"workers.{workers}.requests_per_second")
        # The load lasts a second longer than it is measured.
        figures[f"workers.{workers}.events_per_second"] = added[workers] / sum(turn.during + 1 for turn in turns)
        progress(f"{workers} workers: {figures[f'workers.{workers}']:.0f} requests per second")
    return figures | {"workers.ratio": figures["workers.2"] / figures["workers.1"]}


def message_bodies(world: World) -> Sequence[bytes]:
    """Return the messages of a world as requests, sent in a minute."""
    at = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    rows = world.messages[["message_id", "text", "account_id"]].iloc[-3000:].assign(sent_at=at)
    return [json.dumps(row).encode() for row in rows.to_dict("records")]
