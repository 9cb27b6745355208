"""Evidence logs with one forged record, whose digests match: it is malformed or differs, and all others replay."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fraudsieve.evidence import Content, EvidenceLog, replay_log, verify_log
from fraudsieve.evidence.canonical import encode_canonical, to_plain
from fraudsieve.live.state import LiveState
from fraudsieve.models.predict import Scorer
from tests.attack.changes import change_json, odd_value
from tests.attack.outcomes import ACCEPTED, REFUSED, SECRET, Attempt, Outcome, judge
from tests.attack.small_models import write_message_model
from tests.evidence.logs import bodies_of, write_bodies
from tests.live.samples import event
from tests.live.small_models import account_scorer

HEX = ("nan", "inf", "-0x1.0p+0", "0x1p99999", "0x1.0p+1000", "x", "0x0.0p+0")


def prepare(folder: Path) -> Attempt:
    """Record scores of messages and of accounts, and return a function that forges one of them and replays all."""
    texts = write_message_model(folder / "messages")
    messages, accounts = Scorer.load(folder / "messages"), account_scorer()
    with EvidenceLog(folder / "m.jsonl", which="all", content=Content("kept")) as log:
        messages.score([{"message_id": str(n), "text": text} for n, text in enumerate([*texts[:5], SECRET])],
                       reasons=True, evidence=log)  # fmt: skip
    with (
        EvidenceLog(folder / "a.jsonl", which="all", content=Content("kept")) as log,
        LiveState(accounts, folder / "live.db") as live,
    ):
        for number in range(4):
            live.update(event(event_id=f"e{number}"))
            live.score_at([{"account_id": "a", "as_of": "2026-06-01T00:00:00Z"}], evidence=log, reasons=True)
    logs = [(messages, bodies_of(folder / "m.jsonl"), None)] * 2
    return partial(_attempt, folder, [*logs, (accounts, bodies_of(folder / "a.jsonl"), folder / "live.db")])


def _attempt(
    folder: Path, logs: list[tuple[Scorer, list[dict[str, Any]], Path | None]], rng: np.random.Generator
) -> Outcome:
    scorer, bodies, state = logs[int(rng.integers(len(logs)))]
    at = int(rng.integers(1, len(bodies)))  # the first is that of the log
    forged: list[dict[str, Any]] = json.loads(json.dumps(bodies))
    for _ in range(int(rng.integers(1, 3))):
        _change(forged[at], rng)
    path, refused = folder / "forged.jsonl", list[bool]()
    write_bodies(path, [encode_canonical(to_plain(body)) for body in forged])

    def use() -> bool:
        report = replay_log(path, scorer, state=state)
        refused.append(report.malformed > 0 or report.replayed < len(bodies) - 1)
        others = report.replayed >= len(bodies) - 2 and report.different <= 1
        named = {one.record for one in report.differences} <= {at} and SECRET not in str([*report.skipped])
        return others and named and verify_log(path).problems == () and report == replay_log(path, scorer, state=state)

    outcome = judge(use)
    return Outcome(REFUSED) if outcome.kind == ACCEPTED and refused[0] else outcome


def _change(body: dict[str, Any], rng: np.random.Generator) -> None:
    """Change a part of a record; it has more features than everything else together."""
    parts = [name for name, value in body.items() if isinstance(value, dict | list) and value]
    way = rng.random()
    if way < 0.7 and parts:
        part = body[parts[int(rng.integers(len(parts)))]]
        if isinstance(part, dict) and rng.random() < 0.3:
            part[str(rng.choice(list(part)))] = str(rng.choice(HEX))
        else:
            change_json(part, rng)
    elif way < 0.9:
        body[str(rng.choice(list(body)))] = odd_value(rng)
    else:
        change_json(body, rng)
