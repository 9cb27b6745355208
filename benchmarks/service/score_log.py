"""What a score log costs a service: requests per second without it, of scores, and of records too."""

import statistics
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.runner import progress
from benchmarks.service.http_load import Load, load
from benchmarks.service.http_servers import TOKEN, our_server
from benchmarks.service.workers import message_bodies
from fraudsieve.live.contents import describe_store
from fraudsieve.live.store.addresses import open_store
from fraudsieve.training.simulation.world import World

__all__ = ["CLIENTS", "measure_score_log"]

CLIENTS, WORKERS, MODES = 32, (1, 2), ("off", "scores", "records")
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def measure_score_log(folder: Path, world: World, place: Path, *, seconds: float, turns: int) -> dict[str, float]:
    """Load services of one worker and of two, without a score log and with both kinds, in turn.

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
        the log costs; ``score_log.bytes_per_<mode>`` of a row.
    """
    figures: dict[str, float] = {}
    for workers in WORKERS:
        stores = {mode: place / f"log-{workers}-{mode}.db" for mode in MODES}
        rates = _rates(folder, world, workers, stores, seconds, turns)
        figures |= {f"score_log.{workers}.{mode}": rate for mode, rate in rates.items()}
        losses = {mode: 1 - rates[mode] / rates["off"] for mode in MODES[1:]}
        figures |= {f"score_log.{workers}.{mode}_loss": loss for mode, loss in losses.items()}
        progress(f"score log, {workers} workers: " + ", ".join(f"{mode} {rate:.0f}" for mode, rate in rates.items()))
        figures |= {f"score_log.bytes_per_{mode}": _bytes_of_row(stores[mode]) for mode in MODES[1:]}
    return figures


def _rates(
    folder: Path, world: World, workers: int, stores: Mapping[str, Path], seconds: float, turns: int
) -> dict[str, float]:
    bodies = message_bodies(world)
    loads: dict[str, list[Load]] = {mode: [] for mode in stores}
    with ExitStack() as running:
        ports = {}
        for mode, store in stores.items():
            options = ("--workers", str(workers), "--state", str(store), "--score-log", mode)
            ports[mode] = running.enter_context(our_server(folder, *options))
        for _ in range(turns):
            for mode, port in ports.items():
                loads[mode].append(load(port, "/v1/score", bodies, clients=CLIENTS, seconds=seconds, headers=HEADERS))
    if any(turn.failed for several in loads.values() for turn in several):
        raise RuntimeError("Requests did not get status 200.")
    return {
        mode: statistics.median(turn.figures("x")["x.requests_per_second"] for turn in several)
        for mode, several in loads.items()
    }


def _bytes_of_row(address: Path) -> float:
    with open_store(address) as store:
        described = describe_store(store)
    return float(described["log_bytes"] / max(described["logged_scores"], 1))
