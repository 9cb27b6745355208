"""Draws from tables: who is drawn, what a draw shows, what was drawn before, and the files."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.cases import find_cases_in_tables, write_cases
from fraudsieve.exceptions import SchemaError
from fraudsieve.review import ReviewDraw, ReviewPlan, draw_records, write_draw
from fraudsieve.review.draw import NO_RECALL
from fraudsieve.tables import read_table
from tests.cases.planted import planted_rings
from tests.messages import refused

N = 40
TOPICS = ("parcel held at customs", "see you at the station", "minutes of the meeting", "photos of the garden")
DAYS = ["2026-05-01T10:00:00Z", "2026-05-02T11:00:00Z"]


def messages() -> pd.DataFrame:
    """Return texts that are no near-duplicates, over two days, with a label that nobody may see."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice([*"abcdefghijklmnop"], 9)) for _ in range(6 * N)]
    texts = [" ".join(words[6 * k : 6 * k + 6]) for k in range(N)]
    frame = pd.DataFrame({"message_id": [f"m{k:02}" for k in range(N)], "text": texts, "account_id": "ann"})
    return frame.assign(sent_at=[DAYS[k % 2] for k in range(N)], channel="sms", label="spam")


def scores(**columns: Any) -> pd.DataFrame:
    probability = np.linspace(0.99, 0.01, N)
    frame = pd.DataFrame({"message_id": messages()["message_id"], "probability": probability})
    frame = frame.assign(decision=np.where(probability > 0.8, "flag", "pass"), label="spam", unlike_training=0.5)
    return frame.assign(**columns)


def draw(plan: ReviewPlan | None = None, **options: Any) -> ReviewDraw:
    plan = plan or ReviewPlan(10, audit=0.3, near=0.1)
    return draw_records(options.pop("scores", scores()), plan, messages=messages(), **options)


def test_a_draw_shows_what_people_need() -> None:
    found = draw(scores=scores(reason_1="x", reason_1_sentence="It has a link.", model_digest="5f"))
    assert found.counts == {"alert": 6, "near": 1, "audit": 3}
    first = found.records.iloc[0]
    assert first.drop("text").to_dict() == {
        **{"subject_id": "m00", "subject": "message", "why_drawn": "alert", "inclusion_probability": 1.0},
        **{"recall_can_be_estimated": True, "day": "2026-05-02", "probability": 0.99, "decision": "flag"},
        **{"predicted": "spam", "unlike_training": 0.5, "case_id": None, "account_id": "ann", "model_digest": "5f"},
        **{"time": pd.Timestamp(DAYS[0]), "reason_1_sentence": "It has a link."},
    }
    assert first["text"] == messages()["text"][0]
    audited = found.records[found.records["why_drawn"] == "audit"]
    rest = np.sqrt(np.delete(np.linspace(0.99, 0.01, N), [*range(6), 8]))  # 8 is near the threshold
    expected = 3 * (0.8 * np.sqrt(audited["probability"]) / rest.sum() + 0.2 / 33)
    assert audited["inclusion_probability"].tolist() == pytest.approx(expected.tolist())
    assert (found.frame, found.covers, found.notes) == (40, True, ())


def test_without_an_audit_the_draw_says_that_recall_cannot_be_estimated() -> None:
    found = draw(ReviewPlan(5))
    assert not found.records["recall_can_be_estimated"].any()
    assert found.notes == (NO_RECALL,)


def test_the_order_of_the_tables_does_not_matter() -> None:
    shuffled = draw_records(scores()[::-1], ReviewPlan(10, audit=0.3), messages=messages().sample(frac=1))
    pd.testing.assert_frame_equal(shuffled.records, draw(ReviewPlan(10, audit=0.3)).records)


def test_a_day_and_a_seed_set_the_audit() -> None:
    first = draw(day=date(2026, 5, 1)).records
    assert set(first["time"]) == {pd.Timestamp(DAYS[0])}
    pd.testing.assert_frame_equal(first, draw(day=date(2026, 5, 1)).records)
    others = [draw(ReviewPlan(10, audit=0.3, seed=seed)).records["subject_id"].tolist() for seed in range(5)]
    assert len({*map(tuple, others)}) > 1
    answered = draw(scores=scores(answered_at="2026-05-03T00:00:00Z"), day=date(2026, 5, 3))
    assert answered.frame == N
    assert answered.records["day"].eq("2026-05-03").all()


