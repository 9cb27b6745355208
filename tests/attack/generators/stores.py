"""Damaged event stores: flipped bits, cut and deleted files, torn pages, and rows that SQL changed or forged."""

import json
import random
import shutil
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

from fraudsieve.exceptions import StateError
from fraudsieve.live.state import LiveState
from fraudsieve.live.store.facts import Head, Position, extend_chain
from fraudsieve.live.store.sqlite import HeadFile
from tests.attack.outcomes import Attempt, of_seeds
from tests.live.contents import content
from tests.live.samples import event
from tests.live.small_models import account_model, account_scorer

__all__ = ["attempt"]

CALLS = 10
PAGE = 4096
NAME = "live.db"
ENTRIES = [
    "1", "[]", "{}", "null", '"x"', "[" * 20_000, '{"events":1}', '{"events":[]}', '{"events":[1]}', '{"events":[1,2]}',
    '{"events":[1,{}]}', '{"events":[1e400,{"account_id":"a"}]}', '{"events":[true,{"account_id":"a"}]}',
    '{"events":[9999999999999999999999,{"account_id":"a"}]}', '{"events":[-9223372036854775808,{"account_id":"a"}]}',
    '{"events":[1,{"account_id":["a"]}]}', '{"events":[1,{"account_id":"a","amount":"x"}]}', '{"messages":[1,{}]}',
    '{"events":[1,{"account_id":"a","amount":NaN}]}', '{"messages":[1,{"campaign":7}]}',
    '{"messages":[1,{"campaign":[]}]}',
    '{"messages":[1,{"campaign":[[1]]}]}', '{"messages":[1,{"campaign":[1],"labelled":[1]}]}', '{"labels":[1,{}]}',
    '{"labels":[1,{"is_fraud":"x"}]}', '{"label":[1,{}]}', '{"retracted":[1,{}]}', '{"retracted":[1,{"labels":[]}]}',
    '{"labels":[1,{"is_fraud":true}]}', '{"account_labels":[1,{"is_fraud":true}]}',
    '{"other":[1,{}]}', '{"events":[1,{"account_id":"a"}],"labels":[1,{}]}', "\\u0000", "", " ", "{" + '"a":' * 9,
    '{"events":[1714557600000000,{"account_id":"forged"}]}', '{"messages":[1714557600000000,{"campaign":[1,2]}]}',
    "1,2", '{"events":[1,{"account_id":"a"}]},{"events":[1,{"account_id":"a"}]}',
]  # fmt: skip


def prepare(folder: Path) -> Attempt:
    """Return a function that draws a seed for `attempt`."""
    return of_seeds(attempt, folder)


def attempt(seed: int, folder: Path) -> str:
    """Damage a store, open it, and compare what it restores with what was acknowledged.

    Returns "accepted" if all of it was restored, "refused", or a description of the fault.
    """
    chance = random.Random(seed)
    origin, expected = _store(seed % 3)
    place = folder / "live"
    shutil.copytree(origin, place)
    damage = chance.choice(DAMAGES)
    damage(place, chance)
    try:
        with LiveState(account_scorer(), place / NAME, follow=False) as live:
            restored = content(live.state)
            live.update(event(event_id="later"))
            after = content(live.state)
        if restored != expected and damage is not _forge:
            return f"{damage.__name__}: events are lost or changed, and nothing says so"
        with LiveState(account_scorer(), place / NAME, follow=False) as live:
            if content(live.state) != after:
                return f"{damage.__name__}: opened again, it restores something else"
    except StateError:
        return "refused"
    except Exception as error:
        return f"{damage.__name__}: {type(error).__name__}"
    return "accepted"


