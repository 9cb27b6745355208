"""Pictures and time lines of cases: places, limits, and round times."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve._microseconds import DAY
from fraudsieve.cases import CaseSettings, find_cases
from fraudsieve.cases.pages.case_section import CaseNames, CaseRows, rows_of_cases
from fraudsieve.cases.pages.page import MAX_TICKS, draw_timeline, time_ticks
from fraudsieve.cases.pages.picture import MAX_ACTIONS, MAX_SHARED, case_graph, draw_case, place_nodes

from .worlds import campaign, ring


def one_case(frame: pd.DataFrame) -> CaseRows:
    """Return a table of actions as one case."""
    found = find_cases(frame, key=b"a key", settings=CaseSettings(resolution=1e-9, window_days=999, nearest=2000))
    return next(rows_of_cases(found))


@given(st.integers(2, 40), st.integers(0, 99))
def test_nodes_are_in_the_box_and_apart(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, n, (n, 2))
    places = place_nodes(n, edges, 380.0, 300.0, 9.0)
    assert places.shape == (n, 2)
    assert (places >= 0).all()
    assert (places <= [380.0, 300.0]).all()
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)[~np.eye(n, dtype=bool)]
    assert apart.min() > 5
    assert (place_nodes(n, edges, 380.0, 300.0, 9.0) == places).all()


def test_neighbours_are_nearer_than_the_ends_of_a_chain() -> None:
    n = 8
    places = place_nodes(n, np.column_stack([np.arange(n - 1), np.arange(1, n)]), 380.0, 300.0, 9.0)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert (np.diag(apart, 1) < 0.4 * apart[0, -1]).all()


@pytest.mark.slow
def test_200_members_are_drawn_and_more_are_counted() -> None:
    rows = one_case(ring("large", 230))
    graph = case_graph(rows, CaseNames())
    assert len(rows.members) == 230
    assert len(graph.actions) == MAX_ACTIONS
    assert len(graph.shared) <= MAX_SHARED
    figure = draw_case(rows)
    assert "30 more actions are not drawn" in figure.description
    assert figure.svg.count("<title>action ") == MAX_ACTIONS


def test_a_small_case_has_all_its_accounts_and_its_numbers() -> None:
    figure = draw_case(one_case(ring("small", 5)))
    titles = re.findall(r"<title>([^<]+)</title>", figure.svg)
    assert {title for title in titles if title.startswith("action")} == {f"action {k}" for k in range(1, 6)}
    assert sum(title.startswith("account") for title in titles) == 6
    assert "small" not in figure.svg.replace("c1 small", "")


def test_similar_texts_are_a_forest_and_a_telephone_is_one_node() -> None:
    rows = one_case(campaign("parcel", 20))
    graph = case_graph(rows, CaseNames())
    assert graph.kinds.count("alike") == 19
    assert graph.shared == [("identifier", "telephone number 1")]
    assert graph.kinds.count("has") == 20


@pytest.mark.parametrize("unit", [1_000_000, 60_000_000, DAY // 24, DAY])
def test_times_below_the_axis_are_round_and_few(unit: int) -> None:
    for span in range(1, 400, 3):
        low = 1_700_000_000_000_000 + span * 7919
        ticks, form = time_ticks(low, low + span * unit)
        assert len(ticks) <= MAX_TICKS
        assert all(low <= tick <= low + span * unit for tick in ticks)
        assert form in ("%H:%M", "%m-%d", "%Y-%m", "%Y")


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        ("2019-01-01", "2023-01-01", ["2020", "2022"]),
        ("2019-12-31T23:59:59", "2022-06-01", ["2020", "2021", "2022"]),
        ("2024-02-03", "2025-03-01", ["2024-04", "2024-07", "2024-10", "2025-01"]),
        ("2024-02-01", "2024-05-01", ["2024-02", "2024-03", "2024-04", "2024-05"]),
        ("1968-05-01", "2049-01-01", ["1980", "2000", "2020", "2040"]),
    ],
)
def test_years_and_months_are_where_their_labels_say(low: str, high: str, labels: list[str]) -> None:
    ends = [int(np.datetime64(end, "us").astype(np.int64)) for end in (low, high)]
    ticks, form = time_ticks(ends[0], ends[1])
    times = [np.datetime64(tick, "us") for tick in ticks]
    assert [f"{time.item():{form}}" for time in times] == labels
    assert times == [np.datetime64(label, "us") for label in labels]


@pytest.mark.parametrize("minutes", [0, 3, 600, 60 * 24 * 30])
def test_a_time_line_has_a_row_per_account_and_no_action_is_lost(minutes: int) -> None:
    frame = ring("small", 6).drop(columns="device_id")
    frame["occurred_at"] = frame["occurred_at"].min() + pd.to_timedelta(np.arange(6) * minutes, unit="min")
    frame.loc[2, "occurred_at"] = pd.NaT
    figure = draw_timeline(one_case(frame), CaseNames())
    assert figure is not None
    assert "1 actions without a time are not drawn" in figure.description
    assert figure.svg.count(">account ") == 7
    assert figure.svg.count("<circle") == (10 if minutes else 6)  # at one time, marks of an account are one


def test_without_times_there_is_no_time_line() -> None:
    frame = ring("small", 3).drop(columns="occurred_at")
    assert draw_timeline(one_case(frame), CaseNames()) is None
