"""Ids of cases over time: they stay under growth, and merges and splits are recorded exactly."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.cases import CaseLedger, find_cases

from .planted import planted_rings

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=12)


def update(ledger: CaseLedger, groups: list[str]) -> CaseLedger:
    """Update a book with cases that are written as words of one-letter actions."""
    pairs = sorted((action, case) for case, group in enumerate(groups) for action in group)
    ids, cases = zip(*pairs, strict=True)
    return ledger.update(np.array(ids, object), np.unique(cases, return_inverse=True)[1])


def changes(before: CaseLedger, after: CaseLedger) -> list[tuple[str, str, str | None, int]]:
    new = after.history.iloc[len(before.history) :]
    others = [None if missing else name for name, missing in zip(new["other_id"], new["other_id"].isna(), strict=True)]
    return list(zip(new["change"], new["case_id"], others, new["actions"], strict=True))


def test_a_case_keeps_its_id_when_it_grows_also_by_an_earlier_member() -> None:
    first = update(CaseLedger(), ["bc", "xy"])
    second = update(first, ["abcd", "xy"])
    assert second.members["a"] == second.members["d"] == first.members["b"]
    assert changes(first, second) == [("grew", first.members["b"], None, 4)]


def test_of_merged_cases_the_larger_keeps_its_id() -> None:
    first = update(CaseLedger(), ["ab", "xyz"])
    second = update(first, ["abxyz"])
    large, small = first.members["x"], first.members["a"]
    assert set(second.members) == {large}
    assert changes(first, second) == [("grew", large, None, 5), ("merged", large, small, 2)]


def test_of_a_split_case_the_larger_part_keeps_the_id() -> None:
    first = update(CaseLedger(), ["abcde"])
    second = update(first, ["ab", "cde"])
    case, new = first.members["a"], second.members["a"]
    assert second.members["c"] == case != new
    assert changes(first, second) == [("opened", new, None, 2), ("split", case, new, 2)]


def test_a_case_whose_members_are_gone_is_closed_and_its_id_is_not_given_again() -> None:
    first = update(CaseLedger(), ["ab", "xy"])
    second = update(first, ["xy"])
    assert changes(first, second) == [("closed", first.members["a"], None, 0)]
    assert update(second, ["ab", "xy"]).members["a"] != first.members["a"]


@given(LABELS, LABELS)
def test_merges_and_splits_have_the_number_of_actions_that_moved(before: list[int], after: list[int]) -> None:
    ids = np.array([f"action-{k:02}" for k in range(max(len(before), len(after)))], object)
    first = CaseLedger().update(ids[: len(before)], np.unique(before, return_inverse=True)[1])
    second = first.update(ids[: len(after)], np.unique(after, return_inverse=True)[1])
    assert second.members.nunique() == len(set(after))
    both = ids[: min(len(before), len(after))]
    old, new = first.members[both], second.members[both]
    recorded: dict[tuple[str, str], int] = {}
    for change, case, other, count in changes(first, second):
        if other is not None:
            source, target = (other, case) if change == "merged" else (case, other)
            assert (change == "merged") == (len(set(new[old == source])) == 1)
            assert (source, target) not in recorded
            recorded[source, target] = count
    moved = Counter(zip(old, new, strict=True))
    assert recorded == {pair: count for pair, count in moved.items() if pair[0] != pair[1]}


@pytest.mark.slow
@given(st.lists(LABELS, min_size=2, max_size=4))
def test_ids_stay_while_groups_only_grow(steps: list[list[int]]) -> None:
    labels: list[int] = []
    ledger = CaseLedger()
    given_ids: dict[int, str] = {}
    for step in steps:
        labels += step
        ids = np.array([f"action-{k:02}" for k in range(len(labels))], object)
        order = np.argsort([f"{k % 7}{k:02}" for k in range(len(labels))])  # new actions are not only at the end
        ledger = ledger.update(ids[order], np.unique(np.array(labels)[order], return_inverse=True)[1])
        for action, label in zip(ids, labels, strict=True):
            assert given_ids.setdefault(label, ledger.members[action]) == ledger.members[action]
    assert not {"merged", "split", "closed"} & set(ledger.history["change"])


def test_ids_stay_while_rings_grow_action_by_action() -> None:
    frame = planted_rings([8, 8, 8]).sort_values("occurred_at", ignore_index=True)
    ledger = CaseLedger()
    seen: dict[int, str] = {}
    for day in (0.5, 1.0, 1.5, 2.5):
        moment = frame["occurred_at"].dt.floor("D").min() + pd.Timedelta(days=day)
        found = find_cases(frame, key=b"a key", as_of=moment, ledger=ledger)
        ledger = found.ledger
        for ring, case in zip(found.members["ring"], found.members["case_id"], strict=True):
            assert seen.setdefault(ring, case) == case
    assert len(seen) == 3
