"""Leak tests: each leak planted in a simulated world is found, and a clean world gives no warning."""

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from fraudsieve._subjects import Subject
from fraudsieve.features.campaign.fingerprints import near_duplicate_groups
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.training import leaks, split_model
from fraudsieve.training.leaks import (
    LeakWarning,
    columns_made_from_labels,
    find_leaks,
    groups_on_both_sides,
    labels_known_late,
)
from fraudsieve.training.simulation.world import simulate
from fraudsieve.training.splits.split import Split, split_by_time, split_randomly

pytestmark = pytest.mark.slow

SEEDS = range(20)
PLANTED = (0, 7, 13)


@dataclass(frozen=True, eq=False)
class Rows:
    """A simulated world with its training matrix and split."""

    matrix: pd.DataFrame
    frame: pd.DataFrame
    groups: dict[str, Any]
    split: Split

    @property
    def y(self) -> Any:
        return self.frame["label"].to_numpy(object)

    @property
    def is_fraud(self) -> Any:
        return self.y != "legitimate"

    def found(self) -> list[LeakWarning]:
        return find_leaks(
            self.matrix.iloc[self.split.train],
            self.y[self.split.train],
            split=self.split,
            cutoff_times=self.frame["as_of"],
            labelled_at=self.frame["labelled_at"],
            groups=self.groups,
            is_fraud=self.is_fraud,
        )

    def columns(self) -> list[tuple[str, str]]:
        return [(leak["kind"], leak["column"]) for leak in self.found()]


def messages_of(seed: int) -> Rows:
    """Return messages with the features of their texts and the profiles of their senders."""
    world = simulate(seed=seed)
    labels = world.labels.drop_duplicates("subject_id", keep="last").set_index("subject_id")[["label", "labelled_at"]]
    frame = world.messages.join(labels, on="message_id").merge(world.accounts, on="account_id", how="left")
    frame = frame[frame["label"].notna()].reset_index(drop=True).rename(columns={"sent_at": "as_of"})
    shown = MessageMatrix(None)
    matrix = pd.DataFrame(shown.compute(frame["text"].tolist()), columns=shown.columns)
    own = frame[["channel", "country", "plan", "age_verified", "signup_channel", "invited"]]
    matrix = pd.concat([matrix, own, (frame["as_of"] - frame["created_at"]).dt.days.rename("age")], axis=1)
    groups = near_duplicate_groups(frame["text"].tolist())
    is_fraud = (frame["label"] != "legitimate").to_numpy()
    split = split_by_time(
        frame["as_of"], frame["labelled_at"], groups, is_fraud, test_share=0.2, calibration_share=0.15, gap_days=None
    )
    return Rows(matrix, frame, {"campaign": groups}, split)


@pytest.fixture(scope="module", params=PLANTED)
def rows(request: pytest.FixtureRequest) -> Rows:
    return messages_of(request.param)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_clean_world_gives_no_warning(seed: int) -> None:
    clean = messages_of(seed)
    assert len(clean.split.train) > 2000
    assert clean.found() == []


def test_a_column_made_from_the_label_is_named(rows: Rows) -> None:
    rng = np.random.default_rng(0)
    is_fraud = rows.is_fraud
    made = {
        "flag": is_fraud,
        "against": 1.0 - is_fraud,
        "score": is_fraud + rng.uniform(0, 0.99, len(is_fraud)),
        "status": np.where(is_fraud, "closed", "open"),
        "kind_of_case": rows.y,
        "code_of_label": pd.factorize(rows.y)[0],
        "code_upside_down": pd.Series(rows.y).map({"legitimate": 3}).fillna(5) % 4,
        "reviewed_at": rows.frame["as_of"].where(~is_fraud, pd.Timestamp("2030-01-01", tz="UTC")),
        "partly_known": np.where(rng.random(len(is_fraud)) < 0.5, np.nan, is_fraud),
    }
    planted = replace(rows, matrix=rows.matrix.assign(**made))
    assert planted.columns() == [("label_in_column", name) for name in made]


