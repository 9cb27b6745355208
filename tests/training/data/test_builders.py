"""Training on accounts and events, from tables to scores that agree for files, records and live states."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from fraudsieve.exceptions import RecipeError
from fraudsieve.features.account_matrix import account_matrix_of
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.batch import score as batch
from fraudsieve.models.batch.score import score_file, score_frame
from fraudsieve.models.batch.scored_tables import TableHistory
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.builders import builder_of_model, read_data
from fraudsieve.training.evaluation.evaluation_run import evaluate_model
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.recipe.recipe import FeatureRecipe, Recipe
from fraudsieve.training.simulation.world import World
from tests.messages import refused

pytestmark = pytest.mark.slow

START = pd.Timestamp("2026-01-05", tz="UTC")
COMMON = {
    "track.enabled": False,
    "n_jobs": 1,
    "model.n_rounds": 30,
    "evaluate.attack": False,
    "evaluate.replicates": 20,
}


def recipe(**overrides: object) -> Recipe:
    return Recipe.read(overrides={**COMMON, **overrides})


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    clean = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(clean.columns, row, strict=True)) for row in clean.itertuples(index=False, name=None)]


def payments(world: World) -> pd.DataFrame:
    """Return payments, of which those of confirmed accounts are fraud, with labels after three days."""
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")["label"]
    frame = world.events[world.events["kind"] == "payment"].reset_index(drop=True)
    label = frame["account_id"].map(labels).fillna("legitimate")
    fraud = (label != "legitimate") & (frame["amount"].rank(pct=True) > 0.5)
    return frame.assign(
        label=np.where(fraud, "online_fraud", "legitimate"), labelled_at=frame["occurred_at"] + pd.Timedelta("3D")
    )


@dataclass(frozen=True, eq=False)
class Run:
    """A training run and its tables."""

    trained: Trained
    world: World
    events: pd.DataFrame
    labels: pd.DataFrame


@pytest.fixture(scope="module")
def accounts(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("accounts")
    labels = small_world.labels[small_world.labels["subject_id"].isin(small_world.accounts["account_id"])]
    tables: dict[str, Any] = {"accounts": small_world.accounts, "events": small_world.events, "labels": labels}
    settings = recipe(**{"data.min_label_rows": 2, "split.kind": "account"})
    return Run(train(settings, output=folder / "model", **tables), small_world, small_world.events, labels)


@pytest.fixture(scope="module")
def events(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, table = tmp_path_factory.mktemp("events"), payments(small_world)
    return Run(train(recipe(), output=folder / "model", events=table), small_world, table, table)


def test_a_model_of_accounts(accounts: Run) -> None:
    trained = accounts.trained
    assert trained.model.subject == "account"
    assert trained.split.kind == "account"
    assert trained.split.keeps_apart == ("accounts",)
    report: Any = trained.report
    assert report.average_precision > 2 * report.base_rate
    columns = trained.model.matrix.columns
    assert {"profile__country", "profile__age_days", "network__sharing_rate_device_id"} <= set(columns)
    assert not [name for name in columns if "label" in name.split("__")[1]]


def test_scores_of_accounts_from_a_file_from_events_and_live_are_the_same(accounts: Run, tmp_path: Path) -> None:
    scorer = Scorer.load(accounts.trained.folder)
    now = accounts.events["occurred_at"].max() - pd.Timedelta(days=3)
    requested = accounts.world.accounts.assign(as_of=now)
    result = score_file(scorer, requested, tmp_path / "s.parquet", events=accounts.events, known_labels=accounts.labels)
    scores = pd.read_parquet(result.output)
    known = accounts.labels.rename(columns={"subject_id": "account_id"})
    known = known.assign(is_fraud=known["label"] != "legitimate")[["account_id", "labelled_at", "is_fraud"]]
    given = {"events": records(accounts.events), "account_labels": records(known)}
    from_events: list[Any] = scorer.score(records(requested), history=given)
    np.testing.assert_allclose([score["probability"] for score in from_events], scores["probability"], rtol=1e-9)
    assert [score["status"] for score in from_events] == scores["status"].tolist()
    state = scorer.new_state(lateness="50d")
    past, earlier = accounts.events["occurred_at"] < now, known["labelled_at"] < now
    state.update(records(accounts.events[past]), account_labels=records(known[earlier]))
    live: list[Any] = scorer.score(records(requested), history=state)
    np.testing.assert_allclose([score["probability"] for score in live], scores["probability"], rtol=1e-9)


def profile(scorer: Scorer) -> dict[str, Any]:
    """Return every field of a record that the model uses, with missing values."""
    matrix = account_matrix_of(scorer.model.matrix)
    return dict.fromkeys(matrix.custom.names)


def test_an_account_without_events_has_no_history_and_a_score(accounts: Run) -> None:
    scorer = Scorer.load(accounts.trained.folder)
    requested = {"account_id": "nobody", "as_of": "2026-03-01", "created_at": "2026-02-01", **profile(scorer)}
    for history in (None, records(accounts.events[:50])):
        score: Any = scorer.score(requested, history=history)
        assert (score["status"], score["why"]) == ("no_history", None)
        assert 0 < score["probability"] < 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"account_id": None}, "account_id: expected a string or a whole number, the field is missing"),
        ({"as_of": None}, "as_of: expected a time, the field is missing"),
        ({"as_of": "secret"}, "as_of: expected a time such as"),
        ({"created_at": 5}, "created_at: expected a time such as 2026-05-01T10:00:00Z, got another number"),
        ({"country": float("inf")}, "country: expected a string, a number or a boolean, got float"),
        ({"invited": "secret"}, "invited: expected a number, got other text"),
        ({"account_id": pd.NA}, "account_id: expected a string or a whole number, the field is missing"),
        ({"account_id": np.zeros(2)}, "account_id: expected a string or a whole number, got list"),
        ({"account_id": 10**5000}, "account_id: expected a string or a whole number of 128 bits"),
        ({"as_of": pd.NA}, "as_of: expected a time, the field is missing"),
    ],
)
def test_a_record_that_cannot_be_read_is_not_scored(accounts: Run, change: dict[str, Any], why: str) -> None:
    scorer = Scorer.load(accounts.trained.folder)
    good = {"account_id": "x", "as_of": "2026-03-01", **profile(scorer)}
    scores: list[Any] = scorer.score([good, good | change])
    assert [score["status"] for score in scores] == ["no_history", "unscorable"]
    assert scores[1]["why"].startswith(why)
    assert scores[1]["probability"] is None


def test_an_absent_field_is_not_an_unknown_value(accounts: Run, events: Run) -> None:
    scorer = Scorer.load(accounts.trained.folder)
    good = {"account_id": "x", "as_of": "2026-03-01", **profile(scorer)}
    renamed = {("land" if name == "country" else name): value for name, value in good.items()}
    first, second = scorer.score([good, renamed])
    assert (first["status"], second["status"]) == ("no_history", "unscorable")
    assert second["why"] == "country: the field is missing; pass None if the value is unknown"
    event = {"account_id": "x", "occurred_at": "2026-01-01", "kind": "pay"}
    with refused(ValueError, "amount"):
        scorer.score(good, history=[event])


def test_a_score_does_not_depend_on_its_neighbours(events: Run) -> None:
    scorer = Scorer.load(events.trained.folder)
    one, other = records(payments(events.world).drop(columns=["label", "labelled_at"]).iloc[500:502])
    one["amount"] = None
    past = {"events": records(events.events.iloc[:500])}
    alone = scorer.score(one, history=past)
    in_batch = scorer.score([one, other | {"as_of": other["occurred_at"]}], history=past)[0]
    assert alone["status"] in ("ok", "no_history")
    assert alone == in_batch


def test_a_state_of_other_views_with_the_same_columns_is_rejected(accounts: Run) -> None:
    scorer = Scorer.load(accounts.trained.folder)
    model = scorer.new_state()
    other = HistoryState(
        [replace(model.histories[0], night=(1, 2)), *model.histories[1:]], network=model.declared_network
    )
    assert other.columns == model.columns
    with pytest.raises(ValueError, match="history: the state has other views"):
        scorer.score({"account_id": "x", "as_of": "2026-03-01", **profile(scorer)}, history=other)


def test_noise_cannot_be_learnt_from_labels_dated_on_the_day_of_their_event(tmp_path: Path) -> None:
    """Dates without a time are before their events: an event must not use its own label."""
    rng, n = np.random.default_rng(0), 3000
    times = START + pd.to_timedelta(np.sort(rng.integers(0, 100 * 86_400, n)), unit="s")
    table = pd.DataFrame(
        {"event_id": [f"e{i}" for i in range(n)], "account_id": [f"a{i}" for i in rng.integers(0, 2000, n)]}
    )
    table = table.assign(occurred_at=times, kind="pay", amount=rng.exponential(50, n))
    labels = pd.DataFrame(
        {"subject_id": table["event_id"], "label": np.where(rng.random(n) < 0.1, "fraud", "legitimate")}
    )
    labels = labels.assign(labelled_at=times.floor("D"))
    settings = recipe(**{"data.subject": "event", "split.kind": "account"})
    result = train(settings, events=table, labels=labels, output=tmp_path / "model")
    report: Any = result.report
    assert report.average_precision < 0.3
    assert any("labelled_at holds dates without times" in note for note in result.notes)


def test_accounts_without_times_are_trained_on_their_profiles(tmp_path: Path) -> None:
    rng, n = np.random.default_rng(0), 400
    fraud = rng.random(n) < 0.3
    accounts = pd.DataFrame(
        {"account_id": [f"a{i}" for i in range(n)], "label": np.where(fraud, "fraud", "legitimate")}
    )
    accounts = accounts.assign(calls=rng.poisson(5 + 10 * fraud))
    result = train(recipe(), accounts=accounts, output=tmp_path / "model")
    report: Any = result.report
    assert report.average_precision > 0.8
    assert [note for note in result.notes if note.startswith("There are no times")]
    score = Scorer.load(tmp_path / "model").score({"account_id": "new", "calls": 30})
    assert (score["status"], score["decision"]) == ("ok", "flag")


def test_noise_cannot_be_learnt_from_labels_of_accounts_that_share_an_ip(tmp_path: Path) -> None:
    rng, n = np.random.default_rng(0), 600
    ids = [f"a{i}" for i in range(n)]
    table = pd.DataFrame({"account_id": ids, "occurred_at": START, "kind": "pay", "ip": "office", "amount": 1.0})
    accounts = pd.DataFrame({"account_id": ids, "as_of": START + pd.Timedelta("60D")})
    labels = pd.DataFrame({"subject_id": ids, "label": np.where(rng.random(n) < 0.2, "fraud", "legitimate")})
    labels = labels.assign(labelled_at=START + pd.to_timedelta(rng.integers(1, 10**6, n), unit="s"))
    result = train(
        recipe(), accounts=accounts, events=table.assign(event_id=ids), labels=labels, output=tmp_path / "model"
    )
    report: Any = result.report
    assert report.average_precision < 0.5


def test_histories_that_do_not_fit(accounts: Run, events: Run) -> None:
    scorer = Scorer.load(accounts.trained.folder)
    requested = {"account_id": "x", "as_of": "2026-03-01", **profile(scorer)}
    with refused(ValueError):
        scorer.score(requested, history=Scorer.load(events.trained.folder).new_state())
    with refused(ValueError, "occurred_at"):
        scorer.score(requested, history=[*records(accounts.events.iloc[:1]), {"account_id": "x"}])
    with refused(ValueError, "account_labels"):
        scorer.score(requested, history={"messages": []})


def test_a_model_of_events(events: Run) -> None:
    trained = events.trained
    assert trained.model.subject == "event"
    assert trained.split.kind == "time"
    assert trained.split.keeps_apart == ("time",)
    report: Any = trained.report
    assert report.average_precision > 2 * report.base_rate
    columns = set(trained.model.matrix.columns)
    assert {"value__amount", "rhythm__hour", "network__fraud_rate_all", "value__counterparty_mean_all"} <= columns


def test_scores_of_events_from_a_file_and_live_are_the_same(events: Run, tmp_path: Path) -> None:
    scorer = Scorer.load(events.trained.folder)
    new = events.events.tail(60)
    past = events.events.iloc[:-60]
    labels = events.events.rename(columns={"event_id": "subject_id"})[["subject_id", "label", "labelled_at"]]
    result = score_file(scorer, new, tmp_path / "s.parquet", history=events.events, known_labels=labels)
    state = scorer.new_state(lateness="50d")
    known = events.events.assign(is_fraud=events.events["label"] != "legitimate")
    assert state.update(records(past), records(known.drop(columns=["label", "occurred_at"]))) == ()
    scores: list[Any] = []
    for record in records(new):  # each is scored, and then becomes history
        scores.append(scorer.score(record, history=state)["probability"])
        state.update(record)
    np.testing.assert_allclose(scores, pd.read_parquet(result.output)["probability"], rtol=1e-9)


def test_labels_0_and_1_and_no_label_give_the_scores_of_their_words(events: Run, tmp_path: Path) -> None:
    scorer, requested = Scorer.load(events.trained.folder), events.events.tail(200)
    words = events.events.rename(columns={"event_id": "subject_id"})[["subject_id", "label", "labelled_at"]]
    known = words.assign(label=(words["label"] != "legitimate").astype(int)).astype({"label": object})
    withdrawn = known.sample(frac=1.0, random_state=0).assign(label=-1)  # as known later, and so the latest
    flags = pd.concat([known, withdrawn.assign(labelled_at=withdrawn["labelled_at"] + pd.Timedelta("1h"))])
    scores = [
        pd.read_parquet(
            score_file(scorer, requested, tmp_path / f"{i}.parquet", history=events.events, known_labels=t).output
        )
        for i, t in enumerate((words, flags, words.assign(label="legitimate")))
    ]
    pd.testing.assert_frame_equal(scores[1], scores[0])
    assert (scores[2]["probability"] != scores[0]["probability"]).any()  # the labels matter


def test_evaluation_since_a_time_uses_the_earlier_labels(events: Run, tmp_path: Path) -> None:
    table, since = events.events, events.events["occurred_at"].sort_values().iloc[-400]
    table.to_parquet(tmp_path / "events.parquet")
    call = ["evaluate", "--model", str(events.trained.folder), "--events", str(tmp_path / "events.parquet")]
    result = CliRunner().invoke(app, [*call, "--since", f"{since:%Y-%m-%dT%H:%M:%S}", "--json"])
    assert result.exit_code == 0
    report = json.loads(result.stdout)["report"]
    scored = score_file(Scorer.load(events.trained.folder), tmp_path / "events.parquet", tmp_path / "s.parquet")
    scores = pd.read_parquet(scored.output).set_index("event_id")["probability"]
    labelled = table[table["label"].notna() & (table["occurred_at"] >= since.floor("s"))]
    is_fraud = (labelled["label"] != "legitimate").to_numpy()
    assert report["rows"] == len(labelled)
    expected = average_precision_score(is_fraud, scores.reindex(labelled["event_id"]).to_numpy())
    assert report["average_precision"] == pytest.approx(expected, abs=1e-9)


def test_a_model_folder_has_all_that_a_service_needs(events: Run) -> None:
    loaded = Scorer.load(events.trained.folder).model
    assert loaded.matrix == events.trained.model.matrix
    data = read_data(recipe(), {"events": events.events}, min_label_rows=1)
    report: Any = evaluate_model(Scorer(loaded), data.rows, builder_of_model(loaded, data))
    assert report.rows == len(events.events)
    with refused(RecipeError):
        evaluate_model(Scorer(loaded), data.rows, builder_of_model(loaded, data), attack=True)


def test_messages_with_the_history_of_their_senders(small_world: World, tmp_path: Path) -> None:
    tables: dict[str, Any] = {
        "messages": small_world.messages,
        "labels": small_world.labels,
        "events": small_world.events,
    }
    result = train(recipe(), output=tmp_path / "m", **tables)
    names = [name for name in result.model.matrix.columns if name.startswith("sender__")]
    assert {"sender__count_1h", "sender__received_count_30d", "sender__since_last"} <= set(names)
    scorer, requested = Scorer.load(result.folder), small_world.messages.tail(40)
    written = score_file(scorer, requested, tmp_path / "s.parquet", events=small_world.events)
    scores = pd.read_parquet(written.output)["probability"]
    fields = records(requested[["text", "account_id", "sent_at"]])
    live: list[Any] = scorer.score(fields, history=records(small_world.events))
    np.testing.assert_allclose([score["probability"] for score in live], scores, rtol=1e-9)
    unknown: list[Any] = scorer.score([{"text": "hello"}, {"text": "hello", "account_id": "a", "sent_at": "secret"}])
    assert [score["status"] for score in unknown] == ["ok", "unscorable"]
    assert unknown[1]["why"].startswith("sent_at: expected a time")
    later = result.data.rows.tail(400)
    report: Any = evaluate_model(scorer, later, builder_of_model(result.model, result.data), attack=True)
    # An obfuscated message still has the history of its sender.
    assert report.attack.recall == pytest.approx(report.recall_at_1pct_fpr)
    assert report.attack.rows == int((later["label"] != "legitimate").sum())
    without = score_file(scorer, requested, tmp_path / "t.parquet")
    assert "the model uses events, but none were given: all records are scored without history" in without.notes


def test_messages_with_the_history_of_their_campaigns(
    small_world: World, labelled_messages: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: dict[str, Any] = {"messages": small_world.messages, "labels": small_world.labels}
    campaign_recipe = recipe()
    campaign_recipe = campaign_recipe.model_copy(update={"features": FeatureRecipe(campaigns=True)})
    result = train(campaign_recipe, output=tmp_path / "m", **tables)
    names = {name for name in result.model.matrix.columns if name.startswith("campaign__")}
    assert {"campaign__messages_1h", "campaign__senders_30d", "campaign__age", "campaign__labelled_spam"} <= names
    assert result.data.messages is not None
    assert len(result.data.messages) == len(small_world.messages)  # including the unlabelled ones
    scorer = Scorer.load(result.folder)
    past, requested = labelled_messages.iloc[:-40], labelled_messages.drop(columns=["label", "labelled_at"]).tail(40)
    written = score_file(scorer, requested, tmp_path / "s.parquet", history=past)
    scores = pd.read_parquet(written.output)["probability"]
    sent, labelled = records(past.drop(columns=["label", "labelled_at"])), records(past[past["labelled_at"].notna()])
    fields = records(requested)
    known = {"messages": [*sent, *labelled, *fields]}
    from_messages: list[Any] = scorer.score(fields, history=known)
    np.testing.assert_allclose([score["probability"] for score in from_messages], scores)
    state = scorer.new_state(lateness="all")
    assert scorer.observe(state, [*labelled, *sent]) == ()
    live = []
    for message in sorted(fields, key=lambda message: message["sent_at"]):
        live.append((message["message_id"], scorer.score(message, history=state)["probability"]))
        assert scorer.observe(state, message) == ()
    np.testing.assert_allclose([dict(live)[name] for name in requested["message_id"]], scores)
    bad = [{"text": " ", "sent_at": "2026-05-01"}, {"text": "hello", "sent_at": "soon"}]
    assert [(one.position, one.reason[:7]) for one in scorer.observe(state, bad)] == [(0, "text: e"), (1, "sent_at")]
    with pytest.raises(ValueError, match="history: messages, position 1: "):
        scorer.score(fields[0], history={"messages": [sent[0], bad[1]]})
    days = past.assign(labelled_at=past["labelled_at"].dt.normalize())
    past_tables, expected = list[pd.DataFrame](), score_frame(scorer, requested, history=past)

    def recorded(_: Any, __: Any, known: TableHistory, ___: Any) -> pd.DataFrame:
        assert known.messages is not None
        past_tables.append(known.messages)
        return expected

    monkeypatch.setattr(batch._Run, "score", recorded)
    by_days = score_file(scorer, requested, tmp_path / "d.parquet", history=days)
    monkeypatch.undo()
    assert any("dates without times" in note for note in by_days.notes)
    ends = days["labelled_at"] + pd.Timedelta(days=1)
    assert past_tables[0]["labelled_at"].dropna().tolist() == ends.dropna().tolist()
    alone = score_file(scorer, requested, tmp_path / "t.parquet")
    assert any("campaigns are computed from the scored messages only" in note for note in alone.notes)
    untimed = score_file(scorer, requested.drop(columns="sent_at"), tmp_path / "u.parquet")
    assert any("every campaign is unknown" in note for note in untimed.notes)