@pytest.mark.parametrize("extension", ["csv", "xlsx", "parquet", "jsonl"])
def test_what_was_drawn_before_is_not_drawn_again(tmp_path: Path, extension: str) -> None:
    first = draw()
    write_draw(first, tmp_path / f"first.{extension}")
    second = draw(previous=[tmp_path / f"first.{extension}"])
    assert not {*second.records["subject_id"]} & {*first.records["subject_id"]}
    assert (second.frame, second.left_out["drawn before"]) == (30, 10)
    flagged = 8 - 6 - int((first.records["decision"].eq("flag") & first.records["why_drawn"].eq("audit")).sum())
    assert second.counts == {"alert": flagged, "near": 1, "audit": 3}
    audited = second.records[second.records["why_drawn"] == "audit"]
    assert audited["inclusion_probability"].between(0.2 * 3 / (30 - 1 - flagged), 1).all()
    alike = first.records.assign(subject="event")  # ids of another type of records
    assert draw(previous=alike).frame == N


@pytest.mark.slow
def test_the_frequency_over_seeds_is_the_probability_also_of_a_campaign_and_after_an_earlier_draw() -> None:
    texts = messages().head(9)
    texts.loc[[4, 5, 6], "text"] = [f"{TOPICS[0]}, log in at parcel.example/{k}" for k in (1, 2, 3)]
    earlier = pd.DataFrame({"subject_id": ["m05", "m08"]})
    counts, stated = dict.fromkeys(texts["message_id"], 0), {}
    repeats = 120
    for seed in range(repeats):
        plan = ReviewPlan(4, audit=0.5, seed=seed)
        found = draw_records(scores().head(9), plan, messages=texts, threshold=0.95, previous=earlier).records
        for name, probability in zip(found["subject_id"], found["inclusion_probability"], strict=True):
            counts[name] += 1
            stated[name] = probability
    assert stated["m04"] == stated["m06"] == pytest.approx(2 / 5, rel=0.1)  # of m02, m03, m07 and the campaign of two
    assert stated["m02"] > stated["m03"] > stated["m07"]
    assert counts["m05"] == counts["m08"] == 0
    for name, probability in stated.items():
        assert abs(counts[name] / repeats - probability) <= 4 * np.sqrt(probability * (1 - probability) / repeats)


def test_alerts_by_case(tmp_path: Path) -> None:
    events = planted_rings([5, 4]).rename(columns={"action_id": "event_id"}).drop(columns="ring").assign(amount=10.0)
    scored = events[["event_id", "account_id", "occurred_at"]].assign(probability=0.9, decision="flag", label="scam")
    scored.loc[5:, "probability"] = 0.95
    write_cases(find_cases_in_tables(scored, events=events, key=b"a key"), tmp_path / "cases")
    found = draw_records(scored, ReviewPlan(6), events=events, cases=tmp_path / "cases", show=["amount"])
    ranks = pd.read_parquet(tmp_path / "cases" / "cases.parquet").set_index("case_id")["rank"]
    assert found.records["case_id"].map(ranks).tolist() == sorted(found.records["case_id"].map(ranks))
    assert found.records["case_id"].nunique() == 2
    assert "counterparty_id" not in found.records
    assert found.records["amount"].eq(10).all()
    everything = draw_records(scored, ReviewPlan(6), events=events)
    assert {"amount", "counterparty_id", "kind"} <= {*everything.records}
    assert everything.records["probability"].tolist() == [0.95] * 4 + [0.9] * 2


def test_nobody_sees_labels_that_are_known(tmp_path: Path) -> None:
    assert "label" not in draw().records
    with refused(SchemaError):
        draw(show=["label", "probability"])


def test_a_text_that_is_a_formula_is_not_run(tmp_path: Path) -> None:
    texts = messages().assign(text="=HYPERLINK(1)")
    found = draw_records(scores(), ReviewPlan(2), messages=texts)
    write_draw(found, tmp_path / "draw.csv")
    assert "'=HYPERLINK(1)" in (tmp_path / "draw.csv").read_text()
    assert (tmp_path / "draw.csv").stat().st_mode & 0o077 == 0
    drawn = pd.read_csv(tmp_path / "draw.csv")
    assert drawn["inclusion_probability"].tolist() == [1, 1]


