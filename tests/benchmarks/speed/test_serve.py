"""The benchmark of the service on a small simulated world: real servers, real processes."""

from pathlib import Path

import pytest
from benchmarks.service import http_load, workers
from benchmarks.service.models import Live, _records, train_on_world
from benchmarks.speed import serve as speed_serve

from fraudsieve.models.predict import Scorer
from fraudsieve.training.simulation.world import World, simulate


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(days=30, n_accounts=150)


@pytest.mark.slow
def test_figures_bars_and_peers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_load, "WARM_UP", 0.2)
    monkeypatch.setattr(speed_serve, "WARM", 3)
    monkeypatch.setattr(workers, "PAST_EVENTS", 100)
    labels = world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
    labelled = world.messages[["message_id", "text"]].merge(labels, left_on="message_id", right_on="subject_id")
    report = speed_serve.run(
        messages=labelled[["message_id", "text", "label"]],
        world=world,
        records=20,
        clients=(1, 2),
        seconds=0.5,
        turns=1,
        rounds=1,
        starts=1,
    )
    over_http = {f"http.{n}.{name}" for n in (1, 2) for name in ("requests_per_second", "p50_ms", "p99_ms")}
    assert set(report.peers["mlflow"]) == over_http
    assert over_http | {name.replace("http", "http_reasons") for name in over_http} < set(report.figures)
    assert 0 < report.figures["record.p50_ms"] <= report.figures["record.p99_ms"]
    assert 0 < report.figures["history.p50_ms"] <= report.figures["history.p99_ms"]
    for n in (1, 2):
        own, other = (
            measured[f"http.{n}.requests_per_second"] for measured in (report.figures, report.peers["mlflow"])
        )
        assert report.figures[f"http.{n}.ratio_to_mlflow"] == own / other
    for n in (1, 2):
        assert 0 < report.figures[f"workers.{n}.p50_ms"] <= report.figures[f"workers.{n}.p99_ms"]
        assert report.figures[f"workers.{n}.events_per_second"] > 0
    assert report.figures["workers.ratio"] == report.figures["workers.2"] / report.figures["workers.1"]
    bounds = {bar.name: bar.bound for bar in report.bars}
    assert bounds == {
        "record.p50_ms": 1.0,
        "record.p99_ms": 5.0,
        "history.p50_ms": 2.0,
        "history.p99_ms": 8.0,
        "http.1.ratio_to_mlflow": 10.0,
        "http.2.ratio_to_mlflow": 10.0,
        "batch.ratio_to_parts": 1.2,
        "batch.ratio_to_sklearn": 1 / 3,
        "cold_start_s": 2.0,
        "workers.ratio": 1.2,
        "evidence.flagged_loss": 0.15,
        "score_log.1.scores_loss": 0.05,
    }
    for n in (1, 2):
        for mode in ("scores", "records", "recorded"):
            rate = report.figures[f"score_log.{n}.{mode}"] / report.figures[f"score_log.{n}.off"]
            assert report.figures[f"score_log.{n}.{mode}_loss"] == 1 - rate
    assert 150 < report.figures["score_log.bytes_per_scores"] < report.figures["score_log.bytes_per_records"] < 2_000
    assert 0 < report.figures["evidence.share_flagged"] <= 0.05
    assert 1000 < report.figures["evidence.bytes_per_record"] < 50_000
    for mode in ("flagged", "all"):
        rate = report.figures[f"evidence.{mode}"] / report.figures["evidence.off"]
        assert report.figures[f"evidence.{mode}_loss"] == 1 - rate
    assert 0.1 < report.figures["cold_start_s"] < 60


@pytest.mark.slow
def test_the_state_holds_exactly_what_precedes_a_message(world: World, tmp_path: Path) -> None:
    scorer = Scorer.load(train_on_world(world, tmp_path))
    live = Live.of(scorer, world, 10)
    whole = {
        "events": _records(world.events.sort_values("occurred_at")),
        "messages": _records(world.messages.sort_values("sent_at")),
    }
    for record in live.turns(scorer):
        assert scorer.score(record, history=live.state) == scorer.score(record, history=whole)
