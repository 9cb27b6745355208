"""What labels are read as: answers, words, numbers, and labels that say that there is none."""

import json
from typing import Any

import pandas as pd
import pytest

from fraudsieve.tables.cells import STRING
from fraudsieve.tables.conversion import convert
from fraudsieve.tables.label_values import (
    FRAUD_WORDS,
    UNDECIDED,
    LabelReading,
    read_labels,
    read_labels_for,
)
from fraudsieve.tables.values.label_words import WORDS
from fraudsieve.tables.values.reading import normalise_label


def labels_of(*values: Any) -> "pd.Series[Any]":
    """Return labels as they are read from a table."""
    return convert(pd.Series(list(values)), "category").column


def classes(reading: LabelReading, *values: Any) -> list[str | None]:
    read = reading.apply(labels_of(*values))
    return [None if missing else name for name, missing in zip(read.tolist(), read.isna(), strict=True)]


@pytest.mark.parametrize(
    "values",
    [
        (0, 1),
        (0.0, 1.0),
        ("0", "1"),
        ("0.0", "1.0"),
        (False, True),
        ("FALSE", "true"),
        ("No", "Yes"),
        (" no", "YES "),
        ("否", "是"),
        ("０", "１"),
    ],
)
def test_answers_are_read_as_legitimate_and_fraud(values: tuple[Any, Any]) -> None:
    reading = read_labels(labels_of(*values, *values, None))
    assert reading.legitimate == "legitimate"
    assert classes(reading, *values, None) == ["legitimate", "fraud", None]
    (note,) = reading.notes
    assert str(labels_of(values[0])[0]) in note
    assert "name the label of legitimate records with --legitimate" in note


def test_answers_of_several_spellings_can_be_mixed() -> None:
    values = (0, "no", "false", True, 1.0, "Yes")
    assert classes(read_labels(labels_of(*values)), *values) == ["legitimate"] * 3 + ["fraud"] * 3


@pytest.mark.parametrize(
    ("values", "legitimate"),
    [
        (("ham", "spam"), "ham"),
        (("Ham", "spam", "smishing"), "Ham"),
        (("NORMAL ", "fraud"), "NORMAL"),
        (("benign", "phishing"), "benign"),
        (("Non-Fraud", "Fraud"), "Non-Fraud"),
        (("not_spam", "spam"), "not_spam"),
        (("正常", "诈骗"), "正常"),
        (("légitime", "fraude"), "légitime"),
        (("legítimo", "golpe"), "legítimo"),
        (("kein Betrug", "Betrug"), "kein Betrug"),
        (("не мошенничество", "мошенничество"), "не мошенничество"),
        (("정상", "사기"), "정상"),
        (("yes", "no", "maybe"), "no"),
        (("OK", "Fraud"), "OK"),
        (("valid", "chargeback", "stolen"), "valid"),
        (("Approved", "declined", "fraud"), "Approved"),
        (("real", "fake"), "real"),
        (("genuine", "forged"), "genuine"),
        (("non-fraud", "skimming"), "non-fraud"),
        (("合法", "盗刷"), "合法"),
        (("不是诈骗", "诈骗"), "不是诈骗"),
    ],
)
def test_the_usual_word_names_the_legitimate_class(values: tuple[str, ...], legitimate: str) -> None:
    reading = read_labels(labels_of(*values))
    assert reading.legitimate == legitimate
    assert classes(reading, *values) == [value.strip() for value in values]
    assert f"the label {legitimate!r} is read as legitimate; if that is wrong" in reading.notes[0]


def test_a_word_in_several_spellings_is_one_class_by_its_commonest_spelling() -> None:
    reading = read_labels(labels_of("Ham", "ham", "ham", "spam", "Spam"))
    assert reading.legitimate == "ham"
    assert classes(reading, "HAM", "Ham", "spam", "Spam") == ["ham", "ham", "spam", "spam"]
    assert "the labels 'spam' and 'Spam' are read as one, 'spam'" in reading.notes


def test_the_legitimate_label_that_was_named_is_read_in_every_spelling() -> None:
    reading = read_labels(labels_of("Ham", "Ham", "ham", "spam"), "ham")
    assert classes(reading, "Ham", "ham", "spam") == ["ham", "ham", "spam"]
    assert reading.notes == ("the labels 'Ham' and 'ham' are read as one, 'ham'",)


def test_legitimate_itself_is_read_without_a_note() -> None:
    assert read_labels(labels_of("legitimate", "spam")).notes == ()
    assert read_labels(labels_of("legitimate", "normal", "spam")) == LabelReading(
        "legitimate", {"legitimate": "legitimate"}
    )


