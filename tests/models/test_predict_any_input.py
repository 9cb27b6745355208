"""`Scorer` on any input: every record is scored, unscorable, or a documented error."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecordError
from fraudsieve.features import fold_text
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.models import FraudClassifier, Model, Scorer
from fraudsieve.models.fields import Policy
from tests.profiles import examples

JSON_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
JSON = st.recursive(
    JSON_SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=10,
)
RECORDS = st.one_of(JSON, st.fixed_dictionaries({"text": JSON}), st.lists(st.fixed_dictionaries({"text": JSON})))


@examples(200)
@given(records=RECORDS)
def test_any_json_is_scored_or_a_type_error(scorer: Scorer, records: Any) -> None:
    is_valid = isinstance(records, dict) or (
        isinstance(records, list) and all(isinstance(record, dict) for record in records)
    )
    if not is_valid:
        with pytest.raises(TypeError, match=r"^Expected a dict"):
            scorer.score(records)
        return
    scores = scorer.score(records)
    json.dumps(scores, allow_nan=False)
    for score in [scores] if isinstance(scores, dict) else scores:
        assert (score["status"] == "ok") == (score["why"] is None) == (score["probability"] is not None)


VALUES = st.one_of(
    JSON,
    st.binary(max_size=5),
    st.datetimes(),
    st.complex_numbers(),
    st.fractions(),
    st.decimals(),
    st.integers(min_value=10**300, max_value=10**400),
    st.sampled_from(
        [
            pd.NA,
            pd.NaT,
            np.datetime64("NaT", "us"),
            np.datetime64(2**62, "s"),
            np.float32("nan"),
            np.int8(3),
            np.arange(2),
        ]
    ),
    st.sampled_from([datetime.max, datetime.min, object(), type, np.array("a"), np.zeros((2, 2)), "2026-05-01T10:00Z"]),
)
USED_FIELDS = ["text", "account_id", "as_of", "age", "city", "sent_at", "created_at", "occurred_at", "amount", "kind"]
NAMES = st.one_of(st.sampled_from(USED_FIELDS), JSON_SCALARS)
TIMES = ("as_of", "sent_at", "created_at", "occurred_at", "labelled_at")
GOOD: dict[Any, Any] = dict.fromkeys(TIMES, "2026-05-01T10:00Z")
GOOD |= {"text": "Your parcel 5 is held", "account_id": "ann", "kind": "pay", "amount": 5.5, "age": 5, "city": "rome"}
GOOD |= {"counterparty_id": "bob", "device_id": "d", "event_id": "e", "message_id": "m", "is_fraud": True}
EARLIER = GOOD | dict.fromkeys(TIMES, "2026-05-01T09:00Z")
NEAR = st.dictionaries(st.sampled_from([*GOOD, "label"]), VALUES, max_size=2).map(lambda changes: GOOD | changes)
ANY_RECORD = st.one_of(NEAR, st.dictionaries(NAMES, VALUES, max_size=6))
COLUMNS = st.one_of(
    st.lists(NEAR, min_size=1, max_size=3).map(lambda rows: {name: [row[name] for row in rows] for name in GOOD}),
    st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=3))),
    VALUES,
)
ENTRIES = st.one_of(st.just([EARLIER]), st.lists(ANY_RECORD, max_size=2))
PARTS = st.sampled_from(["events", "labels", "account_labels", "messages", "other"])
HISTORY = st.one_of(ENTRIES, st.dictionaries(PARTS, ENTRIES, max_size=3), st.none(), VALUES)
POLICIES = st.one_of(
    st.just(Policy()),
    st.builds(
        Policy,
        st.sampled_from(["unscorable", "missing", "error"]),
        st.sampled_from(["unscorable", "missing", "error"]),
        st.sampled_from(["ignore", "error"]),
    ),
)


VIEWS = (History(("1d",), measures=("count", "sum")),)
MATRICES: tuple[MessageMatrix | AccountMatrix, ...] = (
    MessageMatrix(None),
    MessageMatrix(None, sender=VIEWS, campaigns=CampaignHistory(("1d",), ("spam",))),
    AccountMatrix(Subject.ACCOUNT, VIEWS, custom=CustomColumns(("age",), {"city": ("rome",)})),
    AccountMatrix(Subject.ACCOUNT, VIEWS, Network("counterparty_id", ("device_id",))),
    AccountMatrix(Subject.EVENT, VIEWS, custom=CustomColumns(("amount",), {"kind": ("pay",)})),
    AccountMatrix(Subject.EVENT, (), custom=CustomColumns(("amount",)), timed=False),
)
"""All kinds of models: messages without and with history, accounts, and events with and without times."""


def model_of(matrix: MessageMatrix | AccountMatrix) -> Model:
    rows = np.random.default_rng(0).normal(size=(300, len(matrix.columns)))
    fitted = FraudClassifier(n_rounds=3, n_jobs=1).fit(rows, np.where(rows[:, 0] > 0, "fraud", "legitimate"))
    return Model("a", ("fraud", "legitimate"), "legitimate", matrix, fitted.ensemble_, fitted.calibration_)


@pytest.fixture(scope="module")
def of_all_kinds(binary: Any) -> list[Model]:
    return [binary.model, *map(model_of, MATRICES)]


def check_documented(error: Exception) -> None:
    """Check that an error is a documented one, and not from a library."""
    text = str(error.args[0])
    assert text.startswith(("record ", "columns: ") if isinstance(error, RecordError) else ("Expected ", "history: "))


@pytest.mark.slow
def test_any_input_is_scored_or_a_documented_error(of_all_kinds: list[Model]) -> None:
    scored = Counter[tuple[str, int]]()

    # As many in every profile, because the test requires a score of each kind of model.
    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(st.one_of(VALUES, ANY_RECORD, st.lists(ANY_RECORD, max_size=3)), COLUMNS, HISTORY, st.booleans(), POLICIES)
    def score(records: Any, columns: Any, history: Any, reasons: bool, policy: Policy) -> None:
        for position, model in enumerate(of_all_kinds):
            one = Scorer(model, policy=policy)
            try:
                scores = one.score(records, history=history, reasons=reasons)
            except (TypeError, ValueError) as error:
                check_documented(error)
            else:
                json.dumps(scores, allow_nan=False)
                for each in scores if isinstance(scores, list) else [scores]:
                    assert (each["status"] == "unscorable") == (each["why"] is not None) == (each["label"] is None)
                    scored["score", position] += each["status"] == "ok"
            try:
                table = one.score_columns(columns, history=history)
            except (KeyError, TypeError, ValueError) as error:
                check_documented(error)
            else:
                scored["score_columns", position] += "ok" in table["status"]

    score()
    # Each kind was scored in both ways; accounts and events are only "ok" if they have history.
    assert all(scored[way, position] for way in ("score", "score_columns") for position in range(len(of_all_kinds))), (
        scored
    )


@examples(200)
@given(text=st.text(max_size=60))
def test_any_text_gets_a_probability_or_is_blank(scorer: Scorer, text: str) -> None:
    score: Any = scorer.score({"text": text})
    if fold_text(text).strip():
        assert 0 < score["probability"] < 1
    elif not text.isprintable() or not text.strip():  # an accent alone is printable, and is scored
        assert score["status"] == "unscorable"
