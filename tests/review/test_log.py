"""Draws from the score log: the days of the answers, what the records have, and a log without records."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve._microseconds import DAY
from fraudsieve.exceptions import SchemaError, StateError
from fraudsieve.live import open_store
from fraudsieve.live.store.facts import key_of_labels
from fraudsieve.live.store.score_rows import ScoreRow
from fraudsieve.models import Scorer
from fraudsieve.retrain import recomputation
from fraudsieve.review import ReviewDraw, ReviewPlan, draw_from_log
from tests.live.samples import logged_score
from tests.live.small_models import score_log
from tests.messages import refused
from tests.retrain.recompute.services import noise_model, records_of, serving, some_events, some_labels
from tests.service.handling import handler_of, reply_of

TEXTS = {"a": "win 100 now", "b": "see you at six", "c": "minutes of the meeting", "d": "photos of the garden"}


def row(name: str, time: int, probability: float, *, subject: str = "message", with_record: bool = True) -> ScoreRow:
    ids = {f"{subject}_id": name}
    place = {"request": f"r{time}", "as_of": time}
    decision = "flag" if probability > 0.5 else "pass"
    fields = {"probability": probability, "label": "spam", "decision": decision, "unlike_training": 0.5}
    score = logged_score(subject, ids, place, **fields, probabilities={"ham": 1 - probability})
    record = json.dumps({"text": TEXTS[name], "account_id": "ann"} | ids).encode()
    return ScoreRow(time, score.encode(), record if with_record else None)


def draw(folder: Path, *rows: ScoreRow, **settings: Any) -> ReviewDraw:
    log = score_log(folder / "live.db")
    log.log_scores(rows)
    log.close()
    with open_store(folder / "live.db") as store:
        return draw_from_log(store, ReviewPlan(4, audit=0.5), **settings)


def test_a_draw_has_the_records_that_were_answered_in_the_day(tmp_path: Path) -> None:
    rows = [row("a", DAY, 0.9), row("b", 2 * DAY - 1, 0.2), row("c", DAY - 1, 0.8), row("d", 2 * DAY, 0.1)]
    found = draw(tmp_path, *rows, day=date(1970, 1, 2))
    assert found.records["subject_id"].tolist() == ["a", "b"]
    assert found.records["text"].tolist() == [TEXTS["a"], TEXTS["b"]]
    assert found.records["why_drawn"].tolist() == ["alert", "audit"]
    assert found.records["model_digest"].eq("5f").all()
    assert found.records["day"].eq("1970-01-02").all()
    assert draw(tmp_path).frame == 4


def test_the_latest_score_of_a_record_counts(tmp_path: Path) -> None:
    found = draw(tmp_path, row("a", 1, 0.9), row("b", 2, 0.9), row("a", 3, 0.1))
    assert found.records[["subject_id", "why_drawn"]].to_numpy().tolist() == [["b", "alert"], ["a", "audit"]]


def test_a_log_without_records_has_nothing_to_show(tmp_path: Path) -> None:
    with refused(StateError):
        draw(tmp_path, row("a", 1, 0.9, with_record=False))


def test_an_error_names_the_store_and_not_a_file_that_is_gone(tmp_path: Path) -> None:
    with refused(SchemaError, "live.db"):
        draw(tmp_path, row("a", 1, 0.9), row("b", 2, 0.9, with_record=False))


def test_the_type_of_the_records_is_chosen(tmp_path: Path) -> None:
    rows = (row("a", 1, 0.9), row("b", 2, 0.9, subject="account"))
    with pytest.raises(StateError, match="expected scores of one type of records"):
        draw(tmp_path, *rows)
    found = draw(tmp_path, subject="account")
    assert found.records["subject"].tolist() == ["account"]


@pytest.mark.parametrize("subject", ["event", "account", "message"])
def test_reasons_are_those_of_the_answer_whatever_the_history_has_by_now(
    tmp_path: Path, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service answers with reasons and logs none. The draw finds the same: later events and labels do not count."""
    monkeypatch.setattr("fraudsieve.review.draw.REASONS", 5)  # as many as the service gives
    rng, model = np.random.default_rng(1), Scorer.load(noise_model(subject))
    events = some_events(rng, 60)
    answered: dict[tuple[str, float], Any] = {}
    handler = handler_of(noise_model(subject), state=tmp_path / "live.db", score_log="records")
    try:
        assert handler.live is not None
        for start in range(0, 60, 20):
            part = events[start : start + 20]
            records = [one | {"message_id": f"{start}{n}"} for n, one in enumerate(records_of(subject, part))]
            records = records if subject == "message" else records_of(subject, part)
            scores = json.loads(reply_of(handler, records, reasons=True, name=f"r{start}").content)
            answered |= {(score[f"{subject}_id"], score["probability"]): score["reasons"] for score in scores}
            handler.live.update(part, some_labels(rng, records_of(subject, part), 5) if subject == "event" else ())
    finally:
        handler.close()
    with open_store(tmp_path / "live.db") as store:
        found = draw_from_log(store, ReviewPlan(200, audit=0.5), model=model, subject=subject, threshold=0.5)
    assert len(found.records) > 3
    for row in found.records.to_dict("records"):
        expected = [reason["sentence"] for reason in answered[row["subject_id"], row["probability"]]][:5]
        assert [row[f"reason_{place}_sentence"] for place in range(1, 6)] == expected


