"""Rehearsals: equal to the log with the model in use, as of the offsets with another, and estimates from reviews."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.exceptions import RecipeError, StateError
from fraudsieve.live.contents import span_of
from fraudsieve.live.store import open_store
from fraudsieve.models import Scorer, write_model
from fraudsieve.models.batch.rows import feature_rows
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.rules import Rule, RuleSet
from fraudsieve.retrain import Rehearsal, rehearse
from fraudsieve.retrain.recomputation import are_equal, read_answers, read_replay
from fraudsieve.retrain.rehearsal import MIN_AUDITS, Estimate, ReviewedRecords, compare_frauds, estimate_frauds
from fraudsieve.retrain.stored_history import read_stored_history
from tests.messages import refused
from tests.retrain.recompute.services import label_of, logged, noise_model, records_of, serving, some_events
from tests.shared import shared_folder

DAYS = 3
THRESHOLD = 0.5


def with_point(subject: str = "event", seed: int = 0) -> Path:
    """Return the folder of a model with an operating point."""

    def write(folder: Path) -> None:
        model = Scorer.load(noise_model(subject, seed)).model
        point = OperatingPoint("false_positive_rate_0.1", THRESHOLD, 0.1, 0.5, 0.2)
        write_model(replace(model, name="", points=(point,)), folder / "model")

    return shared_folder(f"rehearsed_{subject}_{seed}", write) / "model"


def review(event: dict[str, Any], label: str, inclusion: float | None) -> dict[str, Any]:
    """Return the label of a review."""
    shares = {} if inclusion is None else {"inclusion_probability": inclusion}
    return label_of(event, label, 60) | {"source": "review:ann"} | shares


def fill(
    store: Path, subject: str, n: int, monkeypatch: pytest.MonkeyPatch, n_accounts: int = 4
) -> list[dict[str, Any]]:
    """Score records on several days, and add their events, some late; return the records."""
    events = some_events(np.random.default_rng(3), n)
    if n_accounts > 4:
        events = [event | {"account_id": f"a{place % n_accounts}"} for place, event in enumerate(events)]
    records = records_of(subject, events)
    with serving(store, with_point(subject)) as service:
        for place, (record, event) in enumerate(zip(records, events, strict=True)):
            day = datetime(2026, 6, 1 + place * DAYS // n, 12, tzinfo=UTC)
            clock = SimpleNamespace(time_ns=partial(int, 10**9 * int(day.timestamp()) + 1000 * place))
            monkeypatch.setattr("fraudsieve.service.score_log.time", clock)
            service.score(record)
            late = [events[place - 5]] if place >= 5 and place % 3 == 0 else []
            service.add([*late, *([] if (place + 5) % 3 == 0 else [event])])
            if subject == "message":
                service.add(messages=[record])
            service.add(labels=[label_of(record)] if place % 4 == 0 else [])
    monkeypatch.undo()
    return records


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    store = tmp_path_factory.mktemp("rehearsed") / "live.db"
    with pytest.MonkeyPatch.context() as patch:
        return store, fill(store, "event", 60, patch)


def run(store: Path, model: Path | Scorer | None = None, **options: Any) -> Rehearsal:
    with open_store(store) as opened:
        return rehearse(opened, model or with_point(), **options)


def one_by_one(store: Path, scorer: Scorer) -> np.ndarray[Any, Any]:
    """Return the probability of each logged record, scored alone with the rows up to its offset."""
    with open_store(store) as opened:
        answers = read_answers(opened, scorer, span_of(None, None), of_any=True)
        history = read_stored_history(opened, scorer.model)
    found = []
    for place, offset in enumerate(answers.places["offset"].tolist()):
        record = answers.records.iloc[[place]].reset_index(drop=True)
        rows = feature_rows(scorer.model, record, history.until(offset, offset))
        found += scorer.score_rows(rows.X, rows.why, rows.has_history)["probability"].tolist()
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["event", "account", "message"])
def test_with_the_model_in_use_nothing_differs(subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "live.db"
    fill(store, subject, 40, monkeypatch)
    scorer = Scorer.load(with_point(subject))
    with open_store(store) as opened:
        answers = read_answers(opened, scorer, span_of(None, None), of_any=True)
        batch = read_replay(opened, scorer, answers, lambda step: None)
    assert are_equal(batch.at_offsets(), batch.answers.scores).all()
    result = run(store, scorer)
    latest = {one.ids[f"{subject}_id"]: one.score["decision"] for one in logged(store)}
    assert result.totals == {
        "records": len(latest),
        "flagged": [*latest.values()].count("flag"),
        "flagged_rehearsed": [*latest.values()].count("flag"),
        "newly_flagged": 0,
        "newly_passed": 0,
    }
    assert result.left_out == ({} if len(latest) == 40 else {"scored again later": 40 - len(latest)})
    assert result.frauds is not None
    assert result.frauds[2:] == (0.0, 0.0, 0.0)
    assert result.refusal is None


@pytest.mark.slow
def test_another_model_is_scored_as_of_the_offsets(filled: Any) -> None:
    scorer = Scorer.load(with_point(seed=1))
    probability = one_by_one(filled[0], scorer)
    was = np.array([one.score["decision"] == "flag" for one in logged(filled[0])])
    day = np.arange(60) * DAYS // 60
    for threshold in (None, 0.3):
        result = run(filled[0], scorer, threshold=threshold)
        now = probability >= (threshold or THRESHOLD)
        assert result.days["day"].tolist() == ["2026-06-01", "2026-06-02", "2026-06-03"]
        for name, of in {"flagged": was, "flagged_rehearsed": now, "newly_flagged": now & ~was}.items():
            assert result.days[name].tolist() == np.bincount(day, of).tolist()
        assert result.totals["newly_passed"] == (was & ~now).sum() > 0
    result = run(filled[0], scorer, since="2026-06-02", until="2026-06-03")
    assert (result.logged, len(result.days)) == (20, 1)
    limited = run(filled[0], scorer, threshold=0.3, capacity=3)
    assert limited.days["flagged_rehearsed"].tolist() == [3] * DAYS
    highest = [set(np.argsort(-probability[day == one], kind="stable")[:3].tolist()) for one in range(DAYS)]
    new = [sum(not was[day == one][place] for place in highest[one]) for one in range(DAYS)]
    assert limited.days["newly_flagged"].tolist() == new


@pytest.mark.slow
def test_rules_override_as_of_the_day(filled: Any) -> None:
    store, events = filled
    of_ann = np.array([event["account_id"] == "a1" for event in events])
    flagged = np.array([one.score["decision"] == "flag" for one in logged(store)])
    action: Any
    for action, expected in (("flag", flagged | of_ann), ("pass", flagged & ~of_ann)):
        result = run(store, rules=RuleSet([Rule("ours", "account_id", ["a1"], action, "why")]))
        assert result.totals["flagged_rehearsed"] == expected.sum() != flagged.sum()
    rule = Rule("ours", "account_id", ["a1"], "flag", "why", until=datetime(2026, 6, 3, tzinfo=UTC))
    result = run(store, rules=RuleSet([rule]))
    day = np.arange(60) * DAYS // 60
    assert result.totals["flagged_rehearsed"] == (flagged | (of_ann & (day < 2))).sum()


@pytest.mark.slow
def test_reviews_are_estimated_and_labels_change_no_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "live.db"
    events = fill(store, "event", 160, monkeypatch, n_accounts=150)
    was = np.array([one.score["decision"] == "flag" for one in logged(store)])
    before = run(store, threshold=0.0)
    assert before.totals["newly_flagged"] == (~was).sum()
    assert (before.frauds, before.false_alarms, before.amount, before.audits) == (None, None, None, 0.0)
    assert f"the {(~was).sum()} newly flagged records have 0 effective audits" in str(before.refusal)
    fraud = np.arange(160) % 3 == 0
    audited = ~was & (np.arange(160) % 2 == 0)
    words = np.where(fraud, "fraud", "legitimate").tolist()
    reviews = [
        review(event, words[n], 0.5 if audited[n] else 1.0) for n, event in enumerate(events) if (was | audited)[n]
    ]
    with serving(store, with_point()) as service:
        service.add(labels=reviews)
        service.add(
            labels=[label_of(event, "fraud", 10) for n, event in enumerate(events) if n % 4 == 0 and not audited[n]]
        )
    result = run(store, threshold=0.0)
    pd.testing.assert_frame_equal(result.days, before.days)
    assert result.refusal is None
    assert result.frauds is not None
    assert result.false_alarms is not None
    assert result.frauds.happened == (was & fraud).sum()
    assert result.false_alarms.happened == (was & ~fraud).sum()
    assert result.frauds.low <= result.frauds.difference <= result.frauds.high
    assert result.frauds.difference == pytest.approx(-result.false_alarms.difference + (~was).sum())
    assert result.frauds.difference == pytest.approx(fraud[audited].mean() * (~was).sum(), abs=4)
    assert MIN_AUDITS <= result.audits <= audited.sum()
    options = ["--state", str(store), "--model", str(with_point()), "--threshold", "0"]
    shown = CliRunner().invoke(app, ["rehearse", *options, "--output", str(tmp_path / "days.csv")])
    assert shown.exit_code == 0, shown.output
    assert f"{result.frauds.rehearsed:,.0f} rehearsed: {result.frauds.difference:+,.0f} (95 %:" in shown.stdout
    assert pd.read_csv(tmp_path / "days.csv").equals(result.days)
    answer = json.loads(CliRunner().invoke(app, ["rehearse", *options, "--json"]).stdout)
    assert answer["frauds"] == result.frauds._asdict()
    assert [day["records"] for day in answer["days"]] == result.days["records"].tolist()
    few = CliRunner().invoke(app, ["rehearse", *options, "--until", "2026-06-02"]).stdout
    assert "effective audits. An estimate needs 20" in few
    assert "frauds found" not in few


def reviewed(n: int = 400, **changes: Any) -> ReviewedRecords:
    """Return records that are newly flagged, none of which was reviewed."""
    unknown = np.full(n, np.nan)
    arrays = {"fraud": unknown, "inclusion": unknown, "groups": np.arange(n), "worth": np.ones(n)}
    arrays |= {"was_flagged": np.zeros(n, bool), "is_flagged": np.ones(n, bool), "probability": np.linspace(0, 1, n)}
    return ReviewedRecords(**arrays | changes)


EVERY = np.ones(400, bool)
TENTH = np.arange(400) % 10 == 0


def test_what_was_reviewed_for_certain_is_counted() -> None:
    records = reviewed(fraud=1.0 * (np.arange(400) < 30), inclusion=np.ones(400))
    assert estimate_frauds(records, EVERY) == (30, 30, 30, np.inf)
    assert estimate_frauds(records._replace(worth=np.full(400, 2.5)), EVERY)[:3] == (75, 75, 75)


def test_audits_of_equal_probability_have_the_interval_of_clopper_and_pearson() -> None:
    fraud = np.where(TENTH, np.arange(400) % 20 == 0, np.nan)
    found = estimate_frauds(reviewed(fraud=fraud, inclusion=np.where(TENTH, 0.1, np.nan)), EVERY)
    assert found[:3] == pytest.approx((200, 400 * 0.338, 400 * 0.662), abs=3)
    assert found.audits == pytest.approx(40)
    none = estimate_frauds(reviewed(fraud=np.where(TENTH, 0.0, np.nan), inclusion=np.where(TENTH, 0.1, np.nan)), EVERY)
    assert none[:3] == pytest.approx((0, 0, 400 * 0.0881), abs=0.1)


def test_reviews_of_one_account_count_together() -> None:
    fraud = np.where(TENTH, np.arange(400) % 20 == 0, np.nan)
    records = reviewed(fraud=fraud, inclusion=np.where(TENTH, 0.1, np.nan))
    assert estimate_frauds(records._replace(groups=np.arange(400) // 40), EVERY).audits == pytest.approx(10)


def test_improbable_records_that_nobody_audited_are_not_taken_for_the_others() -> None:
    seen = TENTH & (np.arange(400) >= 100)
    records = reviewed(fraud=np.where(seen, 0.0, np.nan), inclusion=np.where(seen, 0.1, np.nan))
    found = estimate_frauds(records, EVERY)
    assert (found.audits, found.low, found.high) == (0, 0, 400 - seen.sum())
    comparison, audits = compare_frauds(records)
    assert audits < MIN_AUDITS
    assert comparison.happened == 0


def test_weights_add_up_to_the_records_of_each_band() -> None:
    fraud = np.where(TENTH, np.arange(400) >= 300, np.nan)
    inclusion = np.where(TENTH, np.where(np.arange(400) >= 300, 0.5, 0.01), np.nan)
    assert estimate_frauds(reviewed(fraud=fraud, inclusion=inclusion), EVERY).value == pytest.approx(100)


def test_an_audited_record_stands_for_its_share_of_the_band() -> None:
    is_fraud = np.arange(400) % 20 == 0
    inclusion = np.where(TENTH, np.where(is_fraud, 0.05, 0.5), np.nan)
    found = estimate_frauds(reviewed(fraud=np.where(TENTH, is_fraud, np.nan), inclusion=inclusion), EVERY)
    assert found.value == pytest.approx(400 * 20 / 22)
    assert found.audits == pytest.approx(40 * 11**2 / (2 * 101))


def test_where_every_record_has_a_label_nothing_is_estimated() -> None:
    assert estimate_frauds(reviewed(fraud=1.0 * (np.arange(400) % 7 == 0)), EVERY) == (58, 58, 58, np.inf)


def test_a_difference_has_the_width_of_both() -> None:
    found = Estimate(10, 4, 13).minus(Estimate(5, 3, 9))
    assert found == pytest.approx((5, 5 - np.hypot(6, 4), 5 + np.hypot(3, 2), np.inf))


def test_labels_that_came_by_themselves_bound_and_change_no_share() -> None:
    audited = reviewed(fraud=np.where(TENTH, 0.0, np.nan), inclusion=np.where(TENTH, 0.1, np.nan))
    reports = np.where(np.arange(400) % 10 == 1, 1.0, audited.fraud)
    plain, found = estimate_frauds(audited, EVERY), estimate_frauds(audited._replace(fraud=reports), EVERY)
    assert (found.value, found.low, found.audits) == (40, 40, plain.audits)
    few = np.where(np.arange(400) == 1, 1.0, audited.fraud)
    assert estimate_frauds(audited._replace(fraud=few), EVERY)[1:] == (1, plain.high, plain.audits)


def test_both_directions_are_in_the_interval_of_the_difference() -> None:
    was = np.arange(400) < 200
    inclusion = np.where(was, 1.0, np.where(TENTH, 0.1, np.nan))
    fraud = np.where(was, np.arange(400) % 2, np.where(TENTH, np.arange(400) % 20 == 0, np.nan))
    comparison, _ = compare_frauds(reviewed(fraud=fraud, inclusion=inclusion, was_flagged=was, is_flagged=~was))
    assert (comparison.happened, comparison.rehearsed, comparison.difference) == (100, 100, 0)
    assert comparison.low == pytest.approx(-comparison.high)
    assert comparison.low < -40


@pytest.mark.slow
def test_what_cannot_be_rehearsed_is_left_out_or_an_error(filled: Any, tmp_path: Path) -> None:
    store, _ = filled
    with refused(RecipeError, "--threshold"):
        run(store, noise_model())
    model = Scorer.load(with_point()).model
    with refused(RecipeError):
        run(store, Scorer(replace(model, legitimate=None)))
    with refused(StateError):
        run(store, since="2027-01-01")
    learned = replace(model, training={"window": ["2026-05-01T00:00:00Z", "2026-05-01T14:00:00Z"]})
    result = run(store, Scorer(learned))
    late = [one for one in logged(store) if (one.as_of or 0) > pd.Timestamp("2026-05-01T14:00:00Z").value // 1000]
    assert 0 < result.totals["records"] == len(late) < 60
    assert result.left_out == {"not later than training": 60 - len(late)}
    with refused(StateError):
        run(store, Scorer(replace(learned, training={"window": ["2026-05-01", "2027-05-01"]})))
    with serving(tmp_path / "scores.db", with_point(), "scores") as service:
        service.score(filled[1][0])
    with refused(StateError):
        run(tmp_path / "scores.db")