def test_two_usual_words_name_no_class_and_a_note_says_so() -> None:
    reading = read_labels(labels_of("ham", "normal", "spam"))
    assert classes(reading, "ham", "normal", "spam", "legitimate") == ["ham", "normal", "spam", "legitimate"]
    assert reading.legitimate == "legitimate"
    assert "'ham' and 'normal' are read as types, because each of them usually means legitimate" in reading.notes[0]


def test_minus_one_beside_0_and_1_is_no_label() -> None:
    reading = read_labels(labels_of(-1, -1, 0, 1))
    assert classes(reading, -1, 0, 1, "-1.0") == [None, "legitimate", "fraud", None]
    assert "the label '-1' of 2 rows, beside 0 and 1, is read as no label" in reading.notes[1]
    assert classes(read_labels(labels_of(-1, 0, 1), "0"), -1, 0, 1) == [None, "0", "1"]
    assert classes(read_labels(labels_of(-1, 0, 1), "-1"), -1, 0, 1) == ["-1", "0", "1"]


def test_minus_one_and_1_alone_are_legitimate_and_fraud() -> None:
    reading = read_labels(labels_of(-1, 1, 1))
    assert classes(reading, -1, 1, "-1.0", None) == ["legitimate", "fraud", "legitimate", None]
    (note,) = reading.notes
    assert note.startswith("the label '-1' is read as legitimate, the label '1' is read as fraud; if that is wrong")
    assert classes(read_labels(labels_of(-1, 1), "1"), -1, 1) == ["-1", "1"]
    assert classes(read_labels(labels_of(-1, 1, "spam")), -1, 1) == ["-1", "1"]
    stored = dict(reading.classes)
    assert classes(read_labels_for(labels_of(-1, 1), stored, ("fraud", "legitimate"), "legitimate"), -1) == [
        "legitimate"
    ]


@pytest.mark.parametrize(
    ("values", "legitimate"),
    [
        (("Fraud", "cleared"), "cleared"),
        (("SPAM", "inbox"), "inbox"),
        (("诈骗", "通知"), "通知"),
        (("0", "smishing"), "0"),
    ],
)
def test_the_other_of_two_labels_is_legitimate_if_one_means_fraud(values: tuple[str, str], legitimate: str) -> None:
    reading = read_labels(labels_of(*values))
    assert reading.legitimate == legitimate
    assert classes(reading, *values) == list(values)
    (note,) = reading.notes
    (fraud,) = {*values} - {legitimate}
    assert note.startswith(f"the label {legitimate!r} is read as legitimate, because the other label, {fraud!r}, means")
    assert "name the label of legitimate records with --legitimate" in note
    assert read_labels(labels_of(*values), of_two=False) == LabelReading()


@pytest.mark.parametrize(
    "values",
    [
        ("fraud", "phishing"),
        ("phishing", "telecom scam"),
        ("诈骗", "电信诈骗"),
        ("fraud", "pending"),
        ("spam", "1"),
        ("fraud", "cleared", "unclear"),
        ("loan", "prize"),
    ],
)
def test_no_label_is_guessed_among_types(values: tuple[str, ...]) -> None:
    assert read_labels(labels_of(*values)) == LabelReading()


def test_with_none_no_label_is_legitimate() -> None:
    reading = read_labels(labels_of("ham", "spam"), "none")
    assert classes(reading, "ham", "spam") == ["ham", "spam"]
    assert reading.legitimate not in {"ham", "spam"}


@pytest.mark.parametrize("word", ["NA", "N/A", "n/a", "#N/A", "#NV", "na", "-", "none", "NULL", "nan"])
@pytest.mark.parametrize("values", [("0", "1"), ("ham", "spam"), ("no", "yes"), ("legitimate", "phishing")])
def test_words_for_a_missing_value_are_no_label(values: tuple[str, str], word: str) -> None:
    expected = read_labels(labels_of(*values))
    reading = read_labels(pd.Series([*values, word, word], dtype=STRING))
    assert reading.legitimate == expected.legitimate
    assert reading.apply(pd.Series([*values, word], dtype=STRING)).fillna("").tolist() == [
        *classes(expected, *values),
        "",
    ]
    note = f"the label {word!r} is read as no label (2 rows); if it is a class, give it another name"
    assert reading.notes == (*expected.notes, note)


def test_words_for_a_missing_value_in_several_spellings_are_noted_together() -> None:
    reading = read_labels(pd.Series(["ham", "spam", "NA", "N/A", "N/A", "na"]))
    assert "the labels 'N/A' and 'NA' and 'na' are read as no label (4 rows)" in reading.notes[1]