def test_a_column_that_is_missing_by_label_is_named(rows: Rows) -> None:
    rng = np.random.default_rng(1)
    made = {
        "chargeback_at": pd.Series(rng.normal(size=len(rows.y))).where(rows.is_fraud),
        "cleared_by": pd.Series(rng.choice(["a", "b"], len(rows.y))).where(~rows.is_fraud),
    }
    planted = replace(rows, matrix=rows.matrix.assign(**made))
    assert planted.columns() == [("label_in_missing", name) for name in made]


def test_a_label_known_too_late_is_counted(rows: Rows) -> None:
    begin = rows.frame["as_of"].iloc[rows.split.test].min()
    late = [*rows.split.train[:3], *rows.split.calibration[:2]]
    frame = rows.frame.copy()
    frame.loc[late, "labelled_at"] = begin  # a label is known only after its time
    planted = replace(rows, frame=frame)
    assert planted.columns() == [("label_known_late", "labelled_at")]
    n = len(rows.split.train) + len(rows.split.calibration)
    assert f"5 of {n} training and calibration rows" in planted.found()[0]["found"]


def test_a_campaign_on_both_sides_is_counted(rows: Rows) -> None:
    crimes = rows.split.test[rows.is_fraud[rows.split.test]]
    groups = rows.groups["campaign"].copy()
    groups[rows.split.train[rows.is_fraud[rows.split.train]][0]] = groups[crimes[0]]
    shared = int((groups[crimes] == groups[crimes[0]]).sum())
    planted = replace(rows, groups={"campaign": groups})
    assert planted.columns() == [("group_on_both_sides", "campaign")]
    assert f"{shared} of {len(crimes)} rows" in planted.found()[0]["found"]


def test_a_random_split_has_two_of_the_leaks(rows: Rows) -> None:
    split = split_randomly(len(rows.frame), test_share=0.2, calibration_share=0.15, seed=0)
    assert [kind for kind, _ in replace(rows, split=split).columns()] == ["label_known_late", "group_on_both_sides"]


def test_of_what_is_computed_from_the_past_the_cutoff_times_are_to_be_checked(rows: Rows) -> None:
    matrix = pd.DataFrame({"profile__closed": rows.is_fraud, "volume__count_1d": 1.0 * rows.is_fraud})
    found = columns_made_from_labels(matrix, rows.y, own=["profile__closed"])
    assert ["cutoff times" in leak["do"] for leak in found] == [False, True]
    trained_on: Any = SimpleNamespace(matrix=matrix, labels=rows.y, positions=np.arange(len(matrix)))
    for subject, expected in (("message", ["profile__closed"]), ("event", ["profile__closed"]), ("account", [*matrix])):
        data: Any = SimpleNamespace(rows=rows.frame, subject=Subject(subject), legitimate="legitimate", group=None)
        groups, own = np.arange(len(matrix)), ("profile__closed",)
        warnings = split_model._warnings(trained_on, data, groups, rows.split, own)
        assert [warning["column"] for warning in warnings] == expected


def test_records_are_plain() -> None:
    y = np.repeat(["fraud", "legitimate"], 40)
    found = columns_made_from_labels(pd.DataFrame({"a": y == "fraud"}), y)
    assert json.loads(json.dumps(found)) == found
    assert list(found[0]) == ["kind", "column", "found", "do"]
    assert "a: " in found[0]["found"]
    assert "ROC AUC 1.0000" in found[0]["found"]


VALUES = st.lists(
    st.tuples(st.integers(0, 6) | st.floats(-3, 3), st.integers(0, 2)), min_size=2 * leaks.MIN_ROWS, max_size=150
)


