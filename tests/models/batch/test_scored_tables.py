"""Tables that are read for scoring: the labels and past messages that count, as in training."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.history.declaration import History
from fraudsieve.features.label_trust import Trust
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.profile.frames import custom_values
from fraudsieve.models import Model
from fraudsieve.models.batch.score import score_file
from fraudsieve.models.batch.scored_tables import options_of_model, read_history, read_inputs, trust_of_model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.labelled import Labelling, known_labels_of, load_accounts, load_events
from fraudsieve.training.recipe.data import DataRecipe
from tests.features.label_rows import LABEL_ROWS, START, TRUST, LabelRows, labels_of
from tests.live.small_models import account_scorer, event_scorer, message_scorer, own_columns_model
from tests.messages import refused
from tests.profiles import examples

EVENTS = pd.DataFrame({"event_id": ["a", "b", "c"], "account_id": "ann", "occurred_at": START, "kind": "pay"})
"""Of one account; the amounts of `FOUR` tell them apart, since its last two have no id."""
FOUR = pd.DataFrame({"event_id": ["a", "b", None, None], "account_id": "ann", "occurred_at": START, "kind": "pay"})
FOUR["amount"] = [1.0, 2.0, 3.0, 4.0]
OWN_LABELS = st.lists(
    st.tuples(
        st.sampled_from(["spam", "phishing", "legitimate", None]),
        st.none() | st.integers(0, 6),
        st.sampled_from(sorted(TRUST.by_source)),
    ),
    min_size=len(FOUR),
    max_size=len(FOUR),
)
RUMOUR = labels_of([("a", "legitimate", 1, "review"), ("a", "spam", 2, "joke"), ("b", "spam", 1, "joke")])


def trained_with(trust: Trust, model: Model) -> Model:
    data = {"trust": dict(trust.by_source), "default_trust": trust.default}
    return replace(model, training={"recipe": {"data": data}})


def event_model(trust: Trust) -> Model:
    matrix = AccountMatrix(Subject.EVENT, (History(("1d",), measures=("frauds",)),))
    return trained_with(
        trust, replace(account_scorer().model, matrix=matrix, classes=("legitimate", "phishing", "spam"))
    )


def test_the_trust_of_a_model_is_that_of_its_recipe() -> None:
    trust = Trust({"review": 1.0}, 0.3)
    assert trust_of_model(event_model(trust)) == trust
    assert not trust_of_model(account_scorer().model).declared


@pytest.mark.parametrize("declared", [(), ("app",)])
def test_a_category_does_not_depend_on_the_other_rows_of_a_file(tmp_path: Path, declared: tuple[str, ...]) -> None:
    own = CustomColumns(("age",), {"app": ("1.1", "1.10", "1.9.1"), "branch": ("NA", "True", "7.0")})
    matrix = AccountMatrix(Subject.ACCOUNT, (), custom=own)
    model = replace(account_scorer().model, matrix=matrix, training={"recipe": {"history": {"categories": declared}}})
    frame = pd.DataFrame({"account_id": ["a", "b"], "app": ["1.10", "1.10"], "branch": ["true", "NA"], "age": [1, 2]})
    more = pd.DataFrame({"account_id": ["c"], "app": ["1.9.1"], "branch": ["7.0"], "age": [3]})
    pd.concat([frame, more]).to_csv(tmp_path / "more.csv", index=False)
    frame.to_csv(tmp_path / "alone.csv", index=False)
    frame.to_parquet(tmp_path / "alone.parquet")
    codes = {}
    for name in ("alone.csv", "more.csv", "alone.parquet"):
        records = read_inputs(model, tmp_path / name).records.head(2)
        assert records["age"].tolist() == [1, 2]
        codes[name] = own.compute(custom_values(records, own), np.zeros(2, np.int64))[:, 1:].tolist()
    assert codes["alone.csv"] == codes["more.csv"] == codes["alone.parquet"] == [[1, 1], [1, 0]]


@pytest.mark.parametrize(("subject", "past"), [("account", "events"), ("event", "history")])
def test_a_model_that_does_without_a_history_says_which_tables_it_does_not_read(
    tmp_path: Path, subject: Literal["account", "event"], past: str
) -> None:
    scorer = Scorer.load(own_columns_model(subject))
    records = pd.DataFrame({"event_id": ["e"], "account_id": ["a"], "occurred_at": [START], "as_of": START, "age": 1.0})
    records.to_parquet(tmp_path / "now.parquet")
    unread: dict[str, Any] = dict.fromkeys((past, "known_labels"), records)
    expected = [f"--{name} is not read: the model has no features of events" for name in sorted([past, "known-labels"])]
    for source in (tmp_path / "now.parquet", records):
        result = score_file(scorer, source, tmp_path / "scores.parquet", **unread)
        alone = score_file(scorer, source, tmp_path / "alone.parquet")
        assert sorted({*result.notes} - {*alone.notes}) == expected
        assert (tmp_path / "scores.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()
    missing: dict[str, Any] = dict.fromkeys(unread, tmp_path / "missing.parquet")
    read = read_inputs(scorer.model, records, **missing)
    assert sorted(read.notes[:2]) == expected
    other = {"events": "history", "history": "events"}[past]
    not_its_own: dict[str, Any] = {other: records}
    with pytest.raises(SchemaError, match=f"--{other}: the model cannot use this table"):
        score_file(scorer, records, tmp_path / "scores.parquet", **not_its_own)


def test_events_of_other_kinds_than_the_scored_one_are_history_only(tmp_path: Path) -> None:
    scorer = event_scorer()
    events = pd.DataFrame(
        {
            "event_id": [*"abcd"],
            "account_id": "a1",
            "counterparty_id": "a2",
            "device_id": "d",
            "occurred_at": START + pd.to_timedelta([1, 2, 3, 4], unit="h"),
            "kind": ["login", "pay", None, "pay"],
            "amount": [1.0, 2.0, 3.0, 4.0],
        }
    )
    events.to_csv(tmp_path / "events.csv", index=False)
    events.to_parquet(tmp_path / "events.parquet")
    tables = {}
    for kind in (None, "pay"):
        model = Scorer(replace(scorer.model, training={"recipe": {"data": {"score_kind": kind}}}))
        for name in ("csv", "parquet"):
            result = score_file(model, tmp_path / f"events.{name}", tmp_path / "scores.parquet", keep=["kind"])
            tables[kind, name] = pd.read_parquet(tmp_path / "scores.parquet")
            noted = "2 events of other kinds than 'pay' are history, and have no score" in result.notes
            assert (result.scored, noted) == ((4, False) if kind is None else (2, True))
    whole, chosen = tables[None, "csv"], tables["pay", "csv"]
    pd.testing.assert_frame_equal(chosen, whole[whole["kind"] == "pay"].reset_index(drop=True))
    pd.testing.assert_frame_equal(chosen, tables["pay", "parquet"])
    other = Scorer(replace(scorer.model, training={"recipe": {"data": {"score_kind": "refund"}}}))
    with refused(SchemaError, "refund"):
        score_file(other, events, tmp_path / "scores.parquet")


def test_what_is_read_of_a_value_is_remembered_and_what_belongs_to_a_file_is_not() -> None:
    values: Any = {"columns": {"text": "body"}, "day_first": False, "decimal": ",", "time_zone": "Asia/Shanghai"}
    recipe = DataRecipe(**values, sheet="May", header_row=3, encoding="gb18030", separator=";")
    values["read_as"] = {"encoding": "gb18030", "accounts.balance": ","}
    training = {"recipe": {"data": recipe.model_dump()}, "read_as": values["read_as"]}
    options = options_of_model(replace(account_scorer().model, training=training))
    assert {name: getattr(options, name) for name in values} == values
    assert (options.sheet, options.header_row, options.encoding, options.separator) == (None,) * 4
    assert {name: getattr(recipe.options, name) for name in values} == values | {"read_as": {}}
    assert (recipe.options.sheet, recipe.options.header_row) == ("May", 3)


def with_own_labels(events: pd.DataFrame, own: list[tuple[str | None, int | None, str]]) -> pd.DataFrame:
    label, days, source = zip(*own, strict=True)
    times = START + pd.to_timedelta(pd.Series(days, dtype="float64"), unit="D")
    return events.assign(label=pd.Series(label, dtype="str"), labelled_at=times, source=source)


@pytest.mark.slow
@examples(50)
@given(OWN_LABELS, LABEL_ROWS, st.sampled_from([TRUST, Trust()]))
def test_labels_of_events_count_in_scoring_as_in_training(
    own: list[tuple[str | None, int | None, str]], label_rows: LabelRows, trust: Trust
) -> None:
    events, labels = with_own_labels(FOUR, own), labels_of(label_rows) if label_rows else None
    try:
        in_training = known_labels_of(
            load_events(events, labels=labels, labelling=Labelling(trust=trust)), "legitimate"
        )
    except SchemaError:  # no event has a label
        in_training = None
    in_scoring = read_inputs(event_model(trust), events, known_labels=labels).history.labels
    assert in_scoring is not None
    expected = {} if in_training is None else by_amount(in_training)
    assert by_amount(in_scoring) == expected


def by_amount(labels: pd.DataFrame) -> dict[float, list[object]]:
    rows = labels[["amount", "account_id", "labelled_at", "is_fraud"]].itertuples(index=False)
    return {amount: list(row) for amount, *row in rows}


def test_events_without_a_label_in_the_table_keep_their_own() -> None:
    own = FOUR.assign(label="spam", labelled_at=START + pd.Timedelta("1h"))
    labels = read_inputs(
        event_model(Trust()), own, known_labels=labels_of([("a", "legitimate", 1, "review")])
    ).history.labels
    assert labels is not None
    assert labels.sort_values("event_id")["is_fraud"].tolist() == [False, True, True, True]


def test_a_table_of_flags_is_read_beside_own_labels_in_words() -> None:
    own = FOUR.assign(label="spam", labelled_at=START + pd.Timedelta("1h"))
    flags = labels_of([("a", "0", 1, "review"), ("b", "1", 1, "review"), ("b", "-1", 2, "review")])
    labels = read_inputs(event_model(Trust()), own, known_labels=flags).history.labels
    assert labels is not None
    assert labels.sort_values("event_id")["is_fraud"].tolist() == [False, True, True, True]


def test_own_labels_need_no_ids_of_events_but_a_table_of_labels_does() -> None:
    own = FOUR.drop(columns="event_id").assign(label="spam", labelled_at=START + pd.Timedelta("1h"))
    labels = read_inputs(event_model(Trust()), own).history.labels
    assert labels is not None
    assert labels["amount"].tolist() == FOUR["amount"].tolist()
    with refused(SchemaError, "event_id"):
        read_inputs(event_model(Trust()), own, known_labels=labels_of([("a", "spam", 1, "review")]))


@pytest.mark.slow
@examples(50)
@given(LABEL_ROWS.filter(bool), st.sampled_from([TRUST, Trust()]))
def test_labels_of_accounts_count_in_scoring_as_in_training(label_rows: LabelRows, trust: Trust) -> None:
    labels, accounts = labels_of(label_rows), pd.DataFrame({"account_id": ["a", "b"]})
    try:
        in_training = known_labels_of(
            load_accounts(EVENTS, accounts=accounts, labels=labels, labelling=Labelling(trust=trust)), "legitimate"
        )
    except SchemaError:  # no account has a label
        return
    classes = ("legitimate", "phishing", "spam")
    model = replace(trained_with(trust, account_scorer().model), classes=classes)
    _, in_scoring, _ = read_history(model, events=EVENTS, known_labels=labels)
    assert in_scoring is not None
    used = ["account_id", "labelled_at", "is_fraud"]
    expected = [] if in_training is None else [*in_training[used].itertuples(index=False, name=None)]
    assert sorted(in_scoring[used].itertuples(index=False, name=None)) == sorted(expected)


def test_own_labels_of_events_need_a_trusted_source() -> None:
    own = EVENTS.assign(label="spam", labelled_at=START + pd.Timedelta("1h"), source=["review", "joke", "rule"])
    labels = read_inputs(event_model(TRUST), own).history.labels
    assert labels is not None
    assert sorted(labels["event_id"]) == ["a", "c"]


def test_of_an_account_every_label_that_counted_is_kept() -> None:
    later: LabelRows = [("a", "spam", 3, "review"), ("a", "legitimate", 4, "rule"), ("c", "spam", 5, "rule")]
    labels = pd.concat([RUMOUR, labels_of(later)], ignore_index=True)
    labels["labelled_at"] += pd.Timedelta("1h")  # dates alone count from the end of their day
    _, prepared, _ = read_history(trained_with(TRUST, account_scorer().model), events=None, known_labels=labels)
    assert prepared is not None
    days = (prepared["labelled_at"] - START).dt.days
    rows = zip(prepared["account_id"], days, prepared["is_fraud"], strict=True)
    assert list(rows) == [("a", 1, False), ("a", 3, True), ("c", 5, True)]


def test_a_label_of_a_source_without_weight_is_an_error_that_says_what_to_do() -> None:
    labels = labels_of([("a", "spam", 1, "review"), ("b", "spam", 1, "joke")]).assign(source=["review", "hearsay"])
    with refused(SchemaError) as error:
        read_inputs(event_model(TRUST), EVENTS, known_labels=labels)
    assert "hearsay" not in str(error.value)


def test_rejected_labels_are_counted_in_a_note() -> None:
    labels = labels_of([("a", "spam", 1, "review"), ("b", "spam", 1, "review")])
    labels["labelled_at"] = [START.isoformat(), "soon"]
    inputs = read_inputs(event_model(Trust()), EVENTS, known_labels=labels)
    assert inputs.history.labels is not None
    assert list(inputs.history.labels["event_id"]) == ["a"]
    assert "1 labels were rejected and are ignored" in inputs.notes


def test_labels_of_past_messages_need_a_trusted_source() -> None:
    sent = {"text": ["pay now", "pay later"], "sent_at": START}
    past = pd.DataFrame({**sent, "label": "fraud", "labelled_at": START, "source": ["review", "joke"]})
    model = message_scorer().model
    for trust, counting in ((TRUST, [True, False]), (Trust(), [True, True])):
        read = read_inputs(trained_with(trust, model), pd.DataFrame(sent), history=past).history.messages
        assert read is not None
        assert read["label"].notna().tolist() == counting
        assert read["labelled_at"].notna().tolist() == counting
        alone = read_inputs(trained_with(trust, model), past).history.messages
        assert alone is not None
        assert alone["label"].notna().tolist() == counting
