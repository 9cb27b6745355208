"""`Scorer`: the same score for a record in every form, and no score for invalid messages."""

import json
import math
import threading
from collections import UserDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models import Scorer
from fraudsieve.models.points import OperatingPoint
from fraudsieve.models.predict import CHUNK
from fraudsieve.models.scoring.score_fields import KeptScore
from tests.messages import refused

SECRET = "Wire 500 to the account of Zebedee"


def one_of_columns(columns: dict[str, Any], at: int) -> dict[str, Any]:
    """Return a row of columns, with NaN as None."""
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


def test_scores_equal_those_of_the_classifier(fitted: Any) -> None:
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


def test_chunks_give_the_same_scores(binary: Any, scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
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
        ({"text": np.float32("nan")}, "text: expected a string, the field is missing"),
        ({"text": pd.NA}, "text: expected a string, the field is missing"),
        ({"text": 5}, "text: expected a string, got int"),
        ({"text": True}, "text: expected a string, got bool"),
        ({"text": [SECRET]}, "text: expected a string, got list"),
        ({"text": {"text": SECRET}}, "text: expected a string, got object"),
        ({"text": np.array([SECRET, SECRET])}, "text: expected a string, got list"),
        ({"text": SECRET.encode()}, "text: expected a string, got bytes"),
        ({"text": ""}, "text: expected a message, got only blanks"),
        ({"text": SECRET * 30_000}, "text: expected at most 1,000,000 characters, got more"),
        ({"text": " \n\t\u3000\u00a0"}, "text: expected a message, got only blanks"),
    ],
)
def test_invalid_messages_are_unscorable(
    by_name: dict[str, Scorer], binary: Any, record: dict[str, Any], why: str
) -> None:
    for scorer in by_name.values():
        score = scorer.score(record)
        assert score.keys() == KeptScore.__required_keys__
        assert (score["status"], score["why"]) == ("unscorable", why)
        assert {score[name] for name in ("probability", "label", "decision", "false_positive_rate")} == {None}
        assert set(score["probabilities"].values()) == {None}
        assert SECRET not in json.dumps(score)
        message = {"text": binary.texts[0]}
        assert scorer.score([message, record, message]) == [scorer.score(message), score, scorer.score(message)]


@pytest.mark.slow
def test_a_text_of_a_million_characters_is_scored_whole(scorer: Scorer, binary: Any) -> None:
    text = (f"{binary.texts[0]} " * 1_000_000)[:999_999]
    records = [{"text": text + end} for end in "a5"]
    assert {score["status"] for score in scorer.score(records)} == {"ok"}
    rows = scorer.model.matrix.rows(records, None).X
    assert not np.array_equal(rows[0], rows[1])


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
        (range(3), "range"),
    ],
)
def test_other_types_of_records_are_a_type_error(scorer: Scorer, records: Any, name: str) -> None:
    with refused(TypeError, name):
        scorer.score(records)


@pytest.mark.parametrize(("record", "name"), [(SECRET, "str"), (None, "NoneType"), ([{"text": SECRET}], "list")])
def test_other_types_of_a_record_are_a_type_error(scorer: Scorer, record: Any, name: str) -> None:
    with refused(TypeError, name):
        scorer.score([{"text": SECRET}, record])


def test_a_table_is_pointed_to_the_method_for_it(scorer: Scorer) -> None:
    frame: Any = pd.DataFrame({"text": ["a"]})
    with refused(TypeError, "score_columns"):
        scorer.score(frame)
    assert len(scorer.score_columns(frame)["probability"]) == 1


def test_a_scorer_is_shown_in_one_line(scorer: Scorer) -> None:
    digest = str(scorer.model.digest)[:12]
    assert repr(scorer) == f"Scorer({scorer.model.name}: messages as fraud, legitimate; digest {digest})"
    assert f"<td>{scorer.model.digest}</td>" in scorer._repr_html_()


def test_wrong_columns_are_an_error(scorer: Scorer) -> None:
    with refused(KeyError, "text", "Text"):
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


def test_the_probability_of_fraud_is_one_minus_legitimate(binary: Any, several: Any) -> None:
    for fitted in (binary, several):
        columns = Scorer.load(fitted.folder).score_columns({"text": fitted.texts})
        np.testing.assert_allclose(columns["probability"], 1 - columns["probability__legitimate"], atol=1e-15)
    columns = Scorer.load(binary.folder).score_columns({"text": binary.texts})
    np.testing.assert_array_equal(columns["probability"], columns["probability__fraud"])


def test_without_a_legitimate_class_there_is_no_probability_of_fraud(types: Any) -> None:
    score: Any = Scorer.load(types.folder).score({"text": types.texts[0]})
    assert (score["probability"], score["decision"], score["false_positive_rate"]) == (None, None, None)
    assert score["status"] == "ok"
    assert score["label"] == max(score["probabilities"], key=score["probabilities"].__getitem__)
    assert sum(score["probabilities"].values()) == pytest.approx(1)


def test_the_first_point_decides_and_its_threshold_is_flagged(binary: Any) -> None:
    probability: Any = Scorer(binary.model).score({"text": binary.texts[0]})["probability"]
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


def test_the_model_separates_fraud_from_legitimate(binary: Any, scorer: Scorer) -> None:
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
    assert all(score.keys() == KeptScore.__required_keys__ for score in scores)


@pytest.mark.slow
def test_threads_get_the_same_scores(binary: Any) -> None:
    records = [{"text": text} for text in binary.texts[:300]]
    expected = Scorer.load(binary.folder).score(records)
    fresh = Scorer.load(binary.folder)  # its tables are computed at the first call
    barrier = threading.Barrier(8, timeout=30)

    def work(_: int) -> Any:
        barrier.wait()
        return [fresh.score(records), [fresh.score(record) for record in records[:50]]]

    with ThreadPoolExecutor(8) as pool:
        for many, singles in pool.map(work, range(8)):
            assert many == expected
            assert singles == expected[:50]


# LightGBM 4.7 itself requires SciPy; it uses the others if they are installed.
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
def test_scoring_needs_only_the_base_dependencies(fitted: Any, run_alone: Callable[[str], str]) -> None:
    records = [{"text": text} for text in [*fitted.texts[:5], None]]
    program = WITHOUT_EXTRAS.format(folder=str(fitted.folder), digest=fitted.model.digest, records=records)
    assert json.loads(run_alone(program)) == Scorer.load(fitted.folder).score(records)


@pytest.mark.slow
def test_modules_of_fraudsieve_import_nothing_more(run_alone: Callable[[str], str]) -> None:
    program = """
import sys, lightgbm, numba, numpy
before = set(sys.modules)
from fraudsieve.models import Scorer
ours = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(ours - set(sys.stdlib_module_names) - {"numpy", "numba", "llvmlite", "lightgbm", "fraudsieve"}))
"""
    assert run_alone(program).split() == []


@pytest.mark.slow
def test_lightgbm_is_imported_while_kernels_compile(run_alone: Callable[[str], str]) -> None:
    program = "import sys\nfrom fraudsieve.models import Scorer\nprint('lightgbm' in sys.modules)"
    assert run_alone(program).split() == ["False"]
