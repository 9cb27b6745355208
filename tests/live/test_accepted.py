"""Whatever a live state accepts can be restored, and the restored state is equal to the live one."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import StateError
from fraudsieve.features import History
from fraudsieve.features.live_state import HistoryState
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from tests.live.contents import content
from tests.live.samples import event, with_views
from tests.messages import refused
from tests.profiles import examples

pytestmark = pytest.mark.slow

AT = "2024-05-01T10:00:00Z"
ABSENT = object()
VALUES = [
    ABSENT, None, "", "  ", "e1", "ann", " ann ", "\ud800", "\ud83d\ude00", 7, 0, -1, 10**30, 1.5, 1.0, float("nan"),
    float("inf"), 1e300, True, False, [], [1], {}, {"a": 1}, AT, "0001-01-01", "9999-12-31",
    "2024-05-01T10:00:00+23:59", datetime(2024, 5, 1), np.datetime64("NaT", "us"), np.datetime64(10**15, "s"),
    np.int64(7), np.float32(0.1),
]  # fmt: skip
RECORDS: dict[str, dict[str, Any]] = {
    "events": event(counterparty_id="bob", device_id="d", campaign=ABSENT, labelled=ABSENT),
    "labels": {
        "subject_id": "ann", "labelled_at": AT, "label": "fraud", "source": "bank", "confidence": 1,
        "inclusion_probability": 0.5, "event_id": ABSENT,
    },
    "messages": {
        "text": "Your parcel is held", "sent_at": AT, "account_id": "ann", "message_id": "e1", "recipient_id": "bob",
        "label": ABSENT, "labelled_at": ABSENT,
    },
}  # fmt: skip


def record_of(part: str, changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (RECORDS[part] | changes).items() if value is not ABSENT}


def deliveries(part: str) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    changes = st.dictionaries(st.sampled_from(sorted(RECORDS[part])), st.sampled_from(VALUES), max_size=3)
    return changes.map(lambda changes: (part, record_of(part, changes)))


def send(live: LiveState, part: str, record: dict[str, Any]) -> bool:
    """Send a record and return whether it was accepted."""
    if part == "messages":
        return live.observe(record).rejected == ()
    parts: dict[str, Any] = {part: record}
    return live.update(**parts).rejected == ()


def check_restored(scorer: Scorer, sent: list[tuple[str, dict[str, Any]]]) -> list[bool]:
    """Send records to a live state, open it again, send them again; compare it with one in memory all the time.

    Returns which records were accepted.
    """
    memory = LiveState(scorer)
    with tempfile.TemporaryDirectory() as folder:
        with LiveState(scorer, Path(folder, "live.db")) as live:
            accepted = [send(live, *one) for one in sent]
            before = content(live.state)
        with LiveState(scorer, Path(folder, "live.db")) as live:
            assert content(live.state) == before
            again = [send(live, *one) for one in sent]
            after, repeats = content(live.state), live.size.repeats
        with LiveState(scorer, Path(folder, "live.db")) as live:
            assert content(live.state) == after
    assert [send(memory, *one) for one in sent] == accepted
    assert content(memory.state) == before
    first = memory.size.repeats
    assert [send(memory, *one) for one in sent] == again
    assert (content(memory.state), memory.size.repeats - first) == (after, repeats)
    return accepted


POISON = [
    {"campaign": None, "occurred_at": AT, "kind": "pay"},
    {"labelled": None, "occurred_at": AT, "kind": "pay"},
    {"campaign": " ", "occurred_at": AT, "kind": "pay"},
    {"campaign": float("nan"), "occurred_at": AT},
]


@pytest.mark.parametrize("poison", POISON)
def test_an_event_of_nobody_is_rejected(poison: dict[str, Any], account_scorer: Scorer, message_scorer: Scorer) -> None:
    for scorer in (account_scorer, message_scorer):
        assert check_restored(scorer, [("events", poison), ("events", event())]) == [False, True]


def test_a_missing_label_beside_an_id_does_not_change_repeats(account_scorer: Scorer) -> None:
    sent = [("events", event(labelled=None)), ("events", event(labelled=" ")), ("events", event())]
    assert check_restored(account_scorer, sent) == [True] * 3
    live = LiveState(account_scorer)
    assert [send(live, *one) for one in sent] == [True] * 3
    assert live.size.repeats == 2


def test_a_pair_of_surrogates_is_one_character(account_scorer: Scorer) -> None:
    sent = [
        ("events", event(account_id="\ud83d\ude00", event_id=None)),
        ("events", event(account_id="😀", event_id=None)),
    ]
    assert check_restored(account_scorer, sent) == [True, True]
    live = LiveState(account_scorer)
    for one in sent:
        send(live, *one)
    assert live.state.n_entities == 1


@pytest.mark.parametrize("part", sorted(RECORDS))
def test_every_field_with_every_value(part: str, account_scorer: Scorer, message_scorer: Scorer) -> None:
    changes = [{name: value} for name in RECORDS[part] for value in VALUES]
    sent = [(part, record_of(part, change)) for change in changes]
    if part == "messages":
        sent += [(part, record_of(part, {"label": "spam", "labelled_at": AT} | change)) for change in changes]
    for scorer in (account_scorer, message_scorer):
        accepted = check_restored(scorer, sent)
        assert any(accepted)
        assert part == "messages" or not all(accepted)


@examples(100)
@given(st.lists(st.sampled_from(sorted(RECORDS)).flatmap(deliveries), max_size=6), st.booleans())
def test_accepted_implies_restorable_and_restored_equals_live(
    account_scorer: Scorer, message_scorer: Scorer, sent: list[tuple[str, dict[str, Any]]], is_account: bool
) -> None:
    check_restored(account_scorer if is_account else message_scorer, sent)


def test_every_amount_that_a_view_uses_is_restored(account_scorer: Scorer) -> None:
    balances = History(("1d",), amount="balance", measures=("sum",), name="balance")
    scorer = with_views(account_scorer, histories=(*account_scorer.model.matrix.event_views, balances))
    sent = [("events", event(balance=value, event_id=None)) for value in (7.25, None, "x", float("inf"), 3)]
    assert check_restored(scorer, sent) == [True, True, False, False, True]
    with tempfile.TemporaryDirectory() as folder:
        with LiveState(account_scorer, Path(folder, "live.db")) as live:
            live.update(event(balance=7.25))
        with refused(StateError):
            LiveState(scorer, Path(folder, "live.db"))  # the rows have no balances


def test_times_that_overflow_are_rejected(account_scorer: Scorer) -> None:
    state = HistoryState(account_scorer.model.matrix.event_views)
    for wrong in (np.datetime64(10**15, "s"), np.datetime64(-(10**15), "s"), np.datetime64(20_000, "Y")):
        assert state.update(event(occurred_at=wrong))[0].reason == (
            "occurred_at: expected a time in the years 1970 to 2100, got another one"
        )
