"""`Scorer`: one score for a record however it comes, and no score for what is no message."""

import json
import math
import threading
from collections import Counter, UserDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fraudsieve.exceptions import RecordError
from fraudsieve.features import fold_text
from fraudsieve.features.account_matrix import AccountMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.history.declaration import History
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.network.declaration import Network
from fraudsieve.models import FraudClassifier, Model, Scorer
from fraudsieve.models.policy import Policy
from fraudsieve.models.predict import CHUNK
from fraudsieve.models.thresholds import OperatingPoint
from tests.profiles import examples

FIELDS = {
    "probability",
    "label",
    "decision",
    "false_positive_rate",
    "status",
    "why",
    "probabilities",
    "model",
}
SECRET = "Wire 500 to the account of Zebedee"

JSON_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
JSON = st.recursive(
    JSON_SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=10,
)
RECORDS = st.one_of(JSON, st.fixed_dictionaries({"text": JSON}), st.lists(st.fixed_dictionaries({"text": JSON})))


def one_of_columns(columns: dict[str, Any], at: int) -> dict[str, Any]:
    """What a row of columns says, NaN as None."""
    row = {name: values[at] for name, values in columns.items()}
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}


@pytest.fixture(scope="module")
def by_name(binary: Any, several: Any, types: Any) -> dict[str, Scorer]:
    return {fitted.model.name: Scorer.load(fitted.folder) for fitted in (binary, several, types)}


def test_one_record_many_and_columns_give_the_same_scores(fitted: Any) -> None:
    scorer, texts = Scorer.load(fitted.folder), fitted.texts[:250]
    many = scorer.score([{"text": text} for text in texts])
    columns = scorer.score_columns({"text": texts})
    assert len(many) == len(texts)
    for at in range(0, len(texts), 5):
        assert scorer.score({"text": texts[at]}) == many[at]
        row = one_of_columns(columns, at)
        probabilities = {name: row.pop(f"probability__{name}") for name in fitted.model.classes}
        assert row | {"probabilities": probabilities, "model": many[at]["model"]} == many[at]
    assert scorer.score(tuple({"text": text} for text in texts)) == many


def test_scores_are_those_of_the_classifier(fitted: Any) -> None:
    columns = Scorer.load(fitted.folder).score_columns({"text": fitted.texts})
    expected = fitted.classifier.predict_proba(fitted.features.transform(fitted.texts))
    scored = np.column_stack([columns[f"probability__{name}"] for name in fitted.classifier.classes_])
    np.testing.assert_array_equal(scored, expected)
    assert (columns["label"] == fitted.classifier.classes_[expected.argmax(axis=1)]).all()
    np.testing.assert_allclose(scored.sum(axis=1), 1, rtol=1e-12)


def test_the_order_of_records_does_not_matter(fitted: Any) -> None:
    scorer = Scorer.load(fitted.folder)
    records = [{"text": text} for text in fitted.texts]
    order = np.random.default_rng(0).permutation(len(records))
    scores = scorer.score(records)
    assert scorer.score([records[at] for at in order]) == [scores[at] for at in order]


