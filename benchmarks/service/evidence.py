"""What evidence costs a service: requests per second without it, of flagged scores, and of every score."""

import json
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from benchmarks.runner import progress
from benchmarks.service.http_load import Load, load
from benchmarks.service.http_servers import TOKEN, our_server
from benchmarks.service.models import train_on_messages
from fraudsieve.models.predict import Scorer

__all__ = ["CLIENTS", "FLAGGED", "measure_evidence"]

CLIENTS, FLAGGED = 8, 0.05
"""Concurrent clients, and the largest share of messages that are flagged."""
MODES: Mapping[str, tuple[str, ...]] = {"off": (), "flagged": (), "all": ("--evidence-all",)}
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def measure_evidence(messages: pd.DataFrame, place: Path, *, seconds: float, turns: int) -> dict[str, float]:
    """Load services without evidence, with that of flagged scores, and with that of all scores, in turn.

    Parameters
    ----------
    messages : DataFrame
        Labelled messages with legitimate ones among them, on which a model is trained. All are sent, but flagged ones
        only up to a share of 5 %.
    place : Path
        An empty folder, for the model and the logs.
    seconds : float
        Length of a turn.
    turns : int
        Turns of each service.

    Returns
    -------
    dict
        ``evidence.off``, ``evidence.flagged`` and ``evidence.all``: requests per second; ``evidence.flagged_loss`` and
        ``evidence.all_loss``: the share of them that evidence costs; ``evidence.bytes_per_record``, and
        ``evidence.share_flagged`` of the messages.
    """
    folder = train_on_messages(messages, place)
    chosen, share = _mixed(folder, messages["text"].tolist())
    bodies = [json.dumps({"text": text}).encode() for text in chosen]
    loads: dict[str, list[Load]] = {mode: [] for mode in MODES}
    with ExitStack() as running:
        ports = {}
        for mode, options in MODES.items():
            log = () if mode == "off" else ("--evidence", str(place / f"{mode}.jsonl"), *options)
            ports[mode] = running.enter_context(our_server(folder, *log))
        for _ in range(turns):
            for mode, port in ports.items():
                loads[mode].append(load(port, "/v1/score", bodies, clients=CLIENTS, seconds=seconds, headers=HEADERS))
    figures = _figures(loads)
    size = [len(line) for line in (place / "all.jsonl").read_bytes().splitlines(keepends=True)]
    return figures | {"evidence.bytes_per_record": statistics.mean(size), "evidence.share_flagged": share}


def _mixed(folder: Path, texts: Sequence[str]) -> tuple[list[str], float]:
    """Return messages of which at most 5 % are flagged, spread evenly, and the share."""
    decisions = Scorer.load(folder).score_columns({"text": list(texts)})["decision"].tolist()
    passed = [text for text, decision in zip(texts, decisions, strict=True) if decision != "flag"]
    flagged = [text for text, decision in zip(texts, decisions, strict=True) if decision == "flag"]
    every = round(1 / FLAGGED)
    mixed: list[str] = []
    for position, text in enumerate(passed, 1):
        mixed.append(text)
        if position % (every - 1) == 0 and flagged:
            mixed.append(flagged.pop())
    return mixed, 1 - len(passed) / len(mixed)


def _figures(loads: Mapping[str, Sequence[Load]]) -> dict[str, float]:
    if any(turn.failed for turns in loads.values() for turn in turns):
        raise RuntimeError("Requests did not get status 200.")
    rates = {
        mode: statistics.median(turn.figures("x")["x.requests_per_second"] for turn in turns)
        for mode, turns in loads.items()
    }
    progress("evidence: " + ", ".join(f"{mode} {rate:.0f}" for mode, rate in rates.items()))
    losses = {f"evidence.{mode}_loss": 1 - rates[mode] / rates["off"] for mode in ("flagged", "all")}
    return {f"evidence.{mode}": rate for mode, rate in rates.items()} | losses
