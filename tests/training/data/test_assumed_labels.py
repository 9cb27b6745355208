"""Old records without a label count as legitimate if a recipe says so: which, since when, and what never sees it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import RecipeError, SchemaError
from fraudsieve.features.label_trust import WEIGHT
from fraudsieve.training.data.assumed_labels import ASSUMED
from fraudsieve.training.data.builders import make_builder, matrix_of, read_data
from fraudsieve.training.data.classes import check_classes
from fraudsieve.training.data.groups import groups_of, known_before
from fraudsieve.training.data.labelled import LabelledData, known_labels_of
from fraudsieve.training.labels import delay_curve, seen_until
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import plan_refit
from fraudsieve.training.splits.choose import choose_split
from tests.messages import refused

AFTER = pd.Timedelta(days=30)
START = pd.Timestamp("2026-01-01", tz="UTC")
N_DAYS = 120


def recipe(**overrides: Any) -> Recipe:
    return Recipe.read(overrides={"labels.legitimate_after": "30d", "n_jobs": 1, **overrides})


def payments(n: int = 1200) -> pd.DataFrame:
    """Return payments without labels, ten a day."""
    rng = np.random.default_rng(0)
    times = START + pd.to_timedelta(np.sort(rng.uniform(0, N_DAYS, n)), unit="D")
    accounts = [f"a{number}" for number in rng.integers(0, 60, n)]
    ids = [f"p{number}" for number in range(n)]
    to = [f"shop {number}" for number in rng.integers(0, 8, n)]
    columns = {"event_id": ids, "account_id": accounts, "occurred_at": times, "kind": "pay", "counterparty_id": to}
    return pd.DataFrame(columns).assign(amount=rng.lognormal(3, 1, n).round(2))


def chargebacks(events: pd.DataFrame, delay_days: float = 12.0) -> pd.DataFrame:
    """Return the labels of one payment in eight, all of them fraud, that came until the end of the payments."""
    rng = np.random.default_rng(1)
    frauds = events[rng.random(len(events)) < 0.125]
    times = frauds["occurred_at"] + pd.to_timedelta(rng.exponential(delay_days, len(frauds)) + 0.01, unit="D")
    labels = pd.DataFrame({"subject_id": frauds["event_id"], "label": "chargeback", "labelled_at": times})
    known: pd.DataFrame = labels[times <= events["occurred_at"].max()].reset_index(drop=True)
    return known


def read(labels: pd.DataFrame | None = None, settings: Recipe | None = None, **columns: Any) -> LabelledData:
    events = payments().assign(**columns)
    labels = chargebacks(payments()) if labels is None else labels
    return read_data(recipe() if settings is None else settings, {"events": events, "labels": labels}, min_label_rows=2)


def test_frauds_alone_become_two_classes_and_every_record_is_in_one_part() -> None:
    data, events = read(), payments()
    check_classes(data, events, recipe().data)
    assert set(data.rows["label"]) == {"chargeback", "legitimate"}
    assert len(data.rows) + data.n_unlabelled + len(data.young) == len(events)
    end = seen_until(data.subjects)
    assert (data.rows["as_of"] + AFTER <= end).all()
    assert (data.young["as_of"] + AFTER > end).all()
    assert (data.waiting + AFTER > end).all()
    assert data.young["label"].eq("chargeback").all()
    assumed = data.rows[data.rows[ASSUMED]]
    assert (assumed["labelled_at"] == assumed["as_of"] + AFTER).all()


def test_a_label_is_never_replaced_and_a_later_one_wins() -> None:
    labels = pd.DataFrame(
        [
            ("p0", "chargeback", START + pd.Timedelta(days=100)),  # long after it would count as legitimate
            ("p1", "chargeback", START + pd.Timedelta(days=2)),
            ("p1", "legitimate", START + pd.Timedelta(days=3)),
            ("p2", "legitimate", START + pd.Timedelta(days=4)),
            ("p4", "chargeback", START + pd.Timedelta(days=4)),
        ],
        columns=["subject_id", "label", "labelled_at"],
    )
    rows = read(labels).rows.set_index("event_id")
    assert rows.loc[["p0", "p1", "p2"], "label"].tolist() == ["chargeback", "legitimate", "legitimate"]
    days = (rows.loc[["p0", "p1", "p2"], "labelled_at"] - START) / pd.Timedelta(days=1)
    assert days.tolist() == [101, 4, 5]  # the end of the day
    assert rows.loc[["p0", "p1", "p2"], ASSUMED].tolist() == [False] * 3
    assert rows.loc["p3", ASSUMED]


def test_a_label_that_cannot_be_used_is_not_taken_as_none() -> None:
    labels = chargebacks(payments())
    bad = labels["subject_id"].iloc[:3].tolist()
    labels["labelled_at"] = labels["labelled_at"].astype(str).where(~labels["subject_id"].isin(bad), "soon")
    data = read(labels)
    assert len(data.rejected_labels) == 3
    assert not data.rows["event_id"].isin(bad).any()
    sources = chargebacks(payments()).assign(source=["rumour"] * 3 + ["bank"] * (len(labels) - 3))
    trusting = recipe(**{"data.trust": {"rumour": 0.0, "bank": 0.5}})
    rows = read(sources, trusting).rows
    assert not rows["event_id"].isin(bad).any()
    assert rows.loc[rows[ASSUMED], WEIGHT].eq(1.0).all()
    assert rows.loc[~rows[ASSUMED], WEIGHT].eq(0.5).all()


def test_a_label_that_stands_for_none_is_none() -> None:
    labels = chargebacks(payments())
    other = payments()["event_id"][~payments()["event_id"].isin(labels["subject_id"])].iloc[0]
    undecided = pd.DataFrame({"subject_id": [other], "label": ["n/a"], "labelled_at": [START]})
    rows = read(pd.concat([labels, undecided], ignore_index=True)).rows
    assert rows.loc[rows["event_id"] == other, ASSUMED].tolist() == [True]


def test_a_split_uses_an_assumed_label_only_after_it_became_known() -> None:
    data = read()
    groups, kind = groups_of(data)
    for given in (None, 3.0):
        split = choose_split(data, groups, kind, recipe(**{"split.gap_days": given, "split.kind": "time"}))
        assert split.gap_days >= 30
        begin = data.rows["as_of"].iloc[split.test].min()
        learned = data.rows.iloc[np.concatenate([split.train, split.calibration])]
        assert (learned["labelled_at"] < begin).all()
        # Otherwise the latest of these rows would be frauds alone.
        assert (learned["as_of"] <= begin - AFTER).all()
        assert set(data.rows["label"].iloc[plan_refit(data, split).split.train]) == {"chargeback", "legitimate"}


def test_what_was_known_at_a_time_has_no_label_that_was_assumed_later() -> None:
    data, begin = read(), START + pd.Timedelta(days=80)
    earlier = known_before(data, begin, min_label_rows=2)
    assert (earlier.rows["labelled_at"] < begin).all()
    assert (earlier.rows["as_of"] <= begin - AFTER).all()
    assert (earlier.subjects["as_of"] < begin).all()
    assert seen_until(earlier.subjects) < begin
    assert len(earlier.young) > 0


def test_delays_are_those_of_the_labels_that_people_gave() -> None:
    data = read()
    given = delay_curve(read(settings=Recipe()).subjects)
    curve = delay_curve(data.subjects)
    assert curve.ages.tolist() == given.ages.tolist()
    assert curve.shares == pytest.approx(given.shares)


def test_features_of_events_do_not_know_assumed_labels() -> None:
    views = ({"entity": "counterparty_id", "windows": ["60d"], "measures": ["count", "known", "frauds"]},)
    data, without = read(), read(settings=Recipe())
    assert known_labels_of(data, "legitimate")["label"].eq("chargeback").all()  # type: ignore[index]
    rows = data.rows.reset_index(drop=True)
    settings = recipe(**{"history.views": views, "history.network": False})

    def features(of: LabelledData) -> pd.DataFrame:
        builder: Any = make_builder(of, settings)
        return matrix_of(builder.fit(rows), rows)

    matrices = [features(data), features(without)]
    pd.testing.assert_frame_equal(matrices[0], matrices[1])
    assert matrices[0].filter(like="known").to_numpy().max() > 0


def test_accounts_count_by_their_cutoff_time_and_the_network_does_not_know_it() -> None:
    ids = [f"a{number}" for number in range(60)]
    accounts = pd.DataFrame({"account_id": ids, "as_of": START + pd.to_timedelta(np.arange(60), unit="D")})
    labels = pd.DataFrame({"subject_id": ids[::6], "label": "mule", "labelled_at": START + pd.Timedelta(days=61)})
    tables = {"accounts": accounts, "events": payments(), "labels": labels}
    data = read_data(recipe(**{"data.subject": "account"}), tables, min_label_rows=2)
    assert data.rows["label"].value_counts().to_dict() == {"legitimate": 27, "mule": 6}
    known = known_labels_of(data, "legitimate")
    assert known is not None
    assert sorted(known["account_id"]) == sorted(ids[::6])


def test_messages_count_too_and_earlier_near_duplicates_do_not_know_it() -> None:
    days = pd.Series(pd.date_range(START, periods=80, tz="UTC"))
    texts = [f"text number {n}" for n in range(80)]
    frame = pd.DataFrame({"message_id": [f"m{n}" for n in range(80)], "text": texts, "sent_at": days})
    labels = pd.DataFrame({"subject_id": [f"m{n}" for n in range(0, 80, 4)], "label": "spam"})
    labels["labelled_at"] = days[::4].reset_index(drop=True) + pd.Timedelta(hours=1)
    data = read_data(recipe(), {"messages": frame, "labels": labels}, min_label_rows=2)
    assert data.rows["label"].value_counts().to_dict() == {"legitimate": 37, "spam": 13}
    assert data.known_labels is not None
    assert data.known_labels["label"].eq("spam").all()


def test_frauds_alone_without_the_setting_are_an_error_that_names_it() -> None:
    data = read(settings=Recipe())
    with refused(SchemaError, "chargeback") as caught:
        check_classes(data, payments(), Recipe().data)
    types = chargebacks(payments())
    types["label"] = np.where(np.arange(len(types)) % 2, "chargeback", "takeover")
    with pytest.raises(SchemaError, match="no label is read as legitimate") as caught:
        check_classes(read(types, Recipe()), payments(), Recipe().data)
    assert 'set legitimate_after = "60d"' in str(caught.value)
    long = recipe(**{"labels.legitimate_after": "200d"})
    with refused(SchemaError, "legitimate_after") as caught:
        check_classes(read(settings=long), payments(), long.data)


@pytest.mark.parametrize("age", ["60", "0d", "all", "soon", 60])
def test_an_age_is_a_whole_number_with_a_unit(age: Any) -> None:
    with pytest.raises(RecipeError, match=r"labels\.legitimate_after: .*, got "):
        recipe(**{"labels.legitimate_after": age})
