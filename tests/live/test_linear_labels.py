"""Labels of one subject take time in proportion to their number, whatever they say and in whatever order they come."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import pandas as pd
import pytest

from fraudsieve.live.labels import LabelRules, Subjects, label_key
from fraudsieve.live.state import LiveState
from fraudsieve.live.store.facts import subject_key
from fraudsieve.models import Scorer
from tests.live.samples import RECEIVED, event, with_views
from tests.live.small_models import account_scorer, event_scorer

START: Final = pd.Timestamp("2024-05-01T10:00:30Z")
N: Final = 3_000
ORDERS: Final[dict[str, Callable[[int], tuple[str, int]]]] = {
    "alternating": lambda number: ("fraud" if number % 2 else "legitimate", number),
    "repeated": lambda number: ("fraud", number),
    "backwards": lambda number: ("fraud" if number % 3 else "legitimate", N - number),
}


def labels_of(subjects: Sequence[str], order: str) -> list[dict[str, Any]]:
    given = [(subject, *ORDERS[order](number)) for number, subject in enumerate(subjects)]
    return [
        {"subject_id": subject, "label": label, "labelled_at": START + pd.Timedelta(seconds=seconds)}
        for subject, label, seconds in given
    ]


def seconds(scorer: Scorer, labels: Sequence[dict[str, Any]], path: Any, size: int) -> float:
    """Return the processor time of labels in bodies of a size; all of them are accepted."""
    ids = [*dict.fromkeys(label["subject_id"] for label in labels)]
    with LiveState(scorer, path) as live:
        live.update([event(event_id=name, account_id=name, counterparty_id=f"to {name}") for name in ids])
        start = time.thread_time()
        for first in range(0, len(labels), size):
            assert live.update(labels=labels[first : first + size])[::2] == ((), ())
        return time.thread_time() - start


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subject", "order", "size"),
    [
        ("event", "alternating", 1000),
        ("event", "repeated", 1000),
        ("event", "backwards", 1000),
        ("event", "alternating", 5),
        ("account", "alternating", 1000),
        ("account", "backwards", 1000),
    ],
)
def test_labels_of_one_subject_take_at_most_twice_the_time_of_as_many_subjects(
    subject: str, order: str, size: int, tmp_path: Any
) -> None:
    scorer = event_scorer() if subject == "event" else account_scorer()
    seconds(scorer, labels_of([f"s{number}" for number in range(50)], order), tmp_path / "warm.db", size)
    times = []
    for trial in range(3):  # up to three times: other tests and garbage take the processor too
        several = labels_of([f"s{number}" for number in range(N)], order)
        reference = seconds(scorer, several, tmp_path / f"several {trial}.db", size)
        times.append(seconds(scorer, labels_of(["s1"] * N, order), tmp_path / f"one {trial}.db", size) / reference)
        if times[-1] <= 2:
            return
    pytest.fail(f"{times} times the time")


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_flood_of_labels_keeps_no_label_out_and_repetitions_add_nothing(store: str, tmp_path: Any) -> None:
    scorer = with_views(event_scorer(), network=None)
    with LiveState(scorer, None if store == "memory" else tmp_path / "live.db") as live:
        live.update(event(counterparty_id="bob"))
        cleared = [
            {"subject_id": "e1", "label": "legitimate", "labelled_at": START + pd.Timedelta(seconds=second)}
            for second in range(300)
        ]
        for first in range(0, 300, 100):
            assert live.update(labels=cleared[first : first + 100])[::2] == ((), ())
        assert live.offset == 1 + 300 + 1  # the event, the labels, and what counts of them
        chargeback = cleared[0] | {"label": "fraud", "labelled_at": START + pd.Timedelta(days=9)}
        assert live.update(labels=[chargeback, *cleared])[::2] == ((), ())
        assert live.size.repeats == 300
        query = {"account_id": "bob", "as_of": START + pd.Timedelta(days=10)}
        assert live.state.features(query, [RECEIVED])[0].tolist() == [0, 1, 1]


def test_labels_of_a_call_that_failed_are_forgotten() -> None:
    rules, subjects = LabelRules(event_scorer().model), Subjects()
    stored, late, last = (
        {"label": [time, {"of": "event", "subject_id": "e1", "label": label}]}
        for time, label in ((1, "fraud"), (3, "legitimate"), (2, "legitimate"))
    )
    subjects.begin(lambda keys, after: [stored], 1)
    subjects.load([late])
    for entry in (late, last):
        assert subjects.labels("event", "e1", rules).add(label_key(entry)) is not None
        assert subjects.labels("event", "e1", rules).add(label_key(entry)) is None
        subjects.add(entry)
    assert [verdict.time for verdict in subjects.labels("event", "e1", rules).verdicts] == [1, 2]
    subjects.drop([last, late])
    assert [verdict.time for verdict in subjects.labels("event", "e1", rules).verdicts] == [1]


def test_labels_are_kept_for_later_calls_unless_rows_were_deleted() -> None:
    rules, subjects, read = LabelRules(event_scorer().model), Subjects(), list[int]()
    entries = [{"label": [time, {"of": "event", "subject_id": "e1", "label": "fraud"}]} for time in range(100)]

    def find(keys: Iterable[int], after: int) -> list[dict[str, Any]]:
        read.append(after)
        wanted = set[int | None](keys)
        return [entry for entry in entries[after:] if subject_key(entry) in wanted]

    for offset, version in ((80, 0), (100, 0), (100, 0), (100, 1)):
        subjects.begin(find, offset, version)
        subjects.load(entries[:1])
        assert len(subjects.labels("event", "e1", rules).keys) == 100
    assert [after for after in read if after] == [80, 100]
