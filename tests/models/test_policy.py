"""Policies for fields that are missing, unknown or of the wrong type, for records and for columns."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecordError
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.history.declaration import History
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models import FraudClassifier, Model, Scorer, read_model, write_model
from fraudsieve.models.fields import Policy, check_unknown, model_fields
from fraudsieve.models.rules import Rule, RuleSet
from tests.messages import refused

SECRET = "Wire 500 to Zebedee"
GOOD: dict[str, Any] = {"account_id": "a", "as_of": "2026-05-01", "age": 30.0, "city": "rome", "device_id": "d"}


@pytest.fixture(scope="module")
def accounts() -> Model:
    views = (History(("1d",), measures=("count",)), History(("1d",), measures=("count",), entity="device_id", name="d"))
    matrix = AccountMatrix(Subject.ACCOUNT, views, custom=CustomColumns(("age",), {"city": ("rome", "oslo")}))
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, len(matrix.columns)))
    fitted = FraudClassifier(n_rounds=4, n_jobs=1).fit(rows, np.where(rows[:, -2] > 0, "fraud", "legitimate"))
    return Model("accounts", ("fraud", "legitimate"), "legitimate", matrix, fitted.ensemble_, fitted.calibration_)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name not in names}


def both(scorer: Scorer, record: dict[str, Any]) -> Any:
    """Score a record as one and as columns, which must agree."""
    one = scorer.score(record)
    columns = scorer.score_columns({name: [value] for name, value in record.items()})
    assert (columns["status"][0], columns["why"][0]) == (one["status"], one["why"])
    np.testing.assert_array_equal(columns["probability"][0], np.float64(one["probability"] or np.nan))
    return one


def test_by_default_missing_or_wrong_fields_are_unscorable(accounts: Model) -> None:
    scorer = Scorer(accounts)
    assert scorer.policy == Policy("unscorable", "unscorable", "ignore")
    for record in (without("age"), without("city"), without("as_of"), GOOD | {"age": "old"}, GOOD | {"city": [SECRET]}):
        score = both(scorer, record)
        assert score["status"] == "unscorable"
        assert SECRET not in score["why"]
    assert both(scorer, GOOD | {"more": 5})["status"] == "no_history"


def test_values_treated_as_missing_score_like_none(accounts: Model) -> None:
    scorer, plain = Scorer(accounts, policy=Policy("missing", "missing")), Scorer(accounts)
    for name, wrong in (("age", "old"), ("city", [SECRET]), ("device_id", 1.5), ("age", 10**400)):
        expected = plain.score(GOOD | {name: None})
        assert expected["probability"] is not None
        assert both(scorer, GOOD | {name: wrong}) == expected
        assert both(scorer, without(name)) == expected
    for record in (GOOD | {"as_of": "noon"}, GOOD | {"account_id": 1.5}, without("as_of")):
        # Without an account or a cutoff time there is nothing to score.
        assert both(scorer, record)["status"] == "unscorable"


@pytest.mark.parametrize("name", ["age", "city", "device_id", "as_of"])
def test_an_error_names_the_field_and_the_position_but_no_value(accounts: Model, name: str) -> None:
    strict = Scorer(accounts, policy=Policy("error", "error"))
    with refused(RecordError):
        strict.score([GOOD, without(name)])
    with pytest.raises(RecordError, match=rf"record 1: {name}: expected .*, got ") as caught:
        strict.score([GOOD, GOOD | {name: [SECRET]}])
    assert SECRET not in str(caught.value)
    assert both(strict, GOOD)["status"] == "no_history"
    assert Scorer(accounts, policy=Policy("error")).score(GOOD | {name: [SECRET]})["status"] == "unscorable"


def test_unknown_fields(accounts: Model, binary: Any) -> None:
    strict = Scorer(accounts, policy=Policy(unknown="error"))
    allowed = GOOD | {"label": "x", "created_at": "2026-01-01"}
    assert both(strict, allowed)["status"] == "no_history"
    text = r"record 0: 2 fields are unknown; the model uses account_id, age, as_of, city"
    with pytest.raises(RecordError, match=text) as caught:
        strict.score(cast(Any, {**GOOD, SECRET: 1, 5: 2}))
    assert SECRET not in str(caught.value)
    with pytest.raises(RecordError, match="columns: 1 fields are unknown"):
        strict.score_columns({name: [value] for name, value in GOOD.items()} | {"more": [1]})
    rules = RuleSet([Rule("mules", "device_id", ["d1"], "flag", "case 17")])
    ruled = Scorer(binary.model, policy=Policy(unknown="error"), rules=rules)
    assert ruled.score({"text": "hello", "device_id": "d1"})["decision"] == "flag"
    with pytest.raises(RecordError, match="1 fields are unknown"):
        ruled.score({"text": "hello", "device": "d1"})
    messages = Scorer(binary.model, policy=Policy(unknown="error"))
    assert messages.score({"text": "hi there", "message_id": 5, "sent_at": None})["status"] == "ok"
    with pytest.raises(RecordError, match="1 fields are unknown; the model uses text"):
        messages.score({"text": "hi", "body": SECRET})


def test_records_without_a_text(binary: Any) -> None:
    for record in ({}, {"text": None}, {"text": float("nan")}):
        with refused(RecordError):
            Scorer(binary.model, policy=Policy(missing="error")).score(record)
    for policy in (Policy("missing", "missing"), Policy(wrong_type="missing")):
        why = Scorer(binary.model, policy=policy).score({"text": 5})["why"]
        assert why == "text: expected a string, the field is missing"
    with pytest.raises(RecordError, match="record 2: text: expected a string, got int"):
        Scorer(binary.model, policy=Policy(wrong_type="error")).score_columns({"text": ["a", "b", 3]})


def test_a_scorer_can_override_the_policy_of_the_model(accounts: Model, tmp_path: Path) -> None:
    policy = Policy("missing", "error", "error")
    write_model(replace(accounts, policy=policy), tmp_path / "m")
    assert Scorer.load(tmp_path / "m").policy == read_model(tmp_path / "m").policy == policy
    assert Scorer.load(tmp_path / "m", policy=Policy()).policy == Policy()


def test_an_invalid_policy_is_rejected() -> None:
    for name in ("missing", "wrong_type", "unknown"):
        with refused(ValueError):
            Policy(**cast(Any, {name: "x"}))


def test_events_have_their_own_cutoff_time() -> None:
    fields = model_fields(
        AccountMatrix(Subject.EVENT, (History(("1d",), measures=("sum",)),), custom=CustomColumns(("amount",)))
    )
    assert fields.trained == ("account_id", "occurred_at", "amount")
    check_unknown(("kind", "event_id", "amount", "as_of"), "x", Policy(unknown="error"), fields)
    assert model_fields(MessageMatrix(None)).trained == ("text",)
