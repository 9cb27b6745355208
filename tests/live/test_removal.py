"""Erasure of an account, and a watermark that is taken back."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.live.contents import erase, rewind
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.facts import START
from fraudsieve.live.store.snapshots import list_removals
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.samples import count_events, event
from tests.profiles import size

SECRET = "Zebedee-1947"
SENT = [
    event(event_id=number, account_id=SECRET if number % 3 == 0 else f"a{number % 4}", counterparty_id=other)
    for number, other in enumerate(["bob", SECRET, "bob", "eve"] * 5)
]
KEPT = [sent for sent in SENT if SECRET not in (sent["account_id"], sent["counterparty_id"])]
LABELS = [
    {"subject_id": name, "labelled_at": "2024-05-01T10:30:00Z", "label": "fraud", "source": "review"}
    for name in (SECRET, "bob")
]


def files_with(text: str, folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if text.encode() in path.read_bytes()]


def test_nothing_is_left_of_an_erased_account(account_scorer: Scorer, tmp_path: Path) -> None:
    path, n_kept, first = tmp_path / "live.db", len(KEPT) + 3, event(event_id="first", account_id="first")
    with LiveState(account_scorer, path) as live:
        live.update(first)
        live.update(SENT, LABELS)
        live.checkpoint()
        digests = [row[3] for row in rows_of(path)]
        assert files_with(SECRET, tmp_path) != []
        with open_store(path) as store:
            assert erase(store, account_id=f" {SECRET} ") == len(SENT) + 5 - n_kept
            assert store.facts.start.digest != START.digest  # a digest of nothing that is known
            (record,) = list_removals(store)
        assert (record["kind"], record["rows"]) == ("erase", len(SENT) + 5 - n_kept)
        assert datetime.fromisoformat(record["at"]) - datetime.now(UTC) < timedelta(minutes=5)
        assert files_with(SECRET, tmp_path) == []  # while the service runs
        assert not any(digest in file.read_bytes() for digest in digests for file in tmp_path.iterdir())
        assert live.catch_up() == len(SENT) + 5 + n_kept  # offsets go on rising
        expected = account_scorer.new_state()
        label = {"account_id": "bob", "labelled_at": LABELS[1]["labelled_at"], "is_fraud": True}
        expected.update([first, *KEPT], account_labels=label)
        assert content(live.state) == content(expected)
    with LiveState(account_scorer, path) as live:
        assert content(live.state) == content(expected)
    assert files_with(SECRET, tmp_path) == []


@pytest.mark.slow
def test_every_process_forgets_an_erased_account(account_scorer: Scorer, address: str) -> None:
    with LiveState(account_scorer, address) as one, LiveState(account_scorer, address) as two:
        one.update(SENT)
        with open_store(address) as store:
            erase(store, account_id=SECRET)
        two.update(event(event_id="later", account_id="ann"))  # before it was told otherwise
        one.catch_up()
        expected = account_scorer.new_state()
        expected.update(KEPT)
        expected.update(event(event_id="later", account_id="ann"))
        assert content(one.state) == content(two.state) == content(expected)
        with open_store(address) as store:
            assert erase(store, account_id="nobody") == 0
            assert [one["rows"] for one in list_removals(store)] == [len(SENT) - len(KEPT), 0]
            with pytest.raises(ValueError, match="account_id: expected an id, got a blank"):
                erase(store, account_id=" ")
    with LiveState(account_scorer, address) as live:
        assert content(live.state) == content(expected)


@pytest.mark.slow
def test_messages_of_an_erased_account_go_with_their_labels(message_scorer: Scorer, address: str) -> None:
    sent = {"text": "Your parcel is held", "sent_at": "2024-05-01T10:00:00Z"}
    messages = [
        sent | {"message_id": "m1", "account_id": SECRET},
        sent | {"message_id": "m2", "account_id": "ann", "recipient_id": SECRET},
        sent | {"message_id": "m3", "account_id": "ann", "recipient_id": "bob"},
    ]
    labels = [message | {"label": "spam", "labelled_at": "2024-05-01T10:30:00Z"} for message in messages]
    with LiveState(message_scorer, address) as live:
        live.observe([labels[0], *messages, *labels[1:]])
        with open_store(address) as store:
            assert erase(store, account_id=SECRET) == 6
        live.catch_up()
        expected = message_scorer.new_state()
        message_scorer.observe(expected, [messages[2], labels[2]])
        kept, wanted = content(live.state), content(expected)
        assert len(kept.pop("seen")["ids"]) == len(wanted.pop("seen")["ids"]) - 1  # a label of the store has no id
        assert kept == wanted


def rows_of(path: Any) -> list[Any]:
    with open_store(path) as store:
        return [row for batch in store.rows() for row in batch]


@pytest.mark.slow
def test_a_clock_that_was_ahead_can_be_put_right(account_scorer: Scorer, address: str) -> None:
    ahead = datetime(2034, 5, 1, tzinfo=UTC)
    with LiveState(account_scorer, address) as live, LiveState(account_scorer, address) as other:
        live.update(event())
        assert live.update(event(event_id="e2", occurred_at=ahead), now=ahead).rejected == ()
        assert len(live.update(event(event_id="e3")).rejected) == 1  # every true event is too late now
        with open_store(address) as store:
            assert rewind(store, "2024-05-02") == 1
            assert rewind(store, "2024-05-02") == 0
            assert list_removals(store)[0]["until"] == "2024-05-02T00:00:00.000000Z"
        assert live.update(event(event_id="e3")).rejected == ()
        other.catch_up()
        for one in (live, other):
            assert count_events(one) == 2
            assert one.state.watermark == np.datetime64("2024-05-01T10:00:00", "us").astype(int)
    with LiveState(account_scorer, address) as live:
        assert (count_events(live), live.size.ids) == (2, 2)


ERASES = """
import sys
from fraudsieve.live.contents import erase
from fraudsieve.live.store import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
erase(store, account_id=sys.argv[2])
print("done", flush=True)
"""


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_the_old_rows_or_the_new(account_scorer: Scorer, address: str) -> None:
    chance, n_kept = random.Random(5), 0
    sent = [event(event_id=number, account_id=SECRET if number % 2 else "ann") for number in range(6000)]
    with LiveState(account_scorer, address) as live:
        live.update(sent)
    outcomes = set()
    for _ in range(size(8, usual=4)):
        process = subprocess.Popen([sys.executable, "-c", ERASES, address, SECRET], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with LiveState(account_scorer, address) as live:
            n_kept = live.size.ids
        outcomes.add(n_kept)
        if n_kept == 3000:
            with open_store(address) as store:
                assert not store.facts.needs_shrinking
            if address.endswith(".db"):
                assert files_with(SECRET, Path(address).parent) == []
    assert outcomes <= {3000, 6000}


@pytest.mark.slow
def test_an_erasure_that_fails_changes_nothing(
    account_scorer: Scorer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LiveState(account_scorer, address) as live:
        live.update(SENT)
        before = content(live.state)
        with open_store(address) as store:
            real = store.database.writing
            with monkeypatch.context() as patch:
                patch.setattr("fraudsieve.live.store.snapshots.drop_snapshots", fails)
                with pytest.raises(StateError):
                    erase(store, account_id=SECRET)
            assert store.database.writing == real
            assert list_removals(store) == []
        live.catch_up()
        assert content(live.state) == before


def fails(*_: Any) -> None:
    raise StateError("store", "the disk is full", "Free space.")