def test_chunks_do_not_show(binary: Any, scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[Any] = binary.texts[:100]
    texts[10] = None
    whole = scorer.score_columns({"text": texts})
    monkeypatch.setattr("fraudsieve.models.predict.CHUNK", 7)
    parts = scorer.score_columns({"text": texts})
    assert CHUNK > 7
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({}, "text: expected a string, the field is missing"),
        ({"Text": SECRET}, "text: expected a string, the field is missing"),
        ({"text": None}, "text: expected a string, the field is missing"),
        ({"text": float("nan")}, "text: expected a string, the field is missing"),
        ({"text": np.float64("nan")}, "text: expected a string, the field is missing"),
        ({"text": np.float32("nan")}, "text: expected a string, got float32"),
        ({"text": pd.NA}, "text: expected a string, got NAType"),
        ({"text": 5}, "text: expected a string, got int"),
        ({"text": True}, "text: expected a string, got bool"),
        ({"text": [SECRET]}, "text: expected a string, got list"),
        ({"text": {"text": SECRET}}, "text: expected a string, got dict"),
        ({"text": np.array([SECRET, SECRET])}, "text: expected a string, got ndarray"),
        ({"text": SECRET.encode()}, "text: expected a string, got bytes"),
        ({"text": ""}, "text: expected a message, got only blanks"),
        ({"text": " \n\t\u3000\u00a0"}, "text: expected a message, got only blanks"),
    ],
)
def test_what_is_no_message_is_not_scored(
    by_name: dict[str, Scorer], binary: Any, record: dict[str, Any], why: str
) -> None:
    for scorer in by_name.values():
        score = scorer.score(record)
        assert set(score) == FIELDS
        assert (score["status"], score["why"]) == ("unscorable", why)
        assert {score[name] for name in ("probability", "label", "decision", "false_positive_rate")} == {None}
        assert set(score["probabilities"].values()) == {None}
        assert SECRET not in json.dumps(score)
        message = {"text": binary.texts[0]}
        assert scorer.score([message, record, message]) == [scorer.score(message), score, scorer.score(message)]


def test_unknown_fields_are_ignored(scorer: Scorer) -> None:
    plain = scorer.score({"text": SECRET})
    assert scorer.score({"text": SECRET, "label": "fraud", "more": object(), 5: None}) == plain  # type: ignore[dict-item]
    assert scorer.score(UserDict({"text": SECRET})) == plain
    columns = scorer.score_columns({"other": [1, 2, 3], "text": [SECRET]})
    assert columns["probability"].tolist() == [plain["probability"]]


def test_no_records_give_no_scores(by_name: dict[str, Scorer]) -> None:
    for scorer in by_name.values():
        assert scorer.score([]) == []
        assert {len(values) for values in scorer.score_columns({"text": []}).values()} == {0}


