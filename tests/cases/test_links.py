"""Single kinds of links: windows, decay, closure, texts, addresses and sign-ups."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.cases import Actions, CaseSettings
from fraudsieve.cases.actions import NO_TIME
from fraudsieve.cases.links import LINK_KINDS, find_links
from fraudsieve.cases.links.table import Entries, entries_in_window, pair_entries

from .planted import START

SETTINGS = CaseSettings(window_days=5)


def links_of(rows: list[dict[str, Any]], settings: CaseSettings = SETTINGS) -> pd.DataFrame:
    """Return the links of actions on numbered days."""
    frame = pd.DataFrame(rows)
    frame["action_id"] = [f"{k:03}" for k in range(len(frame))]
    frame["occurred_at"] = START + pd.to_timedelta(frame.pop("day"), unit="D")
    links, _ = find_links(Actions.from_frame(frame), settings, key=b"a key")
    kinds = np.array(LINK_KINDS, object)[links.kind]
    columns = {"source": links.source, "target": links.target, "kind": kinds, "weight": links.weight}
    return pd.DataFrame(columns | {"strength": links.strength})


DAYS = st.none() | st.integers(0, 20)


@given(st.lists(st.tuples(st.integers(0, 2), DAYS), max_size=30), st.integers(0, 8), st.integers(1, 4))
def test_pairs_are_those_of_a_loop(rows: list[tuple[int, int | None]], window: int, nearest: int) -> None:
    rows = sorted(rows, key=lambda row: -1 if row[1] is None else row[1])  # as actions are
    value = np.array([own for own, _ in rows], np.int64)
    time = np.array([NO_TIME if day is None else day for _, day in rows], np.int64)
    entries = Entries.sort(value, np.arange(len(rows)), time)
    earlier, later = pair_entries(entries, window, nearest)
    expected, counts = set(), list[int]()
    for k, (own, now) in enumerate(rows):
        days = {m: rows[m][1] for m in range(k) if rows[m][0] == own}
        before = [m for m, day in days.items() if day is None or (now is not None and now - day <= window)]
        expected |= {(m, k) for m in before[-nearest:]}
        counts.append(len(before) + 1)
    assert set(zip(entries.action[earlier].tolist(), entries.action[later].tolist(), strict=True)) == expected
    assert entries_in_window(entries, window).tolist() == [counts[k] for k in entries.action]


def test_an_action_without_a_time_changes_no_other_pair() -> None:
    rows = [{"account_id": "x", "day": day} for day in (0.0, 10.0)]
    assert len(links_of(rows)) == 0
    assert links_of([*rows, {"account_id": "x", "day": np.nan}])[["source", "target"]].to_numpy().tolist() == [
        [0, 1],
        [0, 2],
    ]


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (("x", "p"), ("x", "q"), "same_sender"),
        (("p", "x"), ("q", "x"), "same_recipient"),
        (("p", "x"), ("x", "q"), "onward"),
        (("x", "p"), ("q", "x"), "against"),
    ],
)
def test_the_role_of_a_shared_account_names_the_link(
    first: tuple[str, str], second: tuple[str, str], kind: str
) -> None:
    rows = [{"account_id": a, "counterparty_id": b, "day": day} for day, (a, b) in enumerate((first, second))]
    assert links_of(rows)["kind"].tolist() == [kind]


def test_links_decay_and_end_with_the_window() -> None:
    weights = [
        links_of([{"account_id": "x", "day": 0}, {"account_id": "x", "day": day}])["weight"] for day in (0, 2, 5, 5.1)
    ]
    assert [len(weight) for weight in weights] == [1, 1, 1, 0]
    assert weights[0][0] > weights[1][0] > weights[2][0] > 0


def test_a_further_shared_account_makes_a_link_heavier() -> None:
    pairs = [("x", "p"), ("x", "q"), ("y", "p"), ("y", "q")]
    closed = links_of([{"account_id": a, "counterparty_id": b, "day": 0} for a, b in pairs])
    opened = links_of([{"account_id": a, "counterparty_id": b, "day": 0} for a, b in pairs[:2]])
    assert closed["strength"].tolist() == [1.0] * 4
    assert opened["strength"].tolist() == [0.0]
    flat = replace(SETTINGS, coherence=0.0)
    rows = [{"account_id": a, "counterparty_id": b, "day": 0} for a, b in pairs]
    heavier, lighter = links_of(rows, flat)["weight"].min(), links_of(rows[:2], flat)["weight"].max()
    assert heavier == pytest.approx(lighter * (1 + SETTINGS.closure))


def test_texts_link_by_near_duplicates_and_by_phrases() -> None:
    common = "we hold all of your files and will publish them"
    rows: list[dict[str, Any]] = [
        {"text": "Your parcel 123 is held, pay the fee today", "day": 0},
        {"text": "Your parcel 987 is held, pay the fee today", "day": 1},
        {"text": f"good morning to you and your company, {common}", "day": 2},
        {"text": f"{common}, so that everybody reads what you did not protect as you should have", "day": 3},
        {"text": "nothing of the kind", "day": 4},
    ]
    links = links_of(rows)
    assert {(a, b) for a, b, kind in links.iloc[:, :3].to_numpy().tolist() if kind == "text"} == {(0, 1)}
    assert {(a, b) for a, b, kind in links.iloc[:, :3].to_numpy().tolist() if kind == "wording"} >= {(2, 3)}
    assert 4 not in set(links["source"]) | set(links["target"])


@pytest.mark.parametrize(
    "other",
    ["we hold all of your files and will publish them", "good morning, we hold all of your files, pay by noon or else"],
    ids=["near-duplicate", "shared phrase"],
)
def test_texts_are_linked_within_sixty_days(other: str) -> None:
    first = {"text": "we hold all of your files and will publish them", "day": 0}
    links = {day: links_of([first, {"text": other, "day": day}]) for day in (59, 61)}
    assert {day: len(found) > 0 for day, found in links.items()} == {59: True, 61: False}


def context_links(events: list[dict[str, Any]], **columns: Any) -> list[list[int]]:
    """Return the links by identifiers between two messages of ann, 20 days apart, and one of bob, after events."""
    frame = pd.DataFrame({"action_id": ["m1", "m2", "m3"], "account_id": ["ann", "ann", "bob"], **columns})
    frame["occurred_at"] = START + pd.to_timedelta([0, 20, 21], unit="D")
    context = pd.DataFrame(events).assign(occurred_at=START - pd.Timedelta("1D"))
    links, _ = find_links(Actions.from_frame(frame), SETTINGS, key=b"a key", context=context)
    hard = links.kind == LINK_KINDS.index("identifier")
    pairs: list[list[int]] = np.unique(np.stack([links.source, links.target], axis=1)[hard], axis=0).tolist()
    return pairs


def test_an_identifier_of_one_account_says_no_more_than_the_account() -> None:
    sessions = [{"account_id": "ann", "session_id": f"s{k}"} for k in range(5)]
    assert context_links(sessions) == []
    assert context_links([*sessions, {"account_id": "bob", "session_id": "s1"}]) == [[0, 1], [0, 2], [1, 2]]
    assert context_links(sessions, session_id=[None, "s1", None]) == [[0, 1]]  # a flagged message has it itself


def test_addresses_link_by_range_and_sign_ups_by_minutes() -> None:
    addresses = ["10.0.0.1", "10.0.0.99", "10.0.1.1", "not an address", None, "2001:db8::1", "2001:db8:0:1::1"]
    links = links_of([{"ip": address, "day": 0} for address in addresses])
    assert links[["source", "target", "kind"]].to_numpy().tolist() == [
        [0, 1, "address_range"],
        [5, 6, "address_range"],
    ]
    mapped = ["::ffff:1.2.3.4", "::ffff:200.9.8.7", "1.2.3.99", "fe80::1%eth0"]
    assert links_of([{"ip": address, "day": 0} for address in mapped])[["source", "target"]].to_numpy().tolist() == [
        [0, 2]
    ]
    minutes = [0, 5, 30]
    rows = [{"kind": "sign_up", "account_id": f"a{k}", "day": minute / 1440} for k, minute in enumerate(minutes)]
    assert links_of(rows)[["source", "target", "kind"]].to_numpy().tolist() == [[0, 1, "sign_up"]]


def test_soft_links_between_kinds_weigh_less_and_hard_ones_do_not() -> None:
    row: dict[str, Any] = {"account_id": "x", "device_id": "d", "day": 0}
    rows = [row | {"kind": kind} for kind in ("payment", "transfer")]
    across = links_of(rows).set_index("kind")["weight"]
    within = links_of([row | {"kind": "payment"}] * 2).set_index("kind")["weight"]
    assert across["same_sender"] == pytest.approx(within["same_sender"] * SETTINGS.across_kinds)
    assert across["identifier"] == within["identifier"]


def test_a_domain_says_less_than_a_telephone_number_and_both_less_if_many_share_them() -> None:
    def weight(text: str, n: int) -> float:
        rows = [{"account_id": f"a{k}", "text": text, "day": 0} for k in range(n)]
        links = links_of(rows)
        return float(links.loc[links["kind"] == "identifier", "weight"].max())

    assert weight("see shop-example.com", 2) == SETTINGS.domain
    assert weight("call 138 0013 8000", 2) == SETTINGS.hard
    assert weight("call 138 0013 8000", 8) == pytest.approx(SETTINGS.hard / 3)
