"""Services whose workers are killed while they log scores: answered scores that are missing, repeated or different."""

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.attack.score_kills import LogFaults, kill_while_scores_are_logged
from tests.live.postgres import binaries, running_server
from tests.live.small_models import message_model

from benchmarks.runner import Bar, progress

from .measured import Measured

__all__ = ["PROTOCOL", "count_faults"]

KILLS_PER_STORE: Final = 3
PROTOCOL: Final = (
    "score_kills: six clients send events and records to a service that logs scores, of two workers on SQLite in turn "
    "with, if it is installed, three on PostgreSQL. Two of them also record what they score, and send a request again "
    "until it is answered. Workers and PostgreSQL are killed at random times, and every third kill is of the whole "
    "service. The log "
    "is compared with the answers of the clients, each row with the score at its offset, and recorded messages with "
    "the history."
)


def count_faults(n_kills: int, *, first_seed: int = 0) -> Measured:
    """Kill services, and compare their score logs with the answers of their clients.

    Parameters
    ----------
    n_kills : int
        Number of kills.
    first_seed : int, default=0
        Seed of the times of the kills.

    Returns
    -------
    Measured
    """
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
    found = LogFaults()
    with tempfile.TemporaryDirectory(prefix="fraudsieve-kills-") as name, ExitStack() as running:
        server = None if binaries() is None else running.enter_context(running_server())
        for turn, first in enumerate(range(0, n_kills, KILLS_PER_STORE)):
            folder, number = Path(name, str(turn)), min(KILLS_PER_STORE, n_kills - first)
            folder.mkdir()
            of_turn = None if turn % 2 == 0 else server
            address = str(folder / "live.db") if of_turn is None else of_turn.new_address()
            found += kill_while_scores_are_logged(message_model(), address, folder, number, first_seed + turn, of_turn)
            progress(f"score_kills: {first + number}, {found}")
    faults = {name: vars(found)[name] for name in ("missing", "repeated", "differing", "absent")}
    figures = {"kills": n_kills, "answered": found.answered, "logged": found.logged, **faults}
    bars = [Bar.at_most(f"score_kills.{name}", value, 0) for name, value in faults.items()]
    return Measured(n_kills, {f"score_kills.{name}": value for name, value in figures.items()}, bars)
