"""What `MessageFeatures` rejects, and how the errors name it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from fraudsieve.features import MessageFeatures
from fraudsieve.features.message_frames import message_texts
from fraudsieve.tables.cells import STRING

from .test_messages import LABELS, TEXTS


@pytest.fixture(scope="module")
def fitted() -> MessageFeatures:
    return MessageFeatures(n_folds=3).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"C": 0},
        {"C": -1.0},
        {"C": float("inf")},
        {"C": float("nan")},
        {"C": "3"},
        {"min_messages": 0},
        {"min_messages": 1.5},
        {"n_folds": 1},
        {"n_folds": None},
        {"wording": "yes"},
        {"random_state": -1},
        {"random_state": None},
        {"n_jobs": 1.5},
    ],
    ids=repr,
)
def test_an_invalid_parameter_is_rejected_by_fit_and_not_before(wrong: dict[str, Any]) -> None:
    features = MessageFeatures(**wrong)
    for fit in (features.fit, features.fit_transform):
        with pytest.raises(InvalidParameterError, match=f"The {next(iter(wrong))!r} parameter of MessageFeatures"):
            fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (None, "NoneType"),
        (8675309, "int"),
        (float("nan"), "float"),
        (b"8675309", "bytes"),
        (pd.NA, "NAType"),
        (["8675309"], "list"),
    ],
    ids=repr,
)
def test_errors_name_position_and_type_but_not_the_content(bad: Any, kind: str, fitted: MessageFeatures) -> None:
    texts = [*TEXTS[:2], bad, *TEXTS[3:]]
    for refuse in (lambda: fitted.transform(texts), lambda: MessageFeatures().fit(texts, LABELS)):
        with pytest.raises(TypeError, match=rf"^Expected texts as str, got {kind} at position 2\.$") as caught:
            refuse()
        assert "8675309" not in str(caught.value)


def test_a_missing_pandas_string_is_rejected(fitted: MessageFeatures) -> None:
    with pytest.raises(TypeError, match=r"^Expected texts as str, got float at position 1\.$"):
        fitted.transform(pd.DataFrame({"text": ["a", None]}, dtype=STRING))


def test_a_text_of_more_than_a_million_characters_is_rejected(fitted: MessageFeatures) -> None:
    with pytest.raises(ValueError, match=r"^Expected texts of at most 1,000,000 characters, got more at position 1\.$"):
        fitted.transform(["a", "b" * 1_000_001])


def test_a_frame_without_texts_is_rejected(fitted: MessageFeatures) -> None:
    frame = pd.DataFrame({"body": ["secret"], "id": [1]})
    for refuse in (lambda: fitted.transform(frame), lambda: MessageFeatures().fit(frame, ["a"])):
        with pytest.raises(ValueError, match=r"^Expected a column 'text'; got \['body', 'id'\]\.$"):
            refuse()


@pytest.mark.parametrize("X", [np.array([["a"]]), np.array("a"), pd.DataFrame([["a", "b"]], columns=["text", "text"])])
def test_arrays_must_have_one_dimension(X: Any) -> None:
    with pytest.raises(ValueError, match=r"^Expected one text per message \(1 dimension\), got an array of [02] dim"):
        message_texts(X)


@pytest.mark.parametrize("X", ["secret", {"text": ["secret"]}])
def test_one_text_or_a_dict_is_not_a_sequence_of_messages(X: Any) -> None:
    with pytest.raises(TypeError, match=r"^Expected a sequence of messages, got one (str|dict)\.") as caught:
        message_texts(X)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("empty", [[], np.array([], object), pd.Series([], dtype=str), pd.DataFrame({"text": []})])
def test_no_messages_are_rejected(empty: Any, fitted: MessageFeatures) -> None:
    for refuse in (lambda: fitted.transform(empty), lambda: MessageFeatures().fit(empty, [])):
        with pytest.raises(ValueError, match="Found 0 messages; at least 1 is required"):
            refuse()


@pytest.mark.parametrize(
    ("labels", "error"),
    [
        (None, "requires y to be passed, but the target y is None: the text model is fitted on labels"),
        (["spam"] * 12, r"y has 1 class; the text model needs at least 2\."),
        (LABELS[:-1], r"inconsistent numbers of samples: \[12, 11\]"),
        ([*LABELS[:-2], None, None], r"y has no class for 2 of 12 messages\."),
        ([*LABELS[:-1], float("nan")], r"y has no class for 1 of 12 messages\."),
        ([*[0.0, 1.0] * 5, float("nan"), 0.0], r"y has no class for 1 of 12 messages\."),
        (pd.Series([*LABELS[:-1], None]), r"y has no class for 1 of 12 messages\."),
        (pd.Series([*[0, 1] * 5, 1, None], dtype="Int64"), r"y has no class for 1 of 12 messages\."),
        (np.linspace(0, 1, 12), "Unknown label type: continuous"),
        (np.zeros((12, 2)), "y should be a 1d array"),
        ("spam", "y should be a 1d array"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_invalid_labels_are_rejected(labels: Any, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        MessageFeatures().fit(TEXTS, labels)


def test_invalid_groups_are_rejected() -> None:
    features = MessageFeatures()
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[12, 3\]"):
        features.fit(TEXTS, LABELS, groups=[1, 2, 3])
    with pytest.raises(
        ValueError, match=r"Expected one campaign per message \(1 dimension\), got groups of 2 dimensions"
    ):
        features.fit(TEXTS, LABELS, groups=np.zeros((12, 2)))
    with pytest.raises(ValueError, match="All messages belong to one campaign"):
        features.fit(TEXTS, LABELS, groups=[1] * 12)


def test_texts_of_a_single_campaign_are_rejected() -> None:
    with pytest.raises(ValueError, match="All messages belong to one campaign; the text model needs at least 2"):
        MessageFeatures().fit([f"code {i}: your parcel is held" for i in range(12)], LABELS)