def test_none_is_a_label_unless_another_label_is_legitimate() -> None:
    assert classes(read_labels(labels_of("none", "spam")), "none", "spam") == ["none", "spam"]
    assert classes(read_labels(labels_of("none", "spam"), "none"), "none", "spam") == ["none", "spam"]
    assert classes(read_labels(labels_of("none", "usual", "spam"), "usual"), "none", "usual") == [None, "usual"]
    assert classes(read_labels(labels_of("NA", "spam"), "NA"), "NA", "spam") == ["NA", "spam"]


def test_a_model_reads_words_for_a_missing_value_unless_they_are_its_classes() -> None:
    reading = read_labels_for(labels_of("ham", "NA"), {"ham": "ham"}, ("ham", "spam"), "ham")
    assert classes(reading, "ham", "NA") == ["ham", None]
    literal = read_labels_for(labels_of("ham", "NA"), {"ham": "ham"}, ("ham", "NA"), "ham")
    assert classes(literal, "ham", "NA") == ["ham", "NA"]
    foreign = read_labels_for(labels_of("0", "1", "NA"), {}, ("ham", "spam"), "ham")
    assert classes(foreign, "0", "1", "NA") == ["ham", "spam", None]


def test_0_among_more_numbers_is_legitimate_if_most_labels_are_0() -> None:
    most = read_labels(labels_of(0, 0, 0, 1, 2, -1))
    assert classes(most, 0, 1, 2, -1) == ["legitimate", "1", "2", None]
    assert "the label '0' (60% of the labels) is read as legitimate" in most.notes[0]
    half = read_labels(labels_of(0, 0, 1, 2))
    assert classes(half, 0, 1, 2) == ["0", "1", "2"]
    assert "the label '0' is read as a type, because only 50% of the labels are 0" in half.notes[0]
    assert classes(read_labels(labels_of(1, 2, 3)), 1, 2, 3) == ["1", "2", "3"]


def test_answers_mixed_with_other_labels_are_types() -> None:
    reading = read_labels(labels_of(0, 1, "spam"))
    assert (reading.classes, reading.notes) == ({}, ())


@pytest.mark.parametrize("values", [("0", "1"), ("ham", "spam"), ("no", "yes")])
def test_a_named_label_is_taken_literally(values: tuple[str, str]) -> None:
    assert read_labels(labels_of(*values), values[1]) == LabelReading(values[1])


def test_the_words_are_as_labels_are_normalised() -> None:
    assert [word for word in WORDS | FRAUD_WORDS | UNDECIDED if normalise_label(word) != word] == []
    assert WORDS.isdisjoint(FRAUD_WORDS | UNDECIDED)


def test_no_labels_say_nothing() -> None:
    nothing = pd.Series([None, None], dtype=STRING)
    assert read_labels(nothing) == LabelReading()
    assert LabelReading(classes={"0": "legitimate"}).apply(nothing).isna().all()
    assert read_labels_for(nothing, {}, ("ham", "spam"), "ham").notes == ()


def test_a_model_reads_labels_as_in_its_training() -> None:
    trained = read_labels(labels_of(0, 1, -1))
    stored = json.loads(json.dumps(dict(trained.classes)))
    for values in ((1,), (0, 1), (-1, 1), (True, False)):
        reading = read_labels_for(labels_of(*values), stored, ("fraud", "legitimate"), "legitimate")
        assert classes(reading, *values) == classes(trained, *values)
        assert reading.notes == ()
    without_missing = dict(read_labels(labels_of(0, 1)).classes)
    reading = read_labels_for(labels_of(0, 1, -1), without_missing, ("fraud", "legitimate"), "legitimate")
    assert classes(reading, 0, 1, -1) == ["legitimate", "fraud", None]
    assert classes(read_labels_for(labels_of("HAM"), {"ham": "ham"}, ("ham", "spam"), "ham"), "HAM") == ["ham"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 1, -1), ["ham", "spam", None]),
        (("normal", "fraud"), ["ham", "spam"]),
        (("Legitimate", "scam"), ["ham", "scam"]),
        (("scam", "phishing"), ["scam", "phishing"]),
    ],
)
def test_labels_that_a_model_does_not_have_are_read_by_themselves(values: Any, expected: Any) -> None:
    reading = read_labels_for(labels_of(*values), {}, ("ham", "spam"), "ham")
    assert classes(reading, *values) == expected
    assert reading.legitimate == "ham"
    assert "no label is a class of the model" in reading.notes[0]


def test_types_of_a_model_are_names_of_classes() -> None:
    assert read_labels_for(labels_of(0, 1), {}, ("0", "1", "2"), None).classes == {}
    literal = read_labels_for(labels_of(0, 1), {}, ("0", "1"), "0")
    assert classes(literal, 0, 1) == ["0", "1"]
