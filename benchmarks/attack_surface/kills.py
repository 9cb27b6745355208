"""Processes that are killed while they append: acknowledged records that are lost, and states that differ."""

import random
import re
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.attack.kills import REWINDING, Spawner, live_and_die
from tests.live.postgres import binaries, running_server
from tests.live.small_models import message_model, message_scorer

from benchmarks.runner import Bar, progress

from .measured import Measured

__all__ = ["PROTOCOL", "count_losses"]

KILLS_PER_STORE: Final = 10
MAX_SECONDS: Final = 0.8
PROTOCOL: Final = (
    "kills: a process appends events and messages from several threads to a durable live state, takes a snapshot every "
    f"50 ms, and is killed at a random time within {MAX_SECONDS} s; the next one opens the same store, "
    f"{KILLS_PER_STORE} times. This is done on SQLite, and as often on PostgreSQL if it is installed. After each kill "
    "the state is restored. lost: acknowledged records that it lacks. differing: kills after which it is not equal to "
    "the last bit to a state in memory of the same records. "
    "rewind_kills: the same, while events that are dated ahead are added and removed by rewind all the time."
)


def count_losses(n_kills: int, *, first_seed: int = 0, rewinds: bool = False) -> Measured:
    """Kill processes, and compare what is restored with what was acknowledged.

    Parameters
    ----------
    n_kills : int
        Number of kills on each kind of store.
    first_seed : int, default=0
        Seed of the times of the kills.
    rewinds : bool, default=False
        Whether rows are removed meanwhile.

    Returns
    -------
    Measured
    """
    figures, bars = dict[str, float](), list[Bar]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fraudsieve-kills-")))
        new_addresses: dict[str, Callable[[int], str]] = {"sqlite": lambda first: str(folder / f"live{first}.db")}
        if binaries() is not None:
            server = stack.enter_context(running_server())
            new_addresses["postgresql"] = lambda first: server.new_address()
        for store, new_address in new_addresses.items():
            name = f"{'rewind_kills' if rewinds else 'kills'}.{store}"
            counts = _kill_on_stores(name, n_kills, random.Random(first_seed), new_address, rewinds=rewinds)
            figures |= {f"{name}.{figure}": value for figure, value in counts.items()}
            bars += [Bar.at_most(f"{name}.{figure}", counts[figure], 0) for figure in ("lost", "differing")]
    return Measured(n_kills * len(new_addresses), figures, bars)


def _kill_on_stores(
    name: str, n_kills: int, chance: random.Random, new_address: Callable[[int], str], *, rewinds: bool
) -> dict[str, float]:
    faults, n_acknowledged, n_rewinds = list[str](), 0, 0
    for first in range(0, n_kills, KILLS_PER_STORE):
        number = min(KILLS_PER_STORE, n_kills - first)
        new_faults, spawner = _kill_on_one_store(number, chance, new_address(first), REWINDING if rewinds else "life")
        faults, n_rewinds = faults + new_faults, n_rewinds + spawner.n_rewinds
        n_acknowledged += sum(map(len, spawner.acknowledged.values()))
        progress(f"{name}: {first + number}, {n_acknowledged:,} acknowledged, {len(faults)} faults")
    lost = [int(found[1]) for fault in faults if (found := re.match(r"(\d+) acknowledged records are lost", fault))]
    return {
        "kills": n_kills,
        "acknowledged": n_acknowledged,
        "lost": sum(lost),
        "differing": len(faults) - len(lost),
        **({"rewinds": n_rewinds} if rewinds else {}),
    }


def _kill_on_one_store(n_kills: int, chance: random.Random, address: str, name: str) -> tuple[list[str], Spawner]:
    """Return the faults, and what the processes reported."""
    faults, acknowledged = list[str](), dict[str, set[int]]()
    spawner = Spawner(message_model())
    try:
        for life in range(n_kills):
            seconds = chance.uniform(0, MAX_SECONDS)
            fault = live_and_die(spawner, message_scorer(), address, f"{name}{life}", seconds, acknowledged)
            if fault is not None:
                progress(f"  {fault}")
                faults.append(fault)
    finally:
        spawner.close()
    return faults, spawner