@given(VALUES)
def test_roc_aucs_agree_with_scikit_learn(drawn: list[tuple[float, int]]) -> None:
    values, codes = np.array([value for value, _ in drawn]), np.array([code for _, code in drawn])
    for code, auc in enumerate(leaks._aucs(values, codes, 3)):
        own = int((codes == code).sum())
        if min(own, len(codes) - own) < leaks.MIN_ROWS:
            assert np.isnan(auc)
        else:
            assert auc == pytest.approx(roc_auc_score(codes == code, values))


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(("swapped", "warned"), [(1, True), (30, False)])
def test_almost_perfect_columns_give_a_warning_and_very_good_ones_do_not(
    direction: int, swapped: int, warned: bool
) -> None:
    y = np.repeat(["fraud", "legitimate"], [1000, 1000])
    values = np.where(y == "fraud", 2.0, 1.0) + np.random.default_rng(0).uniform(0, 0.5, 2000)
    values[:swapped] -= 1.0  # an area of about 1 - swapped / 2000
    assert (roc_auc_score(y == "fraud", values) >= leaks.PERFECT) == warned
    assert bool(columns_made_from_labels(pd.DataFrame({"a": direction * values}), y)) == warned


def test_identifiers_are_not_a_leak() -> None:
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(["fraud", "legitimate"], 500))
    matrix = pd.DataFrame({"id": [f"a{place}" for place in range(1000)], "pair": np.arange(1000) // 2})
    assert columns_made_from_labels(matrix.assign(pair=matrix["pair"].astype(str)), y) == []


def test_too_few_rows_of_a_class_give_no_warning() -> None:
    def warned(n: int) -> bool:
        y = np.repeat(["fraud", "legitimate"], [n, 500])
        return bool(columns_made_from_labels(pd.DataFrame({"a": y == "fraud"}), y))

    assert (warned(leaks.MIN_ROWS - 1), warned(leaks.MIN_ROWS)) == (False, True)


def test_many_copies_of_few_messages_give_no_warning() -> None:
    """Forty long phishing messages are not a leak if they come from three campaigns, but from thirty they are."""
    y = np.repeat(["legitimate", "phishing"], [500, 40])
    matrix = pd.DataFrame({"length": np.where(y == "phishing", 90.0, np.arange(540) % 80)})

    def warned(campaigns: int) -> bool:
        groups = np.where(y == "phishing", 1000 + np.arange(540) % campaigns, np.arange(540))
        return bool(columns_made_from_labels(matrix, y, groups=[groups]))

    assert (warned(3), warned(leaks.MIN_GROUPS - 1), warned(leaks.MIN_GROUPS)) == (False, False, True)


def test_a_column_with_values_of_one_campaign_gives_no_warning() -> None:
    y = np.repeat(["legitimate", "phishing"], [500, 60])
    campaigns = np.arange(560)
    campaigns[500:530] = 0
    known = (np.arange(560) < 250) | (campaigns == 0)
    values = pd.Series(np.where(y == "phishing", 9.0, 1.0)).where(known)
    assert columns_made_from_labels(pd.DataFrame({"a": values}), y, groups=[campaigns]) == []
    assert len(columns_made_from_labels(pd.DataFrame({"a": values}), y)) == 1


def test_values_of_single_accounts_give_no_warning() -> None:
    """Every account has its own device, and all its rows have the same class."""
    account = np.repeat(np.arange(100), 10)
    y = np.where(np.random.default_rng(0).random(100) < 0.5, "fraud", "legitimate")[account]
    matrix = pd.DataFrame({"device": account.astype(str)})
    assert columns_made_from_labels(matrix, y, groups=[account]) == []
    assert len(columns_made_from_labels(matrix, y)) == 1


def test_the_separated_class_is_named() -> None:
    y = np.repeat(["legitimate", "phishing", "spam"], 100)
    found = columns_made_from_labels(pd.DataFrame({"a": [0.0] * 100 + [9.0] * 100 + [4.0] * 100}), y)
    assert len(found) == 1
    amounts = np.random.default_rng(0).normal(size=300) + 20.0 * (y == "spam")
    (leak,) = columns_made_from_labels(pd.DataFrame({"a": amounts}), y)
    assert "separates 'spam' from the rest" in leak["found"]


def test_out_of_fold_features_may_be_perfect() -> None:
    y = np.repeat(["fraud", "legitimate"], 40)
    matrix = pd.DataFrame({"wording__fraud": y == "fraud", "profile__closed": y == "fraud"})
    assert [leak["column"] for leak in columns_made_from_labels(matrix, y)] == ["profile__closed"]


def test_large_classes_are_sampled_and_rare_classes_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "MAX_ROWS", 100)
    y = np.repeat(["fraud", "legitimate"], [25, 50_000])
    rows = leaks._thinned(pd.factorize(y)[0])
    assert (y[rows] == "fraud").sum() == 25
    assert (y[rows] == "legitimate").sum() == 100
    matrix = pd.DataFrame({"a": y == "fraud", "b": np.arange(len(y)) % 7})
    assert [leak["column"] for leak in columns_made_from_labels(matrix, y)] == ["a"]


def test_the_index_of_the_matrix_does_not_matter() -> None:
    y = np.repeat(["fraud", "legitimate"], 40)
    matrix = pd.DataFrame({"a": y == "fraud"}, index=np.zeros(80, np.int64))
    assert len(columns_made_from_labels(matrix, y)) == 1


def test_a_repeated_legitimate_notice_is_not_a_leak() -> None:
    split = Split("time", np.array([0, 2]), np.array([1]), np.array([3, 4]), ("time", "fraud campaigns"))
    groups = {"campaign": np.array([7, 8, 9, 7, 9])}
    is_fraud = np.array([False, True, True, False, True])
    assert "2 of 2 rows" in groups_on_both_sides(groups, split)[0]["found"]
    assert "1 of 1 rows" in groups_on_both_sides(groups, split, is_fraud)[0]["found"]
    assert groups_on_both_sides({"campaign": np.array([7, 8, 9, 7, 10])}, split, is_fraud) == []
    # A legitimate near-duplicate of fraud of the test is not a leak: it speaks against what is right.
    assert groups_on_both_sides({"campaign": np.array([7, 8, 9, 7, 7])}, split, is_fraud) == []
    # A campaign in the calibration slice is not a leak either, because calibration learns no words.
    assert groups_on_both_sides({"campaign": np.array([7, 8, 9, 7, 8])}, split, is_fraud) == []


def test_rows_without_a_group_share_none() -> None:
    split = Split("time", np.array([0]), np.array([1]), np.array([2]), ("time",))
    assert groups_on_both_sides({"account": np.array([None, "a", None], object)}, split) == []


def test_groups_of_which_none_is_known_are_ignored() -> None:
    y = np.repeat(["fraud", "legitimate"], 40)
    matrix = pd.DataFrame({"status": np.repeat(["closed", "open"], 40)})
    (leak,) = columns_made_from_labels(matrix, y, groups=[np.full(80, None), np.full(80, np.nan)])
    assert leak["column"] == "status"


def test_without_times_no_label_is_late() -> None:
    none = pd.Series(pd.NaT, range(3), "datetime64[us, UTC]")
    split = Split("campaign", np.array([0]), np.array([1]), np.array([2]), ("campaigns",))
    assert labels_known_late(none, none, split) == []
    assert labels_known_late(none, none.fillna(pd.Timestamp("2026-01-01", tz="UTC")), split) == []


@pytest.mark.parametrize(("keeps_apart", "n_warnings"), [(("time",), 0), (("time", "fraud accounts"), 1)])
def test_accounts_may_be_on_both_sides_of_a_split_by_time_unless_it_keeps_them_apart(
    keeps_apart: tuple[str, ...], n_warnings: int
) -> None:
    split = Split("time", np.array([0]), np.array([1]), np.array([2, 3]), keeps_apart)
    accounts = {"account": np.array(["ann", "bob", "ann", "eve"])}
    assert len(groups_on_both_sides(accounts, split)) == n_warnings
