"""The declaration of an account history."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.history.declaration import (
    DECLARED,
    DERIVED_FROM,
    FAMILIES,
    LABEL_MEASURES,
    LATEST_MEASURES,
    MEASURES,
    History,
    check_histories,
    window_seconds,
)
from tests.messages import refused

HISTORIES = st.builds(
    History,
    windows=st.lists(st.sampled_from(["30s", "5m", "1h", "2d", "3w"]), min_size=1, unique=True).map(tuple),
    kinds=st.lists(st.text(min_size=1, max_size=3), max_size=3, unique=True).map(tuple),
    entity=st.sampled_from(["account_id", "card_id"]),
    measures=st.lists(st.sampled_from(tuple(FAMILIES)), unique=True).map(
        lambda some: tuple({"count": 1, **{name: 1 for part in some for name in (*DERIVED_FROM.get(part, ()), part)}})
    ),
    identifiers=st.lists(st.sampled_from(["device_id", "ip"]), unique=True).map(tuple),
    night=st.tuples(st.integers(0, 23), st.integers(0, 24)).filter(lambda night: night[0] != night[1]),
)


def test_default_columns() -> None:
    columns = History().columns
    assert (
        len(columns) == 4 * len(MEASURES) - 2 * 3 - 2
    )  # first and last have no window; no shortest trend, longest new
    assert columns[:3] == ("volume__count_1h", "value__sum_1h", "value__mean_1h")
    assert columns[-2:] == ("rhythm__since_last", "profile__since_first")
    families = {"volume", "value", "counterparties", "rhythm", "novelty", "profile"}
    assert {name.split("__")[0] for name in columns} == families


def test_columns_by_kind() -> None:
    history = History(("1h", "7d"), kinds=("pay", "top up"), measures=("sum", "since_last", "new"))
    assert history.columns == (
        "value__sum_1h",
        "value__sum_1h_pay",
        "value__sum_1h_top up",
        "novelty__new_1h",
        "value__sum_7d",
        "value__sum_7d_pay",
        "value__sum_7d_top up",
        "rhythm__since_last",
    )


@given(HISTORIES)
def test_columns_are_distinct_and_json_round_trips(history: History) -> None:
    assert len(set(history.columns)) == len(history.columns) == len(history.positions)
    assert list(history.positions.values()) == list(range(len(history.columns)))
    back = History.from_dict(json.loads(json.dumps(history.to_dict())))
    assert back == history
    assert hash(back) == hash(history)


def test_every_measure_has_a_family_and_a_meaning_of_its_own() -> None:
    assert FAMILIES.keys() == DECLARED.keys() >= {*MEASURES, *LATEST_MEASURES, *LABEL_MEASURES, "span"}
    assert {*MEASURES}.isdisjoint((*LATEST_MEASURES, *LABEL_MEASURES))
    assert len({measure.meaning for measure in DECLARED.values()}) == len(DECLARED)
    assert all(base in DECLARED for measure in DECLARED.values() for base in measure.derived_from)


def test_views_have_different_column_names() -> None:
    views = [History(), History(entity="counterparty_id", subject="account_id", name="received")]
    assert check_histories(views) == tuple(views)
    assert check_histories(views[0]) == (views[0],)
    with refused(ValueError, "volume__count_1h"):
        check_histories([History(), History(entity="device_id")])
    with pytest.raises(TypeError, match="Expected a History, got str"):
        check_histories(["1d"])  # type: ignore[list-item]


def test_missing_keys_have_their_defaults() -> None:
    assert History.from_dict({}) == History()
    assert History.from_dict({"windows": ["2h"]}) == History(windows=("2h",))


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"windows": ()}, ValueError, "expected at least one window"),
        ({"windows": "1h"}, TypeError, "windows: expected a tuple of strings, got '1h'"),
        ({"windows": (3600,)}, TypeError, "windows: expected a tuple of strings"),
        ({"windows": ("1h", "1h")}, ValueError, "windows: expected each name once, got '1h' more than once"),
        ({"windows": ("24h", "1d")}, ValueError, "expected different lengths, but '24h' and '1d' are equal"),
        ({"windows": ("0h",)}, ValueError, "got '0h'"),
        ({"windows": ("1 h",)}, ValueError, "got '1 h'"),
        ({"windows": ("1y",)}, ValueError, "one of the units s, m, h, d, w"),
        ({"windows": ("-1d",)}, ValueError, "got '-1d'"),
        ({"windows": ("1d\n",)}, ValueError, "Expected a window of a whole number"),
        ({"windows": ("٣d",)}, ValueError, "Expected a window of a whole number"),
        ({"windows": ("9999999999w",)}, ValueError, "at most 100 years"),
        ({"measures": ()}, ValueError, "measures: expected at least one computed measure"),
        ({"measures": ("count", "median")}, ValueError, "unknown measure 'median'; expected one of count, trend, sum"),
        ({"measures": ("count", "count")}, ValueError, "measures: expected each name once, got 'count' more than once"),
        ({"measures": ["count"]}, TypeError, "measures: expected a tuple"),
        ({"kinds": ("",)}, ValueError, "kinds: expected names, got an empty string"),
        ({"kinds": ("pay",), "measures": ("max",)}, ValueError, "by_kind: expected at least one computed measure"),
        ({"measures": ("z", "mean")}, ValueError, "'z' is computed from std; add these"),
        ({"kinds": ("pay",), "by_kind": ("to_max",)}, ValueError, "by_kind: 'to_max' is computed from max"),
        ({"kinds": ("pay",), "by_kind": ("since_first",)}, ValueError, "'since_first' cannot be computed per kind"),
        ({"entity": ("account_id", "kind"), "subject": "account_id"}, ValueError, "got 2 and 1 columns"),
        (
            {"entity": ("account_id", "account_id")},
            ValueError,
            "entity: expected each name once, got 'account_id' more than once",
        ),
        ({"prior": (2.0, 1.0)}, ValueError, "prior: expected a rate from 0 to 1"),
        ({"prior": (0.5,)}, TypeError, "prior: expected a rate and a weight"),
        ({"name": None}, TypeError, "name: expected a string, got None"),
        ({"entity": ""}, TypeError, "entity: expected the name of a column"),
        ({"counterparty": None}, TypeError, "counterparty: expected a string, got None"),
        ({"night": (0,)}, TypeError, "night: expected two whole hours"),
        ({"night": (0.0, 6.0)}, TypeError, "night: expected two whole hours"),
        ({"night": (True, 6)}, TypeError, "night: expected two whole hours"),
        ({"night": (6, 6)}, ValueError, "a different end"),
        ({"night": (24, 6)}, ValueError, r"got \(24, 6\)"),
    ],
)
def test_bad_declarations(parts: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        History(**parts)
    listed = {name: list(part) if isinstance(part, tuple) else part for name, part in parts.items()}
    if parts != {"measures": ["count"]}:  # a list in JSON
        with pytest.raises(error, match=message):
            History.from_dict(listed)


def test_an_unknown_key() -> None:
    with refused(ValueError, "window"):
        History.from_dict({"window": ["1h"]})


@pytest.mark.parametrize(
    ("window", "seconds"), [("1s", 1), ("90s", 90), ("15m", 900), ("1h", 3600), ("30d", 2_592_000), ("2w", 1_209_600)]
)
def test_window_seconds(window: str, seconds: int) -> None:
    assert window_seconds(window) == seconds
