"""Bodies of events, labels and messages with any values: what is accepted can be restored, and is equal.

Some messages are added as with their scores, all of a body or none.
"""

import json
import random
from pathlib import Path
from typing import Any

from fraudsieve.exceptions import FraudsieveError
from fraudsieve.live.recording import recording_calls
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from tests.attack.outcomes import Attempt, of_seeds
from tests.live.contents import content, drop_old_rows
from tests.live.small_models import account_scorer, message_scorer

__all__ = ["attempt", "prepare"]

BODIES = 3
PARTS = ("events", "labels", "messages")
TIMES = [
    "2024-05-01T10:00:00Z", "2024-05-01T10:00:01Z", "2024-05-01 18:00:00+08:00", "2024-05-01", " 2024-05-01T10:00 ",
]  # fmt: skip
IDS = [
    "e1", "e2", " e1", "", " ", 1, 0, "1", "\ud800", "\ud83d\ude00", "\u0000", "é", "中文", "x" * 300, 2**63, -(2**63),
]  # fmt: skip
WRONG: list[Any] = [
    None, True, False, 1.5, -0.0, 1e15, 1e16, 1e308, float("nan"), float("inf"), 10**30, [], {}, [[]], ["e1"], {"a": 1},
    "2024-13-01", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+23:59", "2024-W01", "now", "２０２４-05-01",
]  # fmt: skip
TEXTS = [
    "Your parcel is held, pay 12 now", "your parcel is held, pay 99 now!",
    "\u200b", "\ud800 a b c d e f", "中文 短信 内容", "",
]  # fmt: skip
FIELDS: dict[str, list[Any]] = {
    **dict.fromkeys(("account_id", "counterparty_id", "device_id", "event_id", "message_id", "recipient_id"), IDS),
    "campaign": IDS, "labelled": IDS, "sender_id": IDS, "kind": ["message", "pay", " message ", 7],
    "subject_id": IDS, "source": ["bank", 7, " "], "confidence": [0, 0.5, 1], "inclusion_probability": [0, 0.5, 1],
    "amount": [5, 0.1, -3, 10**15], "occurred_at": TIMES, "labelled_at": TIMES, "sent_at": TIMES, "text": TEXTS,
    "label": ["fraud", "legitimate", " ", "", None, "other"], "as_of": TIMES, "\ud800": IDS,
}  # fmt: skip
NEEDED = {
    "events": ("account_id", "occurred_at"),
    "labels": ("subject_id", "label", "labelled_at"),
    "messages": ("text", "sent_at"),
}


def prepare(folder: Path) -> Attempt:
    """Return a function that draws a seed for `attempt`."""
    return of_seeds(attempt, folder)


def attempt(seed: int, folder: Path) -> str:
    """Send bodies to a live state on disk and to one in memory, open the one on disk again, and compare.

    Returns "accepted" if a record was accepted, "refused" if none was, or a description of the fault.
    """
    chance = random.Random(seed)
    scorer = account_scorer() if seed % 2 else message_scorer()
    max_records = chance.choice([1, 1, 4])  # one record alone is often refused
    bodies = [_body(chance, max_records) for _ in range(BODIES if max_records > 1 else 1)]
    try:
        return _send(scorer, bodies, folder / "live", reopen_after=chance.randrange(BODIES))
    except FraudsieveError as error:
        return f"the store cannot be opened: {type(error).__name__}"
    except Exception as error:
        return f"{type(error).__name__} at {_place(error)}"


def _send(scorer: Scorer, bodies: list[bytes], folder: Path, *, reopen_after: int) -> str:
    """Send bodies, and open the folder again after one of them and at the end."""
    memory, accepted = LiveState(scorer), False
    live = LiveState(scorer, folder / "live.db", follow=False)
    try:
        for number, body in enumerate(bodies):
            outcomes = [_ingest(one, body, is_atomic=bool(number % 2)) for one in (live, memory)]
            if outcomes[0] != outcomes[1]:
                return "the states on disk and in memory accept other records"
            accepted |= outcomes[0] > 0
            if number in (reopen_after, len(bodies) - 1):
                live.close()
                live = LiveState(scorer, folder / "live.db", follow=False)
            for one in (live, memory):
                drop_old_rows(one.state)
            if content(live.state) != content(memory.state):
                return "the states on disk and in memory differ"
    finally:
        live.close()
    return "accepted" if accepted else "refused"


def _ingest(live: LiveState, body: bytes, *, is_atomic: bool) -> int:
    """Add the records of a body, and return how many were accepted."""
    try:
        parts = json.loads(body)
    except (ValueError, RecursionError):
        return 0
    n_accepted = 0
    for part, records in parts.items() if isinstance(parts, dict) else ():
        if part not in PARTS or not isinstance(records, list):
            continue
        given = [record for record in records if isinstance(record, dict)]
        if part == "messages" and is_atomic and live.scorer.model.matrix.campaigns is not None:
            n_accepted += _add_or_none(live, given)
            continue
        rejected = live.observe(given).rejected if part == "messages" else _update(live, part, given)
        n_accepted += len(given) - len(rejected)
    return n_accepted


def _add_or_none(live: LiveState, messages: list[dict[str, Any]]) -> int:
    """Add all messages or none, and return how many are in the history."""
    model, state = live.scorer.model, live.state
    (call,) = live.submit(lambda fields: recording_calls(model, state, fields, [messages]))
    call.outcome()
    return 0 if call.rejected or call.differing else len(messages)


def _update(live: LiveState, part: str, records: list[dict[str, Any]]) -> tuple[Any, ...]:
    parts: dict[str, Any] = {part: records}
    return live.update(**parts).rejected


def _body(chance: random.Random, max_records: int) -> bytes:
    names = chance.sample(PARTS, min(2, max_records))
    parts = {part: [_record(part, chance) for _ in range(chance.randint(1, max_records))] for part in names}
    body = json.dumps(parts).encode()
    if chance.random() < 0.2:  # any bytes in it
        place = chance.randrange(len(body))
        body = body[:place] + chance.choice([b"", b'"', b"null", b"{", b"\xff", b"1e999", b","]) + body[place + 1 :]
    return body


def _record(part: str, chance: random.Random) -> Any:
    if chance.random() < 0.03:
        return chance.choice(WRONG)
    names = {*NEEDED[part], *chance.sample(sorted(FIELDS), chance.randint(0, 6))}
    record: dict[str, Any] = {name: chance.choice(FIELDS[name]) for name in sorted(names)}
    for name in chance.sample(sorted(record), chance.choice([0, 0, 1, 2])):
        if chance.random() < 0.3:
            del record[name]
        else:
            record[name] = chance.choice(WRONG)
    return record


def _place(error: BaseException) -> str:
    """Return the innermost place of an error, without its message."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return "an unknown place" if traceback is None else f"{traceback.tb_frame.f_code.co_name}:{traceback.tb_lineno}"
