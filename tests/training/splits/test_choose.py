"""The split of a run, and the length of its gap."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SplitError
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData, load_events, load_labelled
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.splits.choose import choose_split
from tests.messages import refused


def messages(n: int = 200, **columns: Any) -> LabelledData:
    """Return one message per day; every other one is spam, and labels come after two days."""
    sent = pd.Series(pd.date_range("2026-01-01 12:00", periods=n, freq="D", tz="UTC"))
    frame = pd.DataFrame({"message_id": np.arange(n), "text": [f"text {place}" for place in range(n)], "sent_at": sent})
    frame["label"] = np.where(np.arange(n) % 2 == 0, "spam", "legitimate")
    return load_labelled(frame.assign(**({"labelled_at": sent + pd.Timedelta(days=2)} | columns)))


def chosen(data: LabelledData, **settings: Any) -> Any:
    recipe = Recipe.model_validate({"split": settings})
    return choose_split(data, np.arange(len(data.rows)), "campaign", recipe)


def test_by_time_if_rows_have_times_otherwise_by_campaign() -> None:
    assert chosen(messages()).kind == "time"
    assert chosen(messages(sent_at=pd.Timestamp("2026-01-01", tz="UTC"), labelled_at=None)).kind == "campaign"
    assert chosen(messages(), kind="random").kind == "random"


def test_the_gap_is_that_of_the_recipe_or_of_the_labels() -> None:
    assert chosen(messages()).gap_days == 2.0
    assert chosen(messages(), gap_days=0.5).gap_days == 0.5


def test_records_that_wait_for_a_label_make_the_gap_longer() -> None:
    """One label in nineteen takes thirty days, but of those that came fewer than one in twenty did."""
    sent = pd.Series(pd.date_range("2026-01-01 12:00", periods=200, freq="D", tz="UTC"))
    labelled = sent + pd.to_timedelta(np.where(np.arange(200) % 19 == 0, 30, 2), unit="D")
    came = labelled <= sent.max()
    label = pd.Series(np.where(np.arange(200) % 2 == 0, "spam", "legitimate")).where(came)
    data = messages(labelled_at=labelled.where(came), label=label)
    assert len(data.waiting) == data.n_unlabelled == (~came).sum()
    none_waiting = replace(data, waiting=data.waiting.iloc[:0])
    assert (chosen(none_waiting).gap_days, chosen(data).gap_days) == (2.0, 30.0)


def test_training_on_one_class_is_an_error() -> None:
    label = np.where(np.arange(200) > 150, "spam", "legitimate")
    with pytest.raises(SplitError, match="needs at least 2 classes, got 1"):
        chosen(messages(label=label))


def test_a_training_slice_of_one_campaign_or_without_a_class_of_the_calibration_is_an_error() -> None:
    def split(groups: np.ndarray, label: Any, kind: str) -> None:
        choose_split(messages(label=label), groups, "campaign", Recipe.model_validate({"split": {"kind": kind}}))

    with refused(SplitError):
        split(np.zeros(200, np.int64), ["spam", "legitimate"] * 100, "random")
    with refused(SplitError):
        split(np.arange(200) // 10, np.repeat(["spam", "legitimate", "phishing"], [60, 60, 80]), "time")


def slices(split: Any, label: Any) -> list[int]:
    return [int((np.asarray(label)[rows] == "spam").sum()) for rows in (split.train, split.calibration, split.test)]


@pytest.mark.parametrize("kind", ["campaign", "random"])
@pytest.mark.parametrize(
    ("frauds", "expected"), [(2, [2, 0, 0]), (3, [2, 0, 1]), (4, [2, 1, 1]), (5, [3, 1, 1]), (9, [6, 1, 2])]
)
def test_little_fraud_is_dealt_to_the_slices_and_training_has_the_most(
    kind: str, frauds: int, expected: list[int]
) -> None:
    label = np.where(np.arange(200) % 20 < frauds, "spam", "legitimate")
    label[20:] = "legitimate"
    split = chosen(messages(label=label), kind=kind)
    assert slices(split, label) == expected
    assert sum(split.rows.values()) == 200
    assert split.notes[0].startswith(f"only {frauds} rows are fraud: {expected[0]} to train on")
    assert ("neither recall nor precision can be measured" in split.notes[0]) == (not expected[2])


def test_campaigns_of_little_fraud_stay_whole() -> None:
    label = np.repeat(["spam", "legitimate"], [8, 192])
    groups = np.where(np.arange(200) < 8, 0, np.arange(200))
    split = choose_split(messages(label=label, sent_at=None, labelled_at=None), groups, "campaign", Recipe())
    assert slices(split, label) == [8, 0, 0]


def test_little_fraud_is_split_by_time_if_some_of_it_is_early_and_else_not_unless_asked_for() -> None:
    late, early = (np.where(np.isin(np.arange(200), rows), "spam", "legitimate") for rows in ([190, 195], [5, 195]))
    assert chosen(messages(label=early)).kind == "time"
    split = chosen(messages(label=late))
    assert (split.kind, slices(split, late)) == ("campaign", [2, 0, 0])
    assert "a split by time would leave none to train on" in split.notes[0]
    with refused(SplitError, "--split"):
        chosen(messages(label=late), kind="time")


def events(n: int = 400) -> LabelledData:
    """Return four events per day; from day 30 on, every account is robbed each tenth day."""
    at = pd.Series(pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) * 6, unit="h"))
    robbed = (np.arange(n) > 120) & (np.arange(n) % 40 < 4)
    frame = pd.DataFrame({"event_id": np.arange(n), "account_id": np.arange(n) % 4, "occurred_at": at, "kind": "pay"})
    return load_events(
        frame.assign(label=np.where(robbed, "fraud", "legitimate"), labelled_at=at + pd.Timedelta(days=2))
    )


@pytest.mark.parametrize("apart", [False, True])
def test_the_past_of_accounts_with_later_fraud_is_trained_on_unless_they_are_kept_apart(apart: bool) -> None:
    data = events()
    groups, group_kind = groups_of(data)
    recipe = Recipe.model_validate({"split": {"accounts_apart": apart}})
    if apart:
        with refused(SplitError):
            choose_split(data, groups, group_kind, recipe)
        return
    split = choose_split(data, groups, group_kind, recipe)
    assert split.keeps_apart == ("time",)
    assert sum(split.dropped.values()) == split.dropped["label_not_known"] + split.dropped["in_gap"] > 0
    (note,) = split.notes
    assert note.startswith(f"{sum(split.dropped.values())} of 400 labelled rows are in no slice; ")
    assert "had no label yet when the test begins" in note


def test_a_split_that_leaves_nothing_out_has_no_note() -> None:
    assert chosen(messages(), kind="random").notes == ()
