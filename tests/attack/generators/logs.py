"""Damaged event logs: torn, with flipped bits, with moved, copied, removed and forged frames, with changed files."""

import json
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from fraudsieve.exceptions import StateError
from fraudsieve.models.live.frames import MARKER, frame
from fraudsieve.models.live.segments import HEADER
from fraudsieve.models.live.state import LiveState
from tests.attack.outcomes import Attempt, of_seeds
from tests.models.live.contents import content
from tests.models.live.samples import event
from tests.models.live.small_models import account_model, account_scorer

__all__ = ["attempt"]

CALLS = 10
ENTRIES = [
    "1", "[]", "{}", "null", '"x"', "[" * 20_000, '{"events":1}', '{"events":[]}', '{"events":[1]}', '{"events":[1,2]}',
    '{"events":[1,{}]}', '{"events":[1e400,{"account_id":"a"}]}', '{"events":[true,{"account_id":"a"}]}',
    '{"events":[9999999999999999999999,{"account_id":"a"}]}', '{"events":[-9223372036854775808,{"account_id":"a"}]}',
    '{"events":[1,{"account_id":["a"]}]}', '{"events":[1,{"account_id":"a","amount":"x"}]}', '{"messages":[1,{}]}',
    '{"events":[1,{"account_id":"a","amount":NaN}]}', '{"messages":[1,{"campaign":7}]}',
    '{"messages":[1,{"campaign":[]}]}',
    '{"messages":[1,{"campaign":[[1]]}]}', '{"messages":[1,{"campaign":[1],"labelled":[1]}]}', '{"labels":[1,{}]}',
    '{"labels":[1,{"is_fraud":"x"}]}', '{"labels":[1,{"is_fraud":true}]}', '{"account_labels":[1,{"is_fraud":true}]}',
    '{"other":[1,{}]}', '{"events":[1,{"account_id":"a"}],"labels":[1,{}]}', "\\u0000", "", " ", "{" + '"a":' * 9,
    '{"events":[1714557600000000,{"account_id":"forged"}]}', '{"messages":[1714557600000000,{"campaign":[1,2]}]}',
]  # fmt: skip


def prepare(folder: Path) -> Attempt:
    """Return a function that draws a seed for `attempt`."""
    return of_seeds(attempt, folder)


def attempt(seed: int, folder: Path) -> str:
    """Damage a log, open it, and compare what it restores with what was acknowledged.

    Parameters
    ----------
    seed : int
        Seed of the damage.
    folder : Path
        An empty folder.

    Returns
    -------
    str
        "accepted" if a beginning of what was acknowledged was restored, "refused", or a description of the fault.
    """
    chance = random.Random(seed)
    origin, beginnings = _log(seed % 3)
    live_folder = folder / "live"
    shutil.copytree(origin, live_folder)
    damage = chance.choice(DAMAGES)
    damage(live_folder, chance)
    try:
        with LiveState(account_scorer(), live_folder, fsync="never") as live:
            restored, cut = content(live.state), live.cut
        with LiveState(account_scorer(), live_folder, fsync="never") as live:
            if content(live.state) != restored or live.cut is not None:
                return f"{damage.__name__}: opened again, it restores something else"
    except StateError:
        return "refused"
    except Exception as error:
        return f"{damage.__name__}: {type(error).__name__}"
    if damage is _forge:
        return "accepted"  # whoever can write a right checksum can write events
    if restored not in beginnings:
        return f"{damage.__name__}: it restores what was never acknowledged"
    if restored != beginnings[-1] and cut is None and damage not in LOSSES:
        return f"{damage.__name__}: events are lost, and nothing says so"
    return "accepted"


@cache
def _log(kind: int) -> tuple[Path, list[dict[str, Any]]]:
    """Write a log; return its folder, and its content after each call since the snapshot."""
    folder = account_model().parent / f"log-{kind}"
    with LiveState(account_scorer(), folder, fsync="never", segment_bytes=(64 << 20, 1000, 2000)[kind]) as live:
        beginnings = [content(live.state)]
        for number in range(CALLS):
            sent = [event(event_id=f"e{number}-{place}" if place else None, amount=place) for place in range(3)]
            label = {"counterparty_id": "bob", "labelled_at": "2024-05-01T11:00:00Z", "is_fraud": True}
            live.update(sent, label | {"event_id": number}, account_labels=label | {"account_id": f"a{number}"})
            beginnings.append(content(live.state))
            if kind == 2 and number == CALLS // 2:
                live.checkpoint()
                beginnings = beginnings[-1:]
    return folder, beginnings


def _segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.log"))


def _tear(folder: Path, chance: random.Random) -> None:
    """Cut off the end, as a power cut does; zeros or noise may follow."""
    path = _segments(folder)[-1]
    whole = path.read_bytes()
    tail = chance.choice([b"", bytes(chance.randrange(200)), chance.randbytes(chance.randrange(200)), MARKER])
    path.write_bytes(whole[: chance.randrange(len(whole) + 1)] + tail)


def _flip(folder: Path, chance: random.Random) -> None:
    """Flip bits of any file."""
    path = chance.choice([path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size])
    data = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def _rewrite_frames(folder: Path, chance: random.Random, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = chance.choice(_segments(folder))
    head, *frames = path.read_bytes().split(MARKER)
    path.write_bytes(head + b"".join(change([MARKER + one for one in frames])))


def _reorder(folder: Path, chance: random.Random) -> None:
    """Exchange frames of a segment."""
    _rewrite_frames(folder, chance, lambda frames: chance.sample(frames, len(frames)))


def _duplicate(folder: Path, chance: random.Random) -> None:
    """Copy a frame to another place of its segment."""

    def change(frames: list[bytes]) -> list[bytes]:
        copies = list(frames)
        copies.insert(chance.randrange(len(frames) + 1), chance.choice(frames) if frames else b"")
        return copies

    _rewrite_frames(folder, chance, change)


def _remove(folder: Path, chance: random.Random) -> None:
    """Remove frames of a segment."""
    _rewrite_frames(folder, chance, lambda frames: [one for one in frames if chance.random() < 0.7])


def _exchange_files(folder: Path, chance: random.Random) -> None:
    """Exchange, copy or delete segments."""
    one, two = chance.choice(_segments(folder)), chance.choice(_segments(folder))
    first, second = one.read_bytes(), two.read_bytes()
    how = chance.choice(["exchange", "copy", "delete", "append"])
    if how == "delete":
        one.unlink()
    elif how == "append":
        one.write_bytes(first + second)
    else:
        one.write_bytes(second)
        two.write_bytes(first if how == "exchange" else second)


def _forge(folder: Path, chance: random.Random) -> None:
    """Append a frame with a right checksum and any content."""
    path = _segments(folder)[-1]
    data = path.read_bytes() or HEADER
    lines = chance.choices(ENTRIES, k=chance.randint(1, 2))
    if chance.random() < 0.3:
        lines.append(
            json.dumps({"events": [chance.choice([0, -1, 2**62, 1.5, None]), chance.choice([{}, [], "x", {"a": {}}])]})
        )
    path.write_bytes(data + frame("\n".join(lines).encode(), int(path.stem), len(data)))


DAMAGES = [_tear, _tear, _flip, _flip, _reorder, _duplicate, _remove, _exchange_files, _forge]
LOSSES = [_tear, _remove, _exchange_files]
"""Damages that may end a log between two frames, or delete its last file: no log can see that."""