def test_digits_of_probabilities_are_kept(tmp_path: Path) -> None:
    found = draw()
    write_draw(found, tmp_path / "draw.csv")
    written = pd.read_csv(tmp_path / "draw.csv", dtype=str)["inclusion_probability"]
    assert [*map(float, written)] == found.records["inclusion_probability"].tolist()


def stand_in(**matrix: Any) -> Any:
    """Return what a draw needs of a scorer."""
    matrix = {"history_parts": (), "custom": SimpleNamespace(categories={}, texts={}, dates=()), **matrix}
    return SimpleNamespace(
        model=SimpleNamespace(
            subject=Subject.MESSAGE,
            digest="5f",
            classes=("ham", "spam"),
            legitimate="ham",
            training={},
            matrix=SimpleNamespace(**matrix),
        )
    )


def test_only_records_that_the_model_has_scored_get_its_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(_: Any, records: pd.DataFrame, *, reasons: int, language: str) -> pd.DataFrame:
        probability = records["message_id"].map(scores().set_index("message_id")["probability"])
        return pd.DataFrame({"probability": probability, "reason_1_sentence": f"{reasons} {language}"})

    monkeypatch.setattr("fraudsieve.review.draw.score_frame", explain)
    found = draw(ReviewPlan(2), scores=scores(model_digest=["5f", *["other"] * (N - 1)]), model=stand_in())
    assert found.records["reason_1_sentence"].fillna("").tolist() == ["3 en", ""]
    assert found.records["model_digest"].tolist() == ["5f", "other"]
    assert found.notes[0] == "1 records were scored by another model, and have no reasons"
    assert draw(model=stand_in()).records["model_digest"].eq("5f").all()
    for others in ({"probability": 0.5}, {"model_digest": "other"}):
        with refused(SchemaError):
            draw(scores=scores(**others), model=stand_in())


def test_a_model_with_history_gives_no_reasons_for_single_records() -> None:
    with refused(SchemaError, "--reasons"):
        draw(model=stand_in(history_parts=("events",)))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"scores": scores().assign(message_id="m00")}, "ids of column 'message_id' occur more than once"),
        ({"scores": scores().drop(columns="decision")}, "column 'decision' is missing"),
        ({"scores": scores().assign(message_id=lambda f: "x" + f["message_id"])}, "40 scored records are not in"),
        ({"scores": [scores(), scores()]}, "40 ids occur more than once"),
        ({"scores": scores(probability=None)}, r"got none \(40 without an id or a score\)"),
        ({"plan": ReviewPlan(5), "threshold": 1.0}, "none of the 40 records is drawn"),
        ({"day": date(2026, 6, 1)}, r"got none \(40 of other days or without a time\)"),
        ({"previous": pd.DataFrame({"id": ["m00"]})}, "column 'subject_id' is missing"),
    ],
)
def test_wrong_calls(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SchemaError, match=problem):
        draw(**options)


def test_scores_need_their_table() -> None:
    with refused(SchemaError):
        draw_records(scores(), ReviewPlan(5), events=messages())


def test_a_draw_is_read_as_a_table(tmp_path: Path) -> None:
    write_draw(draw(), tmp_path / "draw.parquet")
    labels = pd.read_parquet(tmp_path / "draw.parquet").assign(label="spam")
    assert read_table(labels, "labels").rejected.empty


def test_a_record_without_a_decision_is_not_flagged_and_a_table_of_them_needs_a_threshold(tmp_path: Path) -> None:
    some = scores(decision=[None, *["flag"] * 3, *["pass"] * (N - 4)])
    some.to_parquet(tmp_path / "some.parquet")
    drawn = draw(ReviewPlan(5), scores=tmp_path / "some.parquet").records
    assert drawn["subject_id"].tolist() == ["m01", "m02", "m03"]
    none = scores(decision=None)
    with refused(SchemaError, "no operating point"):
        draw(scores=none)
    assert draw(scores=none, threshold=0.5).counts["alert"] == 6