@pytest.mark.parametrize(
    ("records", "name"),
    [
        (SECRET, "str"),
        (SECRET.encode(), "bytes"),
        ((record for record in [{"text": SECRET}]), "generator"),
        ({SECRET}, "set"),
        (None, "NoneType"),
        (5, "int"),
        (np.array([{"text": SECRET}]), "ndarray"),
        (pd.DataFrame({"text": [SECRET]}), "DataFrame"),
        (range(3), "range"),
    ],
)
def test_what_is_no_list_of_records_is_a_type_error(scorer: Scorer, records: Any, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^Expected a dict or a list of dicts, got {name}\.$"):
        scorer.score(records)


@pytest.mark.parametrize(("record", "name"), [(SECRET, "str"), (None, "NoneType"), ([{"text": SECRET}], "list")])
def test_what_is_no_record_is_a_type_error(scorer: Scorer, record: Any, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^Expected a dict as record, got {name} at position 1\.$"):
        scorer.score([{"text": SECRET}, record])


def test_wrong_columns_are_an_error(scorer: Scorer) -> None:
    with pytest.raises(KeyError, match=r"Expected a column 'text'; the columns are \['Text', 'id'\]"):
        scorer.score_columns({"id": [1], "Text": [SECRET]})
    with pytest.raises(TypeError, match=r"got one str\. Put it in a list") as caught:
        scorer.score_columns({"text": SECRET})
    assert SECRET not in str(caught.value)


def test_columns_may_be_any_sequence(scorer: Scorer) -> None:
    texts = [SECRET, "see you at six", None]
    expected = scorer.score_columns({"text": texts})
    sequences: list[Any] = [tuple(texts), np.array(texts, object), pd.Series(texts), pd.Series(texts, dtype="object")]
    for sequence in sequences:
        for name, values in scorer.score_columns({"text": sequence}).items():
            np.testing.assert_array_equal(values, expected[name])


def test_the_probability_of_fraud_is_what_is_left_by_legitimate(binary: Any, several: Any) -> None:
    for fitted in (binary, several):
        columns = Scorer.load(fitted.folder).score_columns({"text": fitted.texts})
        np.testing.assert_allclose(columns["probability"], 1 - columns["probability__legitimate"], atol=1e-15)
    columns = Scorer.load(binary.folder).score_columns({"text": binary.texts})
    np.testing.assert_array_equal(columns["probability"], columns["probability__fraud"])


def test_without_a_legitimate_class_there_is_no_probability_of_fraud(types: Any) -> None:
    score = Scorer.load(types.folder).score({"text": types.texts[0]})
    assert (score["probability"], score["decision"], score["false_positive_rate"]) == (None, None, None)
    assert score["status"] == "ok"
    assert score["label"] == max(score["probabilities"], key=score["probabilities"].__getitem__)
    assert sum(score["probabilities"].values()) == pytest.approx(1)


def test_the_first_point_decides_and_its_threshold_is_flagged(binary: Any) -> None:
    probability = Scorer(binary.model).score({"text": binary.texts[0]})["probability"]
    above, below = np.nextafter(probability, 2), np.nextafter(probability, 0)
    for thresholds, decision, reached in [
        ((probability, 1.5), "flag", 0.01),
        ((above, 1.5), "pass", None),
        ((above, below), "pass", 0.001),
        ((below, probability), "flag", 0.001),
        ((below, above), "flag", 0.01),
    ]:
        points = [OperatingPoint("", at, rate, 1, 1) for at, rate in zip(thresholds, (0.01, 0.001), strict=True)]
        score = Scorer(replace(binary.model, points=tuple(points))).score({"text": binary.texts[0]})
        assert (score["decision"], score["false_positive_rate"]) == (decision, reached)
    score = Scorer(replace(binary.model, points=())).score({"text": binary.texts[0]})
    assert (score["decision"], score["false_positive_rate"]) == (None, None)


def test_the_rate_is_that_of_the_strictest_point_that_is_reached(binary: Any, scorer: Scorer) -> None:
    columns = scorer.score_columns({"text": binary.texts})
    for fraud, decision, rate in zip(
        columns["probability"], columns["decision"], columns["false_positive_rate"], strict=True
    ):
        passed = [point for point in binary.model.points if fraud >= point.threshold]
        strictest = max(passed, key=lambda point: point.threshold, default=None)
        assert math.isnan(rate) if strictest is None else rate == strictest.false_positive_rate
        assert decision == ("flag" if fraud >= binary.model.points[0].threshold else "pass")
    assert set(columns["decision"]) == {"flag", "pass"}
    assert np.isnan(columns["false_positive_rate"]).any()


def test_the_model_tells_fraud_from_legitimate(binary: Any, scorer: Scorer) -> None:
    fraud = scorer.score_columns({"text": binary.texts})["probability"]
    assert fraud[binary.labels == "fraud"].mean() > 0.5 > 0.1 > fraud[binary.labels == "legitimate"].mean()


def test_scores_name_their_model(fitted: Any) -> None:
    score = Scorer.load(fitted.folder, digest=fitted.model.digest).score({"text": SECRET})
    assert score["model"] == {"name": fitted.model.name, "digest": fitted.model.digest}
    assert list(score["probabilities"]) == list(fitted.model.classes)


def test_scores_are_plain_json(fitted: Any) -> None:
    records = [{"text": text} for text in [*fitted.texts[:20], None, "\x00", "\ud800", "\u200b", "😀" * 5000]]
    scores = Scorer.load(fitted.folder).score(records)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores
    assert all(set(score) == FIELDS for score in scores)


@examples(200)
@given(records=RECORDS)
def test_any_json_is_scored_or_a_type_error(scorer: Scorer, records: Any) -> None:
    whole = isinstance(records, dict) or (isinstance(records, list) and all(isinstance(one, dict) for one in records))
    if not whole:
        with pytest.raises(TypeError, match=r"^Expected a dict"):
            scorer.score(records)
        return
    scores = scorer.score(records)
    json.dumps(scores, allow_nan=False)
    for score in [scores] if isinstance(scores, dict) else scores:
        assert (score["status"] == "ok") == (score["why"] is None) == (score["probability"] is not None)


THINGS = st.one_of(
    JSON,
    st.binary(max_size=5),
    st.datetimes(),
    st.complex_numbers(),
    st.fractions(),
    st.decimals(),
    st.integers(min_value=10**300, max_value=10**400),
    st.sampled_from(
        [pd.NA, pd.NaT, np.datetime64("NaT"), np.datetime64(2**62, "s"), np.float32("nan"), np.int8(3), np.arange(2)]
    ),
    st.sampled_from([datetime.max, datetime.min, object(), type, np.array("a"), np.zeros((2, 2)), "2026-05-01T10:00Z"]),
)
LOOKED_AT = ["text", "account_id", "as_of", "age", "city", "sent_at", "created_at", "occurred_at", "amount", "kind"]
NAMES = st.one_of(st.sampled_from(LOOKED_AT), JSON_SCALARS)
TIMES = ("as_of", "sent_at", "created_at", "occurred_at", "labelled_at")
GOOD: dict[Any, Any] = dict.fromkeys(TIMES, "2026-05-01T10:00Z")
GOOD |= {"text": "Your parcel 5 is held", "account_id": "ann", "kind": "pay", "amount": 5.5, "age": 5, "city": "rome"}
GOOD |= {"counterparty_id": "bob", "device_id": "d", "event_id": "e", "message_id": "m", "is_fraud": True}
EARLIER = GOOD | dict.fromkeys(TIMES, "2026-05-01T09:00Z")
NEAR = st.dictionaries(st.sampled_from([*GOOD, "label"]), THINGS, max_size=2).map(lambda odd: GOOD | odd)
ANY_RECORD = st.one_of(NEAR, st.dictionaries(NAMES, THINGS, max_size=6))
COLUMNS = st.one_of(
    st.lists(NEAR, min_size=1, max_size=3).map(lambda rows: {name: [row[name] for row in rows] for name in GOOD}),
    st.dictionaries(NAMES, st.one_of(THINGS, st.lists(THINGS, max_size=3))),
    THINGS,
)
KNOWN = st.one_of(st.just([EARLIER]), st.lists(ANY_RECORD, max_size=2))
PARTS = st.sampled_from(["events", "labels", "account_labels", "messages", "other"])
HISTORY = st.one_of(KNOWN, st.dictionaries(PARTS, KNOWN, max_size=3), st.none(), THINGS)
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
    AccountMatrix("account", VIEWS, numbers=("age",), categories={"city": ("rome",)}),
    AccountMatrix("account", VIEWS, Network("counterparty_id", ("device_id",))),
    AccountMatrix("event", VIEWS, numbers=("amount",), categories={"kind": ("pay",)}),
    AccountMatrix("event", (), numbers=("amount",), timed=False),
)
"""All that can be scored: messages alone and with what was before them, accounts, and events with times and without."""


def model_of(matrix: MessageMatrix | AccountMatrix) -> Model:
    rows = np.random.default_rng(0).normal(size=(300, len(matrix.columns)))
    fitted = FraudClassifier(n_rounds=3, n_jobs=1).fit(rows, np.where(rows[:, 0] > 0, "fraud", "legitimate"))
    return Model("a", ("fraud", "legitimate"), "legitimate", matrix, fitted.ensemble_, fitted.calibration_)


@pytest.fixture(scope="module")
def of_all_kinds(binary: Any) -> list[Model]:
    return [binary.model, *map(model_of, MATRICES)]


def check_documented(error: Exception) -> None:
    """Check that an error is one of ours, and not what a wrong value did to a library."""
    said = str(error.args[0])
    assert said.startswith(("record ", "columns: ") if isinstance(error, RecordError) else ("Expected ", "history: "))


def test_whatever_comes_it_is_scored_or_a_documented_error(of_all_kinds: list[Model]) -> None:
    scored = Counter[tuple[str, int]]()

    # As many in every profile: below it is asserted that each kind of model came to a score.
    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(st.one_of(THINGS, ANY_RECORD, st.lists(ANY_RECORD, max_size=3)), COLUMNS, HISTORY, st.booleans(), POLICIES)
    def score(records: Any, columns: Any, history: Any, reasons: bool, policy: Policy) -> None:
        for place, model in enumerate(of_all_kinds):
            one = Scorer(model, policy=policy)
            try:
                scores = one.score(records, history=history, reasons=reasons)
            except (TypeError, ValueError) as error:
                check_documented(error)
            else:
                json.dumps(scores, allow_nan=False)
                for found in scores if isinstance(scores, list) else [scores]:
                    assert (found["status"] == "unscorable") == (found["why"] is not None) == (found["label"] is None)
                    scored["score", place] += found["status"] == "ok"
            try:
                table = one.score_columns(columns, history=history)
            except (KeyError, TypeError, ValueError) as error:
                check_documented(error)
            else:
                scored["score_columns", place] += "ok" in table["status"]

    score()
    # Each kind was scored in both ways; accounts and events are only "ok" where something was known of them.
    assert all(scored[way, place] for way in ("score", "score_columns") for place in range(len(of_all_kinds))), scored


@examples(200)
@given(text=st.text(max_size=60))
def test_any_text_gets_a_probability_or_is_blank(scorer: Scorer, text: str) -> None:
    score = scorer.score({"text": text})
    if fold_text(text).strip():
        assert 0 < score["probability"] < 1
    elif not text.isprintable() or not text.strip():  # an accent alone prints, and is scored
        assert score["status"] == "unscorable"


def test_threads_get_the_same_scores(binary: Any) -> None:
    records = [{"text": text} for text in binary.texts[:300]]
    expected = Scorer.load(binary.folder).score(records)
    fresh = Scorer.load(binary.folder)  # its tables are made at the first call
    barrier = threading.Barrier(8, timeout=30)

    def work(_: int) -> Any:
        barrier.wait()
        return [fresh.score(records), [fresh.score(record) for record in records[:50]]]

    with ThreadPoolExecutor(8) as pool:
        for many, singles in pool.map(work, range(8)):
            assert many == expected
            assert singles == expected[:50]


# LightGBM 4.7 itself requires SciPy; the others it takes where they are installed.
WITHOUT_EXTRAS = """
import json
import sys

FORBIDDEN = {{"mlflow", "sklearn", "pandas", "pyarrow", "joblib"}}


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Blocker())
from fraudsieve.models import Scorer

scores = Scorer.load({folder!r}, digest={digest!r}).score({records!r})
assert not FORBIDDEN & {{name.partition(".")[0] for name in sys.modules}}
print(json.dumps(scores))
"""


@pytest.mark.slow
def test_scoring_needs_the_base_dependencies_alone(fitted: Any, run_alone: Callable[[str], str]) -> None:
    records = [{"text": text} for text in [*fitted.texts[:5], None]]
    program = WITHOUT_EXTRAS.format(folder=str(fitted.folder), digest=fitted.model.digest, records=records)
    assert json.loads(run_alone(program)) == Scorer.load(fitted.folder).score(records)


@pytest.mark.slow
def test_our_own_modules_ask_for_nothing_more(run_alone: Callable[[str], str]) -> None:
    program = """
import sys, lightgbm, numba, numpy
before = set(sys.modules)
from fraudsieve.models import Scorer
ours = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(ours - set(sys.stdlib_module_names) - {"numpy", "numba", "llvmlite", "lightgbm", "fraudsieve"}))
"""
    assert run_alone(program).split() == []
