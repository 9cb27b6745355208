"""Cases of planted rings: right, whatever the order, at a moment, and with the links that explain them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.cases import Cases, CaseSettings, find_cases, partition_actions
from fraudsieve.exceptions import SchemaError

from .planted import START, planted_rings

SIZES = st.lists(st.integers(3, 9), min_size=1, max_size=5)
KEY = b"a key"


def groups_of(found: Cases) -> set[frozenset[str]]:
    """Return the cases as sets of actions."""
    return {frozenset(ids) for _, ids in found.members.groupby("case_id")["action_id"]}


def rings_of(frame: pd.DataFrame) -> set[frozenset[str]]:
    return {frozenset(ids) for _, ids in frame.groupby("ring")["action_id"]}


@pytest.mark.slow
@given(SIZES, st.integers(0, 99))
def test_separated_rings_are_the_cases(sizes: list[int], seed: int) -> None:
    frame = planted_rings(sizes, seed=seed)
    assert groups_of(find_cases(frame, key=KEY)) == rings_of(frame)


@pytest.mark.slow
@given(SIZES, st.integers(0, 99), st.booleans())
def test_the_order_of_the_input_changes_nothing(sizes: list[int], seed: int, bridged: bool) -> None:
    frame = planted_rings(sizes, bridges=len(sizes) if bridged else 0)
    order = np.random.default_rng(seed).permutation(len(frame))
    one, other = find_cases(frame, key=KEY), find_cases(frame.iloc[order], key=KEY)
    pd.testing.assert_frame_equal(one.cases, other.cases)
    pd.testing.assert_frame_equal(one.members, other.members)
    pd.testing.assert_frame_equal(one.links, other.links)


def test_rings_that_share_a_payer_are_two_cases_and_the_link_between_them_is_listed() -> None:
    frame = planted_rings([8, 8], bridges=1)
    found = find_cases(frame, key=KEY, settings=CaseSettings(resolution=0.02))
    assert groups_of(found) == rings_of(frame)
    between = found.links[found.links["case_id"].isna()]
    assert between["evidence"].tolist() == ["payer-0-0"]


def test_a_hub_links_nothing_and_is_reported() -> None:
    frame = planted_rings([4], hub=40)
    found = find_cases(frame, key=KEY, settings=CaseSettings(max_sharing=30))
    assert found.hubs[["value", "actions"]].to_numpy().tolist() == [["bank", 40]]
    assert sorted(map(len, groups_of(found))) == [1] * 40 + [4]


def test_a_component_that_nothing_touched_keeps_its_cases() -> None:
    frame = planted_rings([9, 9, 9], bridges=2)
    alone = groups_of(find_cases(frame, key=KEY))
    others = planted_rings([5, 6], seed=3).assign(action_id=lambda rows: "z" + rows["action_id"])
    others[["account_id", "counterparty_id"]] = "z" + others[["account_id", "counterparty_id"]]
    assert alone <= groups_of(find_cases(pd.concat([others, frame]), key=KEY))


def test_a_component_is_cut_with_a_seed_of_its_own() -> None:
    rng = np.random.default_rng(0)
    ring = sp.diags([1.0] * 79, 1) + sp.coo_matrix(([1.0], ([0], [79])), (80, 80))  # a cycle has many equal cuts
    graph = sp.csr_matrix(ring + ring.T)
    other = sp.csr_matrix(np.triu(rng.random((40, 40)), 1))
    both = sp.block_diag([graph, other + other.T], format="csr")
    ids = np.array([f"{k:03}" for k in range(120)], object)
    cuts = [partition_actions(graph, ids[:80], resolution=0.3, seed=seed).case.tolist() for seed in range(6)]
    assert len({tuple(cut) for cut in cuts}) > 1  # so that the seed matters
    assert [partition_actions(both, ids, resolution=0.3, seed=seed).case[:80].tolist() for seed in range(6)] == cuts


@pytest.mark.slow
@given(st.integers(0, 60))
def test_what_is_known_later_changes_no_case(hours: int) -> None:
    frame = planted_rings([6, 6, 6], bridges=2)
    moment = START + pd.Timedelta(hours=hours)
    before = find_cases(frame[frame["occurred_at"] < moment], key=KEY)
    as_of = find_cases(frame, key=KEY, as_of=moment)
    pd.testing.assert_frame_equal(as_of.cases, before.cases)
    assert as_of.links["known_at"].max() < moment or as_of.links.empty


def test_an_action_that_was_flagged_later_is_not_known_before() -> None:
    frame = planted_rings([5]).assign(known_at=START + pd.Timedelta(days=9))
    frame.loc[0, "known_at"] = START
    moment = START + pd.Timedelta(days=3)
    assert find_cases(frame, key=KEY, as_of=moment).members["action_id"].tolist() == ["a-0-0"]


def test_no_identifier_and_no_text_is_kept() -> None:
    frame = planted_rings([3]).assign(device_id="secret-device", text="call 138 0013 8000 now", ip="10.1.2.3")
    found = find_cases(frame, key=KEY)
    assert {"identifier", "text", "address_range"} <= set(found.links["kind"])
    for table in (found.cases, found.members, found.links, found.hubs):
        text = table.to_csv()
        assert not [word for word in ("secret-device", "0013", "10.1.2") if word in text]


def test_an_identifier_that_most_records_share_is_a_hub() -> None:
    frame = planted_rings([1, 1]).assign(device_id="kiosk")
    unflagged = pd.DataFrame({"action_id": [f"u{k}" for k in range(30)], "device_id": "kiosk"})
    assert len(groups_of(find_cases(frame, key=KEY))) == 1
    found = find_cases(frame, key=KEY, unflagged=unflagged)
    assert len(groups_of(found)) == 2
    assert found.hubs["unflagged"].tolist() == [30]


def test_the_table_of_cases_adds_up() -> None:
    frame = planted_rings([4, 3]).assign(amount=10.0, probability=0.5, type="scam", reason="cues__links")
    found = find_cases(frame, key=KEY).cases.iloc[0]
    columns = ["rank", "actions", "accounts", "amount", "amount_at_stake", "expected_frauds"]
    assert found[columns].to_list() == [1, 4, 5, 40, 20, 2]
    assert found["finds_per_hour"] == pytest.approx(60 * 2 / 14)
    assert found[["types", "shared_reasons"]].to_list() == ["scam 4", "cues__links 4"]
    assert (found["density"], found["bridges"], found["links"]) == (1.0, 0, 6)


def test_why_two_members_are_together() -> None:
    rows = [("a", "x", "y", 0), ("b", "y", "z", 1), ("c", "z", "w", 2)]
    frame = pd.DataFrame(rows, columns=["action_id", "account_id", "counterparty_id", "day"])
    frame["occurred_at"] = START + pd.to_timedelta(frame["day"], unit="D")
    found = find_cases(frame, key=KEY)
    path = found.why_together("a", "c")
    assert path[["source_id", "target_id", "kind", "evidence", "is_bridge"]].to_numpy().tolist() == [
        ["a", "b", "onward", "y", True],
        ["b", "c", "onward", "z", True],
    ]
    with pytest.raises(KeyError, match="not in the table"):
        found.why_together("a", "nobody")


def test_ids_must_be_there_and_unique() -> None:
    with pytest.raises(SchemaError, match="'action_id' is missing"):
        find_cases(pd.DataFrame({"id": ["a"]}), key=KEY)
    with pytest.raises(SchemaError, match="1 ids occur more than once"):
        find_cases(pd.DataFrame({"action_id": ["a", "a"]}), key=KEY)
