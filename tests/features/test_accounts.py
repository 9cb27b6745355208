"""`AccountFeatures`: its columns, equality with the live state, and the contract of scikit-learn."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from fraudsieve.exceptions import ColumnTypeError, SchemaError
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.history.declaration import History
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.profile.custom_columns import MISSING, UNSEEN
from fraudsieve.tables.cells import STRING
from tests.messages import refused

START = pd.Timestamp("2026-03-02", tz="UTC")


def world(n: int = 400, *, seed: int = 0) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    events = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(n)],
            "account_id": [f"a{i}" for i in rng.integers(0, 20, n)],
            "occurred_at": START + pd.to_timedelta(np.sort(rng.integers(0, 40 * 86_400, n)), unit="s"),
            "kind": rng.choice(["pay", "withdraw"], n, p=[0.8, 0.2]),
            "amount": rng.integers(100, 9_000, n) / 100,
            "counterparty_id": [f"a{i}" for i in rng.integers(0, 30, n)],
            "device_id": [None if i % 5 == 0 else f"d{i}" for i in rng.integers(0, 8, n)],
        }
    )
    accounts = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(22)],
            "created_at": START - pd.to_timedelta(rng.integers(0, 900, 22), unit="D"),
            "city": ["rome", "oslo"] * 10 + ["bonn", None],
            "n_cards": rng.integers(1, 4, 22),
        }
    )
    labels = events.assign(labelled_at=events["occurred_at"] + pd.Timedelta(days=7), is_fraud=rng.random(n) < 0.2)
    known = accounts[["account_id"]].assign(labelled_at=START + pd.Timedelta(days=20), is_fraud=rng.random(22) < 0.4)
    subjects = pd.DataFrame({"account_id": accounts["account_id"], "as_of": START + pd.Timedelta(days=30)})
    return {"events": events, "accounts": accounts, "labels": labels, "account_labels": known, "subjects": subjects}


def rows(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    clean = pd.DataFrame() if frame is None else frame.astype(object).where(frame.notna(), None)
    return [dict(zip(clean.columns, row, strict=True)) for row in clean.itertuples(index=False, name=None)]


def live(features: AccountFeatures, made: dict[str, pd.DataFrame], records: pd.DataFrame) -> Any:
    """Compute the same rows with the live runner."""
    state = features.matrix_.new_state(lateness="5000d")
    events = made["events"] if features.matrix_.timed else made["events"].assign(occurred_at=pd.Timestamp(0))
    assert state.update(rows(events), rows(features.labels), account_labels=rows(features.account_labels)) == ()
    computed = features.matrix_.rows(rows(records), state)
    return computed.X, computed.has_history, computed.why


def test_accounts_by_family_and_live() -> None:
    made = world()
    features = AccountFeatures(made["events"], accounts=made["accounts"], account_labels=made["account_labels"])
    frame = features.set_output(transform="pandas").fit(made["subjects"]).transform(made["subjects"])
    families = {name.split("__")[0] for name in frame}
    expected = "volume value counterparties rhythm novelty reciprocity network profile"
    assert families == set(expected.split())
    assert "counterparties__distinct_device_id_7d" in frame
    assert "volume__count_7d_withdraw" in frame
    assert "volume__received_count_7d" in frame
    assert "network__sharing_rate_device_id" in frame
    records = made["subjects"].merge(made["accounts"])
    found, known, why = live(features, made, records)
    assert (why == None).all()  # noqa: E711
    np.testing.assert_allclose(frame.to_numpy(), found, rtol=1e-9, atol=1e-9)
    assert known.tolist() == [name in set(made["events"]["account_id"]) for name in records["account_id"]]


def test_an_amount_of_an_account_is_not_compared_with_the_past() -> None:
    """The last amount is, in batch and live, also through a state that a caller fills and asks."""
    made, views = world(), [History(("7d",), measures=("mean", "to_mean")), History(("7d",), amount="fee", name="fee")]
    made["events"] = made["events"].assign(fee=made["events"]["amount"] / 8)
    records = made["subjects"].assign(amount=1e6, fee=1e5)
    features = AccountFeatures(made["events"], history=views, network=False).fit(made["subjects"])
    expected = features.transform(made["subjects"])
    np.testing.assert_array_equal(features.transform(records), expected)
    np.testing.assert_array_equal(live(features, made, records)[0], expected)
    state = HistoryState(views, lateness="all")
    state.update(rows(made["events"]))
    alone = state.features(rows(made["subjects"]))
    np.testing.assert_array_equal(alone, expected[:, : alone.shape[1]])
    of_events = AccountFeatures(made["events"], history=views, subject="event").fit(records)
    np.testing.assert_array_equal(of_events.transform(records)[:, : alone.shape[1]], state.features(rows(records)))


def test_events_by_family_and_live() -> None:
    made = world()
    features = AccountFeatures(made["events"], labels=made["labels"], subject="event").fit(made["events"])
    frame = pd.DataFrame(features.transform(made["events"]), columns=features.get_feature_names_out())
    assert {"value__amount", "rhythm__hour", "profile__kind"} <= set(frame)
    assert "profile__device_id" not in frame  # an identifier
    assert {"network__fraud_rate_all", "network__counterparty_fraud_rate_all", "value__pair_to_max_all"} <= set(frame)
    assert {"value__last_5", "rhythm__counterparty_ago_2"} <= set(frame)
    last = made["events"].tail(50)
    found, _, why = live(features, made, last)
    assert (why == None).all()  # noqa: E711
    np.testing.assert_allclose(frame.tail(50).to_numpy(), found, rtol=1e-9, atol=1e-9)


def test_an_identifier_of_lists_is_an_error_that_names_the_column() -> None:
    made, lists = world(), pd.Series({0: ["d"], 1: ["e"]})
    nested = made["events"].assign(device_id=lists.loc[[0, 1] * (len(made["events"]) // 2)].to_numpy())
    features = AccountFeatures(nested).fit(made["subjects"])
    with pytest.raises(ColumnTypeError, match="'device_id'"):
        features.transform(made["subjects"])


def test_categories_are_encoded_by_frequency_in_training() -> None:
    made = world()
    features = AccountFeatures(accounts=made["accounts"]).fit(made["subjects"])
    assert features.matrix_.custom.categories == {"city": ("oslo", "rome")}
    records = pd.DataFrame(
        {"account_id": ["x", "y", "z"], "as_of": START, "city": ["rome ", "bonn", None], "n_cards": 1}
    )
    found = features.set_output(transform="pandas").transform(records)
    assert found["profile__city"].tolist() == [1, UNSEEN, MISSING]
    assert found["profile__age_days"].isna().all()


def test_the_age_of_an_account() -> None:
    accounts = pd.DataFrame({"account_id": ["ann", "bob"], "created_at": [START, START + pd.Timedelta(days=2)]})
    records = pd.DataFrame({"account_id": ["ann", "bob", "eve"], "as_of": START + pd.Timedelta(hours=36)})
    found = AccountFeatures(accounts=accounts).fit_transform(records)
    assert found[:2].tolist() == [[1.5], [-0.5]]  # a cutoff time may be before the creation of the account
    assert np.isnan(found[2, 0])


def test_an_account_without_events() -> None:
    made = world()
    features = AccountFeatures(made["events"]).fit(made["subjects"])
    row = features.transform(pd.DataFrame({"account_id": ["nobody"], "as_of": [START]}))
    named = dict(zip(features.get_feature_names_out(), row[0].tolist(), strict=True))
    assert named["volume__count_all"] == named["network__degree"] == 0
    assert np.isnan(named["value__mean_all"])


def test_without_times_only_features_without_times_are_built_with_a_warning() -> None:
    made = world()
    events, ids = made["events"].drop(columns="occurred_at"), made["subjects"]["account_id"]
    features = AccountFeatures(events, account_labels=made["account_labels"].drop(columns="labelled_at"))
    with pytest.warns(UserWarning, match=r"There are no times.* Only features that need no time are built"):
        features.fit(ids.tolist())
    names = list(features.get_feature_names_out())
    assert {"volume__count_all", "value__max_all", "network__sharing_rate"} <= set(names)
    assert not [name for name in names if name.startswith(("rhythm", "novelty", "profile"))]
    found = features.transform(ids.tolist())
    count = events["account_id"].value_counts().reindex(ids, fill_value=0)
    assert found[:, names.index("volume__count_all")].tolist() == count.tolist()
    with refused(ValueError, "occurred_at"):
        AccountFeatures(events, subject="event").fit(events)


@pytest.mark.filterwarnings("ignore:There are no times")
def test_rates_of_labels_without_times_are_out_of_fold_in_training() -> None:
    """Ten accounts share a card: each uses only the labels of other folds, and a new account uses all labels."""
    ids = [f"a{i}" for i in range(10)]
    events = pd.DataFrame({"account_id": [*ids, "new"], "card_id": "c", "kind": "pay"})
    labels = pd.DataFrame({"account_id": ids, "is_fraud": True})
    network = Network("", ("card_id",))
    features = AccountFeatures(events, account_labels=labels, network=network).set_output(transform="pandas")
    trained = features.fit_transform(ids)["network__sharing_known_card_id"]
    assert trained.tolist() == [8] * 10
    assert features.transform(["new", "a0"])["network__sharing_known_card_id"].tolist() == [10, 9]


def test_no_row_uses_its_own_label_even_through_totals() -> None:
    """All accounts share a card and have labels before the cutoff time: leaving out only the own label would leak."""
    rng, n = np.random.default_rng(0), 200
    ids = [f"a{i}" for i in range(n)]
    events = pd.DataFrame({"account_id": ids, "card_id": "c", "kind": "pay", "occurred_at": START})
    fraud = rng.random(n) < 0.3
    labels = pd.DataFrame({"account_id": ids, "labelled_at": START + pd.Timedelta("1D"), "is_fraud": fraud})
    subjects = pd.DataFrame({"account_id": ids, "as_of": START + pd.Timedelta("2D")})
    features = AccountFeatures(events, account_labels=labels, network=Network("", ("card_id",)))
    trained = pd.DataFrame(features.fit_transform(subjects), columns=features.get_feature_names_out())
    assert trained.loc[fraud].nunique().max() > 1
    for name in ("network__sharing_frauds_card_id", "network__sharing_rate_card_id"):
        apart = (
            trained.loc[fraud, name].groupby(trained[name]).size().to_numpy()
            / trained[name].value_counts(sort=False).sort_index()
        )
        assert ((apart > 0.05) & (apart < 0.6)).all()
    early = subjects.assign(as_of=START + pd.Timedelta("1D"))
    np.testing.assert_array_equal(features.transform_out_of_fold(early), features.transform(early))


def test_ids_as_floats_with_gaps_match_profiles_and_events() -> None:
    events = pd.DataFrame({"account_id": ["1", "1"], "occurred_at": [START] * 2, "kind": "pay"})
    accounts = pd.DataFrame({"account_id": [1.0, None], "city": ["rome", "oslo"]})
    features = AccountFeatures(events, accounts=accounts, history=History(("1d",), measures=("count",)), network=False)
    records = pd.DataFrame({"account_id": [1, None], "as_of": [START + pd.Timedelta("1h")] * 2})
    assert features.fit(records).transform(records)[:, 0].tolist() == [2.0, 0.0]
    with pytest.raises(ValueError, match="accounts: 1 rows repeat an account_id"):
        AccountFeatures(events, accounts=pd.concat([accounts, accounts.iloc[:1]])).fit(records)


def test_the_cutoff_time_of_an_event_is_its_own_time() -> None:
    made = world(60)
    features = AccountFeatures(made["events"], subject="event").fit(made["events"])
    later = made["events"].assign(as_of=made["events"]["occurred_at"] + pd.Timedelta("1D"))
    np.testing.assert_array_equal(features.transform(later), features.transform(made["events"]))


def test_later_events_and_labels_change_nothing() -> None:
    made, rng = world(), np.random.default_rng(1)
    parts: dict[str, Any] = {name: made[name] for name in ("events", "accounts", "account_labels")}
    expected = AccountFeatures(**parts).fit(made["subjects"]).transform(made["subjects"])
    now = made["subjects"]["as_of"].iloc[0]
    events, later = made["events"], made["events"]["occurred_at"] >= now
    moved = events["occurred_at"].where(~later, now + pd.to_timedelta(rng.integers(0, 10**6, len(events)), unit="s"))
    scrambled = events.assign(occurred_at=moved, amount=events["amount"].where(~later, 1e6))
    known = made["account_labels"]
    guessed = pd.concat([known, known.assign(labelled_at=now, is_fraud=~known["is_fraud"])], ignore_index=True)
    changes: list[dict[str, Any]] = [
        {"events": events[~later]},
        {"events": scrambled},
        {"account_labels": guessed},
    ]
    for changed in changes:
        found = AccountFeatures(**(parts | changed)).fit(made["subjects"]).transform(made["subjects"])
        np.testing.assert_array_equal(found, expected)


def test_declared_views_round_trip_through_json() -> None:
    views = [History(("2d",), entity="device_id", measures=("count",), name="device")]
    made = world()
    features = AccountFeatures(made["events"], subject="event", history=views).fit(made["events"])
    assert [History.from_dict(json.loads(json.dumps(view.to_dict()))) for view in features.matrix_.histories] == views
    assert features.get_feature_names_out()[0] == "volume__device_count_2d"


@pytest.mark.parametrize(
    ("records", "error", "message"),
    [
        (pd.DataFrame({"id": ["a"]}), ValueError, r"Expected a column 'account_id', got \['id'\]"),
        (pd.DataFrame({"account_id": [], "as_of": []}), ValueError, "Found 0 records"),
        (
            pd.DataFrame({"account_id": ["a1"], "as_of": ["2026"]}),
            TypeError,
            "'as_of': expected a time such as .* another number",
        ),
        (pd.DataFrame({"account_id": ["a1", "a2"], "as_of": [START, pd.NaT]}), ValueError, "'as_of' is missing in 1 r"),
        (
            pd.DataFrame({"account_id": ["a1"], "as_of": [pd.NaT]}),
            ValueError,
            "column 'as_of' is missing, and the model was trained with times",
        ),
        (np.zeros((2, 2)), ValueError, r"one id per record \(1 dimension\), got 2"),
        (pd.DataFrame({"account_id": ["a1"]}), ValueError, "column 'as_of' is missing"),
    ],
)
def test_bad_records(records: Any, error: type[Exception], message: str) -> None:
    made = world(50)
    features = AccountFeatures(made["events"]).fit(made["subjects"])
    with pytest.raises(error, match=message):
        features.transform(records)


def test_events_that_do_not_say_their_kind() -> None:
    made = world(100)
    made["events"]["kind"] = made["events"]["kind"].where(made["events"]["kind"] == "pay")
    features = AccountFeatures(made["events"]).fit(made["subjects"])
    assert {"volume__count_all_event", "volume__count_all_pay"} <= set(features.matrix_.columns)
    found, _, why = live(features, made, made["subjects"])
    assert (why == None).all()  # noqa: E711
    np.testing.assert_array_equal(features.transform(made["subjects"]), found)
    unnamed = AccountFeatures(made["events"].drop(columns="kind")).fit(made["subjects"])
    assert not any(name.endswith(("_event", "_pay")) for name in unnamed.matrix_.columns)


def test_missing_columns_and_wrong_types_are_errors() -> None:
    made = world(50)
    features = AccountFeatures(subject="event").fit(made["events"])
    with pytest.raises(ValueError, match="column 'kind' is missing"):
        features.transform(made["events"].drop(columns="kind"))
    with refused(TypeError, "amount"):
        features.transform(made["events"].assign(amount="five"))
    with refused(ValueError, "amount"):
        features.transform(made["events"].assign(amount=np.inf))


def test_clones_and_fits_do_not_modify_the_input() -> None:
    made = world(60)
    before = {name: frame.copy(deep=True) for name, frame in made.items()}
    features = AccountFeatures(made["events"], accounts=made["accounts"])
    np.testing.assert_array_equal(
        clone(features).fit_transform(made["subjects"]), features.fit_transform(made["subjects"])
    )
    for name, frame in made.items():
        pd.testing.assert_frame_equal(frame, before[name])


class AccountFeaturesOfNumbers(AccountFeatures):
    """Accept matrices, as the checks of scikit-learn need: a row is an account, and its numbers are its profile."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(self._profiles(X, reset=True), y)

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        return super().transform(self._profiles(X, reset=False))

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        return self.fit(X, y).transform(X)

    def _profiles(self, X: Any, *, reset: bool) -> pd.DataFrame:
        numbers = pd.DataFrame(validate_data(self, X, reset=reset)).add_prefix("x")
        return numbers.assign(account_id=np.arange(len(numbers)), as_of=START)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = tags.input_tags.string = False
        return tags


