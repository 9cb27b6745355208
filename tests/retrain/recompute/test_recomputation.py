"""Logged scores computed again: equal at their offsets to the last bit, and each difference with its cause."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve._microseconds import DAY
from fraudsieve.cli.app import app
from fraudsieve.exceptions import SchemaError, StateError
from fraudsieve.features import History
from fraudsieve.live.contents import rewind
from fraudsieve.live.recording import LoggedScore
from fraudsieve.live.store import open_store
from fraudsieve.live.store.facts import StoreFacts
from fraudsieve.live.store.score_rows import FIRST_TIME, LAST_TIME, ScoreRow, iterate_scores
from fraudsieve.models import Scorer
from fraudsieve.models.batch.rows import feature_rows
from fraudsieve.models.batch.scored_tables import TableHistory
from fraudsieve.models.scoring.score_fields import join_fields
from fraudsieve.retrain import Recomputation, recompute_scores
from fraudsieve.retrain.recomputation import read_answers
from fraudsieve.retrain.stored_history import NONE, StoredHistory, read_stored_history
from tests.fitted_models import Fitted
from tests.messages import refused
from tests.retrain.recompute.services import (
    LoggingService,
    label_of,
    logged,
    noise_model,
    records_of,
    serving,
    some_events,
    some_labels,
)

pytestmark = pytest.mark.slow


def recompute(store: Path, model: Path | Scorer | None = None, **options: Any) -> Recomputation:
    with open_store(store) as opened:
        return recompute_scores(model or noise_model(), opened, **options)


Rows = list[npt.NDArray[np.float64]]


def run(service: LoggingService, subject: str, rng: np.random.Generator, n: int = 60) -> Rows:
    """Score records as they happen, and add them, some late; add labels, some late, in any order.

    Returns the feature rows of the live state.
    """
    rows: Rows = []
    events = some_events(rng, n)
    records = records_of(subject, events)
    waiting = [(place + int(rng.choice([0, 0, 0, 3, 20])), "events", one) for place, one in enumerate(events)]
    if subject == "message":
        waiting += [(place + int(rng.choice([0, 0, 9])), "messages", one) for place, one in enumerate(records)]
    waiting += [(int(rng.integers(0, n)), "labels", one) for one in some_labels(rng, records, n)]
    for place, record in enumerate(records):
        rows += [*service.live.scorer.model.matrix.rows([record], service.live.state).X]
        service.score(record)
        due = [one for one in waiting if one[0] == place]
        for index in rng.permutation(len(due)).tolist():
            service.add(**{due[index][1]: [due[index][2]]})
    for _, part, one in (one for one in waiting if one[0] >= n):
        service.add(**{part: [one]})
    return rows


def one_by_one(store: Path, scorer: Scorer, *late: str) -> tuple[Rows, list[float]]:
    """Compute each record alone, with all rows up to its offset, and those parts of the history that came later."""
    with open_store(store) as opened:
        answers = read_answers(opened, scorer, (FIRST_TIME, LAST_TIME))
        history = read_stored_history(opened, scorer.model)
    matrix, probabilities = [], []
    for place, offset in enumerate(answers.places["offset"].tolist()):
        events_until, labels_until = (NONE if part in late else offset for part in ("events", "labels"))
        record = answers.records.iloc[[place]].reset_index(drop=True)
        rows = feature_rows(scorer.model, record, history.until(events_until, labels_until))
        matrix += [*rows.X]
        probabilities += scorer.score_rows(rows.X, rows.why, rows.has_history)["probability"].tolist()
    return matrix, probabilities


@pytest.mark.parametrize("subject", ["event", "account", "message"])
def test_scores_are_equal_at_their_offsets_and_causes_are_exact(subject: str, tmp_path: Path) -> None:
    store, scorer = tmp_path / "live.db", Scorer.load(noise_model(subject))
    with serving(store, noise_model(subject)) as service:
        live = run(service, subject, np.random.default_rng(0))
    matrix, at_offset = one_by_one(store, scorer)
    np.testing.assert_array_equal(live, matrix)
    result = recompute(store, scorer)
    assert (result.different, len(result.rows), result.left_out) == (0, 60, {})
    rows, answered = result.rows, [one.score["probability"] for one in logged(store)]
    assert rows["logged"].tolist() == rows["at_offset"].tolist() == at_offset == answered
    assert rows["complete"].tolist() == one_by_one(store, scorer, "events", "labels")[1]
    alone = [one_by_one(store, scorer, part)[1] for part in ("events", "labels")]
    for cause, *probabilities in zip(rows["cause"], answered, rows["complete"], *alone, strict=True):
        assert (None if pd.isna(cause) else cause) == cause_of(*probabilities)
    assert "late event" in result.causes
    assert subject == "message" or any("label" in cause for cause in result.causes)


def cause_of(score: float, complete: float, with_events: float, with_labels: float) -> str | None:
    if score == complete:
        return None
    if complete in (with_events, with_labels):
        return "late event" if complete == with_events else "label known later"
    return "late event and label known later"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]], list[dict[str, Any]]]:
    """A store with a log, and the tables of all events and labels."""
    store, rng = tmp_path_factory.mktemp("served") / "live.db", np.random.default_rng(5)
    events = some_events(rng, 40)
    labels = [label_of(event) for event in events[:10]]
    with serving(store) as service:
        for place, event in enumerate(events):
            service.score(event)
            late = events[place - 5 : place - 4] if place % 5 == 4 else []
            service.add([] if place % 5 == 4 else [event])
            service.add(late, [labels[place // 4]] if place % 4 == 3 else [])
        service.add(events)
    return store, events, labels


def test_a_history_with_a_row_too_few_is_noticed(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert recompute(served[0]).different == 0
    until = StoredHistory.until

    def shorter(self: StoredHistory, events: int, labels: int, codes: Any = None) -> TableHistory:
        tables = until(self, events, labels, codes)
        return tables if events == NONE or tables.events is None else tables._replace(events=tables.events[:-1])

    monkeypatch.setattr(StoredHistory, "until", shorter)
    result = recompute(served[0])
    assert result.different > 0
    assert result.causes["unexplained"] == result.different


def test_complete_tables_give_the_causes_of_the_store(served: Any) -> None:
    store, events, labels = served
    of_store = recompute(store)
    tables: dict[str, Any] = {"events": pd.DataFrame(events), "known_labels": pd.DataFrame(labels)}
    of_tables = recompute(store, **tables)
    assert of_tables.causes == of_store.causes
    pd.testing.assert_frame_equal(of_tables.rows, of_store.rows)
    result = recompute(store, **tables | {"events": tables["events"][20:]})
    assert (result.different, result.causes["other rows than the store"] > 5) == (0, True)


def test_scores_that_cannot_be_computed_again_are_counted(tmp_path: Path) -> None:
    store, events = tmp_path / "live.db", some_events(np.random.default_rng(1), 9)
    for model, mode, of_mode in ((0, "records", events[:4]), (0, "scores", events[4:6]), (1, "records", events[6:])):
        with serving(store, noise_model("event", model), mode) as service:
            for event in of_mode:
                service.score(event)
                service.add([event])
    result = recompute(store)
    assert (result.logged, len(result.rows), result.different) == (9, 4, 0)
    assert result.left_out == {"record not kept": 2, "other model": 3}
    assert recompute(store, max_scores=3).left_out["not in the sample"] == 1
    of_none = recompute(store, noise_model("event", 2))  # such as the one that has just become champion
    assert (len(of_none.rows), of_none.left_out) == (0, {"other model": 9})
    assert recompute(store, max_scores=3).rows.equals(recompute(store, max_scores=3).rows)
    with open_store(store) as opened:
        rewind(opened, events[3]["occurred_at"])
    result = recompute(store)
    assert (len(result.rows), result.left_out["history not kept"], result.to_dict()["recomputed"]) == (0, 4, 0)
    with refused(StateError):
        recompute(store, until="2026-01-01")


def test_scores_whose_rows_were_deleted_are_not_computed_again(served: Any) -> None:
    scorer = Scorer.load(noise_model())
    windows = replace(scorer.model.matrix, histories=(History(("1d",), measures=("count",)),))  # type: ignore[arg-type]
    with open_store(served[0]) as opened:
        history = read_stored_history(opened, scorer.model)
    dropped = StoreFacts(dropped_before=100 * DAY)
    cutoffs = np.array([102 * DAY, 103 * DAY])
    assert replace(history, facts=dropped).is_kept(cutoffs).tolist() == [False, False]  # `since_last` has no window
    short = replace(history, facts=dropped, model=replace(scorer.model, matrix=windows))
    assert short.is_kept(cutoffs).tolist() == [False, True]
    assert replace(short, facts=StoreFacts()).is_kept(cutoffs).tolist() == [True, True]
    times = pd.to_datetime([104 * DAY], unit="us", utc=True)
    label = pd.DataFrame({"subject_id": ["gone"], "label": ["fraud"], "labelled_at": times, "offset": [9]})
    known = replace(short, labels=label, counted={"gone"})  # the event of a label that counted was deleted
    assert known.is_kept(np.array([103, 105, 107]) * DAY).tolist() == [True, False, True]
    assert replace(known, counted=set()).is_kept(np.array([105 * DAY])).tolist() == [True]
    times = pd.to_datetime([99 * DAY, 101 * DAY], unit="us", utc=True)
    for time, is_kept in zip(times, (False, True), strict=True):  # an earlier label of an old event may be deleted
        events = history.events[:1].assign(event_id="gone", occurred_at=time)
        assert replace(known, events=events).is_kept(np.array([105 * DAY])).tolist() == [is_kept]


def test_a_score_that_was_not_computed_so_is_unexplained(tmp_path: Path) -> None:
    store, events = tmp_path / "live.db", some_events(np.random.default_rng(1), 5)
    with serving(store) as service:
        for event in events:
            service.score(event)
            service.add([event])
        with open_store(store) as opened:
            last = [row for rows in iterate_scores(opened) for row in rows][-1]
        logged_score = LoggedScore.decode(last, "")
        probability = logged_score.score["probability"]
        assert probability is not None
        changed = {**logged_score.score, "probability": float(np.nextafter(probability, 1))}
        wrong = logged_score._replace(score=join_fields(changed))
        service.live.log_scores([ScoreRow(last.time + 1, wrong.encode(), last.record)])
    output = tmp_path / "rows.parquet"
    result = recompute(store, output=output)
    assert (result.different, result.causes) == (1, {"unexplained": 1})
    rows = pd.read_parquet(output)
    assert rows["is_equal"].tolist() == [True] * 5 + [False]
    assert output.stat().st_mode & 0o777 == 0o600
    call = ["monitor", "--recompute", "--state", str(store), "--model", str(noise_model())]
    shown = CliRunner().invoke(app, call)
    assert (shown.exit_code, "5 equal, 1 different" in shown.stdout) == (3, True)
    answer = json.loads(CliRunner().invoke(app, [*call, "--json"]).stdout)
    assert answer == result.to_dict()
    assert answer["at_offset"] == {"equal": 5, "different": 1}
    last_day = ["--since", "2020-01-01", "--until", "2020-01-02"]
    assert CliRunner().invoke(app, [*call, *last_day]).exit_code == 2


def test_records_are_read_as_the_service_reads_them(tmp_path: Path) -> None:
    store, (usual, *_) = tmp_path / "live.db", some_events(np.random.default_rng(1), 1)
    odd: list[dict[str, Any]] = [
        {"account_id": 7, "occurred_at": 1_777_640_000},
        {"account_id": "7", "occurred_at": "2026-05-01T15:00:00+02:00", "amount": "12.5"},
        {"account_id": " 7.0 ", "occurred_at": "2026/5/1 13:20", "amount": None, "kind": 4, "notes": {"a": [1]}},
        {"account_id": 7.0, "occurred_at": None, "as_of": "2026-05-01T13:30:00Z", "branch": None, "session_id": [1]},
    ]
    with serving(store) as service:
        for number, record in enumerate(odd):
            sent = usual | {"event_id": number} | record
            service.score(sent)
            service.score(sent)
            service.add([sent | {"occurred_at": sent["occurred_at"] or sent["as_of"]}])
    result = recompute(store)
    assert (result.different, len(result.rows)) == (0, 2 * len(odd))
    assert result.rows["logged"].nunique() > 2


def test_scores_of_a_model_without_history(binary: Fitted, tmp_path: Path) -> None:
    store = tmp_path / "live.db"
    with serving(store, binary.folder) as service:
        service.score(*({"text": text} for text in binary.texts[:5]))
    result = recompute(store, binary.folder)
    assert (result.different, len(result.rows), result.causes) == (0, 5, {})
    assert result.rows["offset"].isna().all()
    with pytest.raises(SchemaError, match="--events: the model cannot use this table"):
        recompute(store, binary.folder, events=pd.DataFrame({"account_id": ["a"]}))
