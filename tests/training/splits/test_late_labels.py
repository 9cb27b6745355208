"""Half a year of payments whose labels come after 30 to 90 days: the gap is counted once, and slices are mature."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.exceptions import SplitError
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.data.groups import groups_of
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.facts import age_notes
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.refit import plan_refit
from fraudsieve.training.splits.choose import choose_split
from fraudsieve.training.splits.split import Split
from tests.messages import refused

START, DAY = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timedelta(days=1)
N, PER_DAY = 5700, 20


def shop(kind: str, days: int = 180, to_train: bool = True, **settings: Any) -> LabelledData:
    """Read the payments of so many days, and the labels that are known at their end.

    Labels of all payments come late (``all``), or those of frauds alone, while other payments have none (``frauds``),
    one without a time (``untimed``) or one of the next hour (``quick``), until it is replaced (``replaced``).
    """
    rng = np.random.default_rng(0)
    paid = pd.Series(START + pd.to_timedelta(np.arange(N) / PER_DAY, unit="D"))
    is_fraud, late = rng.random(N) < 0.05, paid + pd.to_timedelta(rng.uniform(30, 90, N), unit="D")
    ids, end = [f"p{number}" for number in range(N)], START + days * DAY
    accounts = [f"a{number}" for number in rng.integers(0, 900, N)]
    events = pd.DataFrame({"event_id": ids, "account_id": accounts, "occurred_at": paid, "amount": 1.0})
    known = pd.DataFrame({"subject_id": ids, "label": np.where(is_fraud, "fraud", "legitimate"), "labelled_at": late})
    if kind == "frauds":
        known = known[is_fraud]
    elif kind == "untimed":
        reported = is_fraud & (late < end)
        known = known.assign(label=np.where(reported, "fraud", "legitimate"), labelled_at=late.where(reported))
    elif kind != "all":
        other = known.assign(label="legitimate", labelled_at=paid + pd.Timedelta(hours=1))
        known = pd.concat([other if kind == "replaced" else other[~is_fraud], known[is_fraud]])
    tables = {"events": events[paid < end], "labels": known[~(known["labelled_at"] >= end)]}
    tables = {name: table.reset_index(drop=True) for name, table in tables.items()}
    recipe = Recipe.read(overrides={"data.subject": "event", **settings})
    return read_data(recipe, tables, min_label_rows=2, to_train=to_train)


def split_of(data: LabelledData, **settings: Any) -> Split:
    return choose_split(data, *groups_of(data), Recipe.read(overrides=settings))


SHOPS: list[tuple[str, dict[str, Any]]] = [("all", {}), ("untimed", {}), ("quick", {}), ("replaced", {})]
SHOPS += [("frauds", {"labels.legitimate_after": age}) for age in ("90d", "60d", "30d")]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "settings"), SHOPS)
def test_every_slice_has_frauds_and_knows_no_label_of_the_future(kind: str, settings: dict[str, Any]) -> None:
    data = shop(kind, **settings)
    split = split_of(data)
    assert split.gap_days == pytest.approx(60, abs=0.1)
    times, is_fraud = data.rows["as_of"], (data.rows["label"] == "fraud").to_numpy()
    begin = times.iloc[split.test].min()
    learned = np.concatenate([split.train, split.calibration])
    assert not (data.rows["labelled_at"].iloc[learned] >= begin).any()
    assert (times.iloc[learned] <= begin - split.gap_days * DAY).all()
    assert [is_fraud[part].sum() > 0 for part in (split.train, split.calibration, split.test)] == [True] * 3
    # Frauds are about as frequent among the rows that are tested as among all: 5 %.
    assert is_fraud[split.test].mean() > 0.02
    refit = plan_refit(data, split).split
    assert times.iloc[refit.train].max() == pytest.approx(START + 120 * DAY, abs=DAY)
    # Rows of the test calibrate the shipped model: they are the newest that are mature.
    assert times.iloc[refit.calibration].max() > START + 118 * DAY


def test_rows_of_the_test_are_mature_unless_both_kinds_are_known_equally_often() -> None:
    alike, one_sided = shop("all"), shop("quick")
    assert split_of(alike).dropped["not_mature"] == 0
    split = split_of(one_sided)
    assert split.dropped["not_mature"] > 1000
    assert one_sided.rows["as_of"].iloc[split.test].max() <= START + 120 * DAY


def test_the_gap_is_that_of_the_slower_kind() -> None:
    data = shop("quick", days=285)
    assert 80 < data.delays[0] < 90
    assert data.gap_days() == data.delays[0]
    assert data.gap_days(7.0) == 7.0


def test_a_note_says_how_many_months_a_delay_needs() -> None:
    assert shop("all", days=285).delay_note(90.0) is None
    data = shop("all")
    note = data.delay_note(data.gap_days())
    assert note is not None
    assert "need about 9 months of records, those given span 5.9: they count from an age of 60 days on" in note
    split = split_of(data)
    facts = {"gap_days": split.gap_days, "calibration_window": ["2026-01-01", "2026-04-30T00:00:00+00:00"]}
    assert age_notes(data, facts)[0] == note
    assert "until 2026-04-30, 60 days before the newest" in age_notes(data, facts)[1]
    assert age_notes(shop("all", days=285), {"gap_days": 0.0, "calibration_window": []}) == []


def test_an_error_says_how_many_months_a_delay_needs() -> None:
    with refused(SplitError):
        split_of(shop("all", days=60))
    with refused(SplitError):
        split_of(shop("all"), **{"split.gap_days": 170.0})


def test_a_record_counts_as_legitimate_earlier_only_to_train_and_only_if_there_is_no_time() -> None:
    settings: dict[str, Any] = {"labels.legitimate_after": "90d"}
    data = shop("frauds", **settings)
    assert data.assumed_after is not None
    assert data.assumed_after / DAY == pytest.approx(60, abs=0.1)
    (note,) = [note for note in data.notes if "legitimate_after" in note]
    assert "needs about 9 months of records" in note
    for kept in (shop("frauds", to_train=False, **settings), shop("frauds", days=285, **settings)):
        assert kept.assumed_after == 90 * DAY
        assert not any("legitimate_after" in note for note in kept.notes)
