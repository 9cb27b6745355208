"""Labels of a live state: by the id of their record alone, in any order, equal to the labels of tables."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.features import Network, history_features, network_features
from fraudsieve.features.label_trust import label_as_of
from fraudsieve.features.message_matrix import message_history
from fraudsieve.live.contents import erase, rewind
from fraudsieve.live.session import Replica
from fraudsieve.live.state import LiveState
from fraudsieve.live.store import open_store
from fraudsieve.live.store.facts import Position
from fraudsieve.models import Scorer
from fraudsieve.models.batch.scored_tables import read_history, trust_of_model
from tests.live.contents import content
from tests.live.samples import NIGHTS, RECEIVED, event, records, with_views
from tests.live.small_models import account_scorer, message_scorer

TRUST = {"recipe": {"data": {"trust": {"bank": 1.0, "review": 0.5, "rumour": 0.0}}}}
START = pd.Timestamp("2024-05-01T10:00:30Z")
SENT = {"message_id": "m1", "text": "Your parcel is held, pay now", "sent_at": "2024-05-01T10:00:00Z"}


def scorer_of_events(**training: Any) -> Scorer:
    """Return a model of events, with measures of the labels of what an account received."""
    model = with_views(account_scorer(), subject=Subject.EVENT, network=None).model
    return Scorer(replace(model, training=training))


def label(subject: str, verdict: Any = "fraud", minutes: int = 30, **more: Any) -> dict[str, Any]:
    return {"subject_id": subject, "label": verdict, "labelled_at": START + pd.Timedelta(minutes=minutes), **more}


def some_labels(rng: np.random.Generator, subjects: list[str]) -> list[dict[str, Any]]:
    """Return labels of some subjects: several of one, of several sources, at equal times and before it too."""
    chosen = rng.choice(subjects, size=2 * len(subjects))
    return [
        label(
            str(subject),
            str(rng.choice(["fraud", "legitimate"])),
            int(rng.integers(-30, 40)) * 30,
            source=str(rng.choice(["bank", "review", "rumour"])),
        )
        for subject in chosen
    ]


def some_events(rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    return [
        event(
            event_id=f"e{number}",
            account_id=f"a{rng.integers(4)}",
            counterparty_id=f"a{rng.integers(4)}",
            device_id=f"d{rng.integers(3)}",
            occurred_at=START + pd.Timedelta(minutes=int(rng.integers(0, 600))),
            amount=int(rng.integers(1, 9)),
        )
        for number in range(n)
    ]


def deliver(live: LiveState, rng: np.random.Generator, sent: dict[str, list[dict[str, Any]]], check: Any) -> None:
    """Deliver records of several types in a random order and in random batches, some twice; check now and then."""
    everything = [(part, record) for part, several in sent.items() for record in several]
    order = [everything[place] for place in rng.integers(0, len(everything), 3 * len(everything))]
    delivered: dict[str, list[dict[str, Any]]] = {part: [] for part in sent}
    while order:
        size = int(rng.integers(1, 12))
        batch, order = order[:size], order[size:]
        parts = {name: [record for part, record in batch if part == name] for name in sent}
        outcome = live.observe(parts["messages"]) if "messages" in sent else live.update(parts["events"])
        assert outcome.rejected == ()
        assert live.update(labels=parts["labels"]).rejected == ()
        for part, record in batch:
            delivered[part] += [record] if record not in delivered[part] else []
        if rng.random() < 0.2 and all(delivered.values()):
            check(delivered)


def queries(names: tuple[str, ...] = ("a0", "a1", "a2", "a3")) -> list[dict[str, Any]]:
    times = [START + pd.Timedelta(minutes=minutes) for minutes in (-400, 90, 300, 1300)]
    return [
        {"account_id": name, "counterparty_id": name, "as_of": time, "amount": 5.0} for name in names for time in times
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_labels_of_events_count_as_in_tables_at_any_moment_and_in_any_order(
    seed: int, store: str, tmp_path: Path
) -> None:
    rng, scorer = np.random.default_rng(seed), scorer_of_events(**(TRUST if seed % 2 else {}))
    address = None if store == "memory" else tmp_path / "live.db"
    views, subjects = [NIGHTS, RECEIVED], queries()

    def batch(delivered: dict[str, list[dict[str, Any]]]) -> npt.NDArray[np.float64]:
        tables = {name: pd.DataFrame(delivered[name]) for name in ("events", "labels")}
        events, labels, _ = read_history(scorer.model, events=tables["events"], known_labels=tables["labels"])
        assert events is not None
        return history_features(events, pd.DataFrame(subjects), views, labels=labels)

    def check(delivered: dict[str, list[dict[str, Any]]]) -> None:
        np.testing.assert_array_equal(live.state.features(subjects), batch(delivered))

    sent = {"events": some_events(rng, 25)}
    sent["labels"] = some_labels(rng, [f"e{number}" for number in range(27)])  # of two, the event never comes
    with LiveState(scorer, address, lateness="30d") as live:
        deliver(live, rng, sent, check)
        live.update(sent["events"], sent["labels"])
        check(sent)
        before = content(live.state)
    if address is not None:
        for is_rebuilt in (False, True):
            if is_rebuilt:
                forget_snapshots(address)
            with LiveState(scorer, address, lateness="30d") as live:
                assert content(live.state) == before
    assert np.nansum(batch(sent)[:, -1]) > 0


def forget_snapshots(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM snapshots")
        connection.execute("DELETE FROM chunks")


@pytest.mark.parametrize("seed", range(4))
def test_labels_of_accounts_count_as_in_tables(seed: int, tmp_path: Path) -> None:
    rng, base = np.random.default_rng(seed), account_scorer()
    scorer = Scorer(replace(base.model, training=TRUST if seed % 2 else {}))
    network, subjects = Network("counterparty_id", ("device_id",)), queries()
    n_columns = len(network.columns)

    def check(delivered: dict[str, list[dict[str, Any]]]) -> None:
        tables = {name: pd.DataFrame(delivered[name]) for name in ("events", "labels")}
        events, labels, _ = read_history(scorer.model, events=tables["events"], known_labels=tables["labels"])
        assert events is not None
        expected = network_features(events, pd.DataFrame(subjects), network, labels=labels)
        np.testing.assert_array_equal(live.state.features(subjects)[:, -n_columns:], expected)

    sent = {"events": some_events(rng, 25), "labels": some_labels(rng, ["a0", "a1", "a2", "a3", "a9"])}
    with LiveState(scorer, tmp_path / "live.db", lateness="30d") as live:
        deliver(live, rng, sent, check)
        live.update(sent["events"], sent["labels"])
        check(sent)


@pytest.mark.parametrize("seed", range(2))
def test_labels_of_messages_count_as_in_tables(seed: int, tmp_path: Path) -> None:
    rng, base = np.random.default_rng(seed), message_scorer()
    scorer = Scorer(replace(base.model, training=TRUST if seed % 2 else {}))
    texts = [f"Your parcel {number} is held, pay now at shop{kind}.example" for number in range(4) for kind in "abc"]
    sent = [
        SENT | {"message_id": f"m{number}", "text": text, "sent_at": START + pd.Timedelta(minutes=37 * number)}
        for number, text in enumerate(texts)
    ]
    asked = [one | {"sent_at": START + pd.Timedelta(days=2)} for one in sent]

    def check(delivered: dict[str, list[dict[str, Any]]]) -> None:
        known = label_as_of(pd.DataFrame(delivered["labels"]), trust=trust_of_model(scorer.model))
        labelled = [
            one | {"label": known["label"][one["message_id"]], "labelled_at": known["labelled_at"][one["message_id"]]}
            for one in delivered["messages"]
            if one["message_id"] in known.index
        ]
        state = scorer.new_state(lateness="30d")
        assert scorer.observe(state, [*delivered["messages"], *labelled]) == ()
        matrix = scorer.model.matrix
        found, expected = (
            message_history(asked, one, matrix.event_views, matrix.campaigns)[1] for one in (live.state, state)
        )
        np.testing.assert_array_equal(found, expected)

    everything = {"messages": sent, "labels": some_labels(rng, [str(one["message_id"]) for one in sent])}
    with LiveState(scorer, tmp_path / "live.db", lateness="30d") as live:
        deliver(live, rng, everything, check)


def received(live: LiveState) -> list[float]:
    """Return the number of events, known labels and frauds that an account received."""
    query = {"account_id": "bob", "as_of": START + pd.Timedelta(hours=2)}
    return [*live.state.features(query, [RECEIVED])[0].tolist()]


def test_a_label_needs_no_more_than_the_id_and_may_come_first(address: str) -> None:
    with LiveState(scorer_of_events(), address) as live:
        first = live.update(labels=[label("e1"), label("e9")])
        assert (first.rejected, first.unknown) == ((), (0, 1))
        assert live.update(event(counterparty_id="bob")).unknown == ()
        assert received(live) == [1, 1, 1]
        assert live.update(labels=label("e1")) == ((), live.offset, ())
        assert live.size.repeats == 1
    with LiveState(scorer_of_events(), address) as live:
        assert received(live) == [1, 1, 1]
        live.update(labels=label("e1", "legitimate", 40))
        assert received(live) == [1, 1, 0]  # the later label replaces it


def test_a_label_may_be_older_than_the_lateness(tmp_path: Path) -> None:
    with LiveState(scorer_of_events(), tmp_path / "live.db") as live:
        live.update([event(counterparty_id="bob"), event(event_id="e2", occurred_at=START + pd.Timedelta(days=5))])
        assert live.update(labels=label("e1")).rejected == ()
        as_of = {"account_id": "bob", "as_of": START + pd.Timedelta(days=5)}
        assert live.state.features(as_of, [RECEIVED])[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("kind", ["event", "account", "message"])
def test_labels_do_not_move_the_clock_of_events(kind: str, tmp_path: Path) -> None:
    """Labels that were loaded first made the events too late: their times are those of months of events."""
    scorer = account_scorer() if kind == "account" else message_scorer() if kind == "message" else scorer_of_events()
    days = [pd.Timedelta(days=day) for day in range(60)]
    subjects = {"event": "e{}", "account": "a{}", "message": "m{}"}[kind]
    labels = [
        label(subjects.format(day), labelled_at=START + days[day] + pd.Timedelta(days=30)) for day in range(60)
    ] + [label(subjects.format(0), "legitimate", labelled_at=START + pd.Timedelta(days=100))]
    events = [event(event_id=f"e{day}", account_id=f"a{day}", occurred_at=START + days[day]) for day in range(60)]
    sent = [SENT | {"message_id": f"m{day}", "sent_at": START + days[day]} for day in range(60)]
    with LiveState(scorer, tmp_path / "first.db") as first, LiveState(scorer, tmp_path / "last.db") as last:
        assert first.update(labels=labels).rejected == ()
        for live in (first, last):
            for day in range(60):
                outcome = live.observe(sent[day]) if kind == "message" else live.update(events[day])
                assert outcome.rejected == ()
        assert last.update(labels=labels).rejected == ()
        assert first.state.watermark == last.state.watermark == pd.Timestamp(START + days[-1]).value // 1000
    with LiveState(scorer, tmp_path / "first.db") as first:  # from the snapshot
        assert first.state.watermark == pd.Timestamp(START + days[-1]).value // 1000
    forget_snapshots(tmp_path / "first.db")
    with LiveState(scorer, tmp_path / "first.db") as first:  # from the rows, as columns
        assert first.state.watermark == pd.Timestamp(START + days[-1]).value // 1000


@pytest.mark.parametrize(
    ("value", "frauds"), [("fraud", 1), (True, 1), (1, 1), ("true", 1), ("phishing", 1), (0, 0), ("Legitimate", 0)]
)
def test_labels_are_read_as_in_training(value: Any, frauds: int, tmp_path: Path) -> None:
    with LiveState(scorer_of_events(), tmp_path / "live.db") as live:
        assert live.update(event(counterparty_id="bob"), label("e1", value)).rejected == ()
        assert received(live) == [1, 1, frauds]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject_id": None}, "subject_id: expected the id of the event, the field is missing"),
        ({"label": None}, "label: expected a label, the field is missing"),
        ({"label": "n/a"}, "label: expected a class, got a word for a missing label"),
        ({"label": [1]}, "label: expected a string, a number or a boolean, got list"),
        ({"labelled_at": None}, "labelled_at: expected a time, the field is missing"),
        (
            {"labelled_at": "2099-05-01"},
            "labelled_at: expected a time that is not in the future, got a later one",
        ),
        ({"source": "rumours"}, "source: expected one with a weight in the model's data.trust, got another"),
        ({"confidence": 1.5}, "confidence: expected a number from 0 to 1, got another one"),
        ({"inclusion_probability": 0}, "inclusion_probability: expected a number above 0, at most 1, got another one"),
    ],
)
def test_unusable_labels_are_rejected(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    with LiveState(scorer_of_events(**TRUST), tmp_path / "live.db") as live:
        labels = [label("e1", source="bank"), label("e1", source="bank") | change]
        assert live.update(event(counterparty_id="bob"), labels).rejected == ((1, reason),)
        assert received(live) == [1, 1, 1]


def test_labels_in_messages_count_with_their_messages(tmp_path: Path) -> None:
    scorer = message_scorer()
    labelled = SENT | {"label": "fraud", "labelled_at": "2024-05-01T10:30:00Z"}
    with LiveState(scorer, tmp_path / "one.db") as one, LiveState(scorer, tmp_path / "two.db") as two:
        assert one.observe(labelled).rejected == ()
        assert (
            two.observe(SENT).rejected == two.update(labels=label("m1") | {"labelled_at": labelled["labelled_at"]})[0]
        )
        assert content(one.state) == content(two.state)
        without_id = {name: value for name, value in labelled.items() if name != "message_id"}
        reason = "message_id: expected an id, because the message has a label, the field is missing"
        assert one.observe(without_id).rejected == ((0, reason),)


def test_records_of_a_frame_can_be_sent(tmp_path: Path) -> None:
    frame = pd.DataFrame([label("e1", confidence=0.5), label("e2")])
    with LiveState(scorer_of_events(), tmp_path / "live.db") as live:
        assert live.update(labels=records(frame)).rejected == ()


def test_the_labels_of_a_record_are_rewound_together(tmp_path: Path) -> None:
    """The later label arrives first."""
    labels = [label("e1", "fraud", 40), label("e1", "legitimate", 30), label("e2", "fraud", 30)]
    sent = [event(counterparty_id="bob"), event(event_id="e2", counterparty_id="bob")]
    with LiveState(scorer_of_events(), tmp_path / "live.db") as live:
        for one in labels:
            live.update(sent, one)
        assert received(live) == [2, 2, 2]
        with open_store(tmp_path / "live.db") as store:
            assert rewind(store, "2024-05-01T10:35:00Z") == 4
        live.catch_up()
        assert received(live) == [2, 1, 1]
        live.update(labels=labels[1])
        assert received(live) == [2, 2, 1]


def test_an_erased_account_takes_the_labels_of_its_events_with_it(tmp_path: Path) -> None:
    sent = [event(account_id="eve", counterparty_id="bob"), event(event_id="e2", counterparty_id="bob")]
    with LiveState(scorer_of_events(), tmp_path / "live.db") as live:
        live.update(sent, [label("e1"), label("e1", 0, 40), label("e2")])
        with open_store(tmp_path / "live.db") as store:
            assert erase(store, account_id="eve") == 5
        live.catch_up()
        assert received(live) == [1, 1, 1]


def test_a_state_that_follows_sees_a_label_with_all_that_counts_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, offsets = scorer_of_events(), list[int]()
    advance = Replica._advance

    def applied(self: Replica, add: Any, position: Position) -> None:
        advance(self, add, position)
        offsets.append(self.position.offset)

    with (
        LiveState(scorer, tmp_path / "live.db") as live,
        LiveState(scorer, tmp_path / "live.db", follow=False) as other,
    ):
        live.update([event(event_id="e1"), event(event_id="e2")], label("e3"))  # rows 1 to 3
        live.update(event(event_id="e3"))  # 4, and the effect of its label
        live.update(labels=[label("e1"), label("e2")])  # 6 and 8, each before its effect
        live.update(labels=label("e1", "legitimate", 40))  # 10, then its effect
        monkeypatch.setattr("fraudsieve.live.session.ROWS_AT_ONCE", 3)
        monkeypatch.setattr(Replica, "_advance", applied)
        assert other.catch_up() == live.offset == 11
        assert content(other.state) == content(live.state)
    assert offsets == [3, 5, 7, 9, 11]