# Only one check runs on the estimator of accounts itself, with a warning; the others run below.
@parametrize_with_checks([AccountFeatures()])  # type: ignore[untyped-decorator]
def test_scikit_learn_contract_on_ids(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@parametrize_with_checks([AccountFeaturesOfNumbers()])  # type: ignore[untyped-decorator]
def test_scikit_learn_contract_on_profiles(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_a_column_that_has_the_name_of_a_feature_is_left_out_and_named() -> None:
    made = world()
    accounts = made["accounts"].assign(age_days=7.0, since_first=1.0)
    features = AccountFeatures(events=made["events"], accounts=accounts).fit(made["subjects"])
    assert len(set(features.matrix_.columns)) == len(features.matrix_.columns)
    assert any("age_days (another feature has this name, so rename the column)" in note for note in features.notes_)
    plain = AccountFeatures(events=made["events"], accounts=made["accounts"]).fit(made["subjects"])
    np.testing.assert_array_equal(features.transform(made["subjects"]), plain.transform(made["subjects"]))


def test_a_record_without_an_account_has_the_profile_of_none() -> None:
    made = world()
    ids = made["events"]["account_id"]
    records = made["events"].assign(account_id=ids.where(ids.index > 0))
    nobody = pd.DataFrame({"account_id": pd.Series([None], dtype=STRING), "city": ["rome"], "n_cards": [3]})
    for accounts in (made["accounts"], pd.concat([made["accounts"], nobody], ignore_index=True)):
        features = AccountFeatures(subject="event", events=made["events"], accounts=accounts).fit(records)
        columns = list(features.matrix_.columns)
        assert np.isnan(features.transform(records)[0, columns.index("profile__n_cards")])


def test_created_at_of_an_event_is_not_read() -> None:
    made = world()
    events = made["events"].assign(created_at="yesterday")
    matrices = [
        AccountFeatures(subject="event", events=made["events"]).fit(made["events"]).transform(records)
        for records in (made["events"], events)
    ]
    np.testing.assert_array_equal(*matrices)


def test_an_excluded_column_is_no_feature_of_events() -> None:
    payments = world()["events"].assign(balance=np.arange(400) * 1.5)
    features = AccountFeatures(payments, subject="event", exclude=["balance", "device_id"]).fit(payments)
    assert not any("balance" in name or "device" in name for name in features.matrix_.columns)
    assert any("balance" in name for name in AccountFeatures(payments, subject="event").fit(payments).matrix_.columns)


def test_a_column_cannot_be_a_category_and_an_amount() -> None:
    payments = world()["events"].assign(channel="a")
    features = AccountFeatures(
        payments, subject="event", history=History(("1d",), amount="channel"), categories=["channel"]
    )
    with refused(SchemaError, "channel"):
        features.fit(payments)


def test_an_identifier_of_a_view_is_not_left_out() -> None:
    days = pd.date_range("2026-01-01", periods=40, freq="D", tz="UTC")
    events = pd.DataFrame(
        {"event_id": range(40), "account_id": "ann", "occurred_at": days, "device_id": ["d", "e"] * 20}
    )
    events = events.assign(memo=[f"memo {n}" for n in range(40)])
    (note,) = AccountFeatures(events, subject="event").fit(events).notes_
    assert "memo (" in note
    assert "device_id" not in note
