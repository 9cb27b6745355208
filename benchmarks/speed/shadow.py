"""What rules and a shadow cost a service: requests per second and latency with and without them."""

import http.client
import json
import re
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.data.location import load_messages
from benchmarks.runner import Bar, Report, progress
from benchmarks.service.http_load import Load, load
from benchmarks.service.http_servers import TOKEN, our_server
from benchmarks.service.models import train_on_messages

__all__ = ["run"]

DATASET = "fbs_sms"
RECORDS, CLIENTS, SECONDS, TURNS = 3000, (1, 8), 5.0, 6
RATE_BOUND = 0.75
"""Of the requests per second without: the thread of a shadow works at most a tenth of the time."""
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
RULES = """
[[rule]]
id = "hosts"
field = "host"
file = "hosts.txt"
action = "flag"
reason = "benchmark"

[[rule]]
id = "accounts"
field = "account_id"
file = "accounts.txt"
action = "pass"
reason = "benchmark"
"""
VALUES = 10_000
_PROTOCOL = (
    "one model of {dataset}, trained by the defaults, behind three services: plain; rules (--rules, {values:,} hosts "
    "and {values:,} accounts); shadow (--shadow, the same model). One message per request, {turns} turns of "
    "{seconds:g} s for every number of clients, the services in turn and each as often first, medians. scored: the "
    "share of the records that the shadow has scored at the end; the others were dropped"
)


def run(
    *,
    messages: pd.DataFrame | None = None,
    model: Path | None = None,
    clients: Sequence[int] = CLIENTS,
    seconds: float = SECONDS,
    turns: int = TURNS,
) -> Report:
    """Serve one model in three ways, and load the services in turn.

    Parameters
    ----------
    messages : DataFrame, default=None
        Labelled messages; None for those of fbs_sms.
    model : Path, default=None
        A model folder; None to train one.
    clients : sequence of int, default=(1, 8)
        Numbers of concurrent clients.
    seconds : float, default=5.0
        Length of a turn.
    turns : int, default=6
        Turns of every service.

    Returns
    -------
    Report
    """
    messages = load_messages(DATASET) if messages is None else messages
    texts = messages["text"].sample(RECORDS, random_state=0, replace=len(messages) < RECORDS)
    bodies = [json.dumps({"text": text, "account_id": f"a{n % 97}"}).encode() for n, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        if model is None:
            progress("training")
            model = train_on_messages(messages, folder)
        options = {"plain": (), "rules": ("--rules", _write_rules(folder)), "shadow": ("--shadow", str(model))}
        ports = {name: running.enter_context(our_server(model, *extra)) for name, extra in options.items()}
        figures = _load(ports, bodies, clients, seconds, turns)
        figures["shadow.scored"] = _scored(ports["shadow"])
    protocol = _PROTOCOL.format(dataset=DATASET, values=VALUES, turns=turns, seconds=seconds)
    bars = [Bar.at_least(name, figures[name], RATE_BOUND) for name in figures if name.endswith(".ratio_to_plain")]
    return Report("shadow", DATASET, protocol, len(messages), figures, {}, bars)


def _write_rules(folder: Path) -> str:
    (folder / "hosts.txt").write_text("\n".join(f"h{n}.example.com" for n in range(VALUES)))
    (folder / "accounts.txt").write_text("\n".join(f"p{n}" for n in range(VALUES)))
    (folder / "rules.toml").write_text(RULES)
    return str(folder / "rules.toml")


def _load(
    ports: dict[str, int], bodies: Sequence[bytes], clients: Sequence[int], seconds: float, turns: int
) -> dict[str, float]:
    figures: dict[str, float] = {}
    for count in clients:
        loads: dict[str, list[Load]] = {name: [] for name in ports}
        names = list(ports)
        for turn in range(turns):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                call: dict[str, Any] = {"clients": count, "seconds": seconds, "headers": HEADERS}
                loads[name].append(load(ports[name], "/v1/score", bodies, **call))
        for name, of_name in loads.items():
            if any(turn.failed for turn in of_name):
                raise RuntimeError("Requests did not get status 200.")
            by_turn = [turn.figures(f"{name}.{count}") for turn in of_name]
            figures |= {figure: statistics.median(turn[figure] for turn in by_turn) for figure in by_turn[0]}
        for name in ("rules", "shadow"):
            rates = [figures[f"{which}.{count}.requests_per_second"] for which in (name, "plain")]
            figures[f"{name}.{count}.ratio_to_plain"] = rates[0] / rates[1]
        progress(", ".join(f"{name} {value:.2f}" for name, value in figures.items() if f".{count}." in name))
    return figures


def _scored(port: int) -> float:
    """Return the share of the records that the shadow has scored, of those that were answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics", headers=HEADERS)
    text = connection.getresponse().read().decode()
    connection.close()
    scored, dropped = (
        sum(float(value) for value in re.findall(rf"^fraudsieve_shadow_{name}_total\S* (\S+)$", text, re.M))
        for name in ("decisions", "dropped")
    )
    return scored / (scored + dropped)