@cache
def _store(kind: int) -> tuple[Path, dict[str, Any]]:
    """Write a store; return a folder with its files, and its content.

    It was closed cleanly (0), or its process was killed: then rows are in the write-ahead file, without (1) or with (2)
    a snapshot before them.
    """
    folder = account_model().parent / f"store-{kind}"
    with LiveState(account_scorer(), folder / "origin" / NAME, follow=False) as live:
        for number in range(CALLS):
            sent = [event(event_id=f"e{number}-{place}" if place else None, amount=place) for place in range(3)]
            live.update(sent, {"subject_id": f"a{number}", "labelled_at": "2024-05-01T11:00:00Z", "label": "fraud"})
            if kind == 2 and number == CALLS // 2:
                live.checkpoint()
        expected = content(live.state)
        if kind:
            shutil.copytree(folder / "origin", folder / "killed")
    return folder / ("killed" if kind else "origin"), expected


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.stat().st_size]


def _flip(folder: Path, chance: random.Random) -> None:
    """Flip bits of any file."""
    path = chance.choice(_files(folder))
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _cut(folder: Path, chance: random.Random) -> None:
    """Cut off the end of any file; zeros or noise may follow."""
    path = chance.choice(_files(folder))
    whole = path.read_bytes()
    tail = chance.choice([b"", bytes(chance.randrange(200)), chance.randbytes(chance.randrange(200))])
    path.write_bytes(whole[: chance.randrange(len(whole))] + tail)


def _tear(folder: Path, chance: random.Random) -> None:
    """Replace a page of any file by zeros, by noise or by another page."""
    path = chance.choice(_files(folder))
    data = bytearray(path.read_bytes())
    start, other = (chance.randrange(len(data)) // PAGE * PAGE for _ in range(2))
    page = chance.choice([bytes(PAGE), chance.randbytes(PAGE), bytes(data[other : other + PAGE])])
    data[start : start + PAGE] = page[: len(data) - start]
    path.write_bytes(data)


def _delete(folder: Path, chance: random.Random) -> None:
    """Delete a file."""
    chance.choice(_files(folder)).unlink()


def _edit(folder: Path, chance: random.Random) -> None:
    """Change, remove, add or exchange rows, as a person with an SQL prompt would."""
    statements = [
        "UPDATE events SET entry = replace(entry, '2', '3')",
        'DELETE FROM events WHERE "offset" > 40',
        'DELETE FROM events WHERE "offset" = 12',
        "UPDATE events SET time = time + 1",
        'UPDATE events SET "offset" = "offset" + 100',
        'INSERT INTO events SELECT "offset" + 100, time, entry, digest, subject FROM events WHERE "offset" < 4',
        "UPDATE events SET digest = (SELECT digest FROM events LIMIT 1)",
        "UPDATE meta SET content = '{}'",
        "DELETE FROM meta",
        "DROP TABLE events",
        "UPDATE chunks SET content = zeroblob(9)",
        "UPDATE snapshots SET facts = replace(facts, '1', '2')",
    ]
    connection = sqlite3.connect(folder / NAME)
    with connection:
        connection.execute(chance.choice(statements))
    connection.close()


def _forge(folder: Path, chance: random.Random) -> None:
    """Append rows of any content with right digests: whoever can do that can write events."""
    entries = [(1, chance.choice(ENTRIES).encode()) for _ in range(chance.randint(1, 2))]
    if chance.random() < 0.3:
        cells = [chance.choice([0, -1, 2**62, 1.5, None]), chance.choice([{}, [], "x", {"a": {}}])]
        entries.append((1, json.dumps({"events": cells}).encode()))
    connection, head = sqlite3.connect(folder / NAME), HeadFile(folder / f"{NAME}.head")
    with connection:
        last = connection.execute('SELECT "offset", digest FROM events ORDER BY "offset" DESC LIMIT 1').fetchone()
        rows, position = extend_chain(Position(*last), entries)
        connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, NULL)", rows)
    connection.close()
    head.write(Head(0, *position))
    head.close()


DAMAGES = [_flip, _flip, _flip, _cut, _cut, _tear, _tear, _delete, _edit, _forge]