def test_a_draw_of_a_day_has_the_reasons_of_that_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts were scored again on the next day, with more events: the reasons stay those of the drawn day."""
    events, path = some_events(np.random.default_rng(2), 40), tmp_path / "live.db"
    answered: dict[tuple[int, str, float], Any] = {}
    handler = handler_of(noise_model("account"), state=path, score_log="records")
    try:
        assert handler.live is not None
        for day in (1, 2):
            part = events[20 * day - 20 : 20 * day]
            now = int(datetime(2026, 5, 1 + day, tzinfo=UTC).timestamp()) * 10**9
            monkeypatch.setattr("time.time_ns", lambda now=now: now)
            reply = reply_of(handler, records_of("account", part), reasons=True, name=f"r{day}")
            for score in json.loads(reply.content):
                answered[day, score["account_id"], score["probability"]] = score["reasons"]
            handler.live.update(part)
    finally:
        handler.close()
    with open_store(path) as store:
        model = Scorer.load(noise_model("account"))
        found = draw_from_log(store, ReviewPlan(200, audit=0.5), model=model, threshold=0.5, day=date(2026, 5, 2))
    assert len(found.records) > 3
    for row in found.records.to_dict("records"):
        # The answer has more than three reasons, and those of one direction come first.
        told = {reason["sentence"] for reason in answered[1, row["subject_id"], row["probability"]]}
        assert {row[f"reason_{place}_sentence"] for place in range(1, 4)} <= told


def test_a_record_without_its_history_has_no_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path / "live.db") as service:
        service.score(*some_events(np.random.default_rng(1), 4))
    monkeypatch.setattr(recomputation, "_is_kept", lambda store, history, answers: np.arange(4) > 0)
    with open_store(tmp_path / "live.db") as store:
        found = draw_from_log(store, ReviewPlan(8, audit=0.5), model=Scorer.load(noise_model()), threshold=0.5)
    assert found.records["reason_1_sentence"].isna().sum() == 1
    assert "1 records have no reasons: the store no longer has their whole history" in found.notes


def drawn_days(folder: Path) -> list[tuple[str, Any]]:
    """The draws that the store remembers, by their names."""
    with open_store(folder / "live.db") as store, store.reading() as transaction:
        rows = transaction.sql.execute("SELECT name, content FROM meta WHERE name LIKE ? ORDER BY name", ("draw %",))
    return [(name, json.loads(content.partition(" ")[2])) for name, content in rows]


def test_the_store_remembers_what_was_drawn_from_a_day_without_ids(tmp_path: Path) -> None:
    twin = row("d", DAY, 0.9)._replace(record=json.dumps({"text": TEXTS["a"], "message_id": "d"}).encode())
    found = draw(tmp_path, row("a", DAY, 0.9), twin, row("b", DAY, 0.2), row("c", DAY, 0.1), day=date(1970, 1, 2))
    ((name, kept),) = drawn_days(tmp_path)
    # Two flagged messages of one campaign, and two that passed.
    assert (name, kept["scored"], kept["flagged"], kept["covers"]) == ("draw 1970-01-02 5f", 3, 1.0, True)
    expected = [
        [key_of_labels("message", identifier), chance, 2 if identifier in "ad" else 1, identifier in "ad"]
        for identifier, chance in found.records[["subject_id", "inclusion_probability"]].to_numpy().tolist()
    ]
    assert sorted(kept["drawn"]) == sorted(expected)
    draw(tmp_path, row("a", 2 * DAY, 0.9))  # of all days
    assert [name for name, _ in drawn_days(tmp_path)] == [name]
