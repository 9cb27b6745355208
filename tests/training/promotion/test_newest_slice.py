"""The newest slice, and what was known before it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve.exceptions import SchemaError
from fraudsieve.training.data.groups import trained_until
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.promotion.same_records import NewestSlice, newest_slice
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import refused

DAYS = pd.Series(pd.date_range("2026-01-01", periods=1000, tz="UTC"))


def labelled(every: int = 5, delay_days: float = 0.0, **changes: Any) -> LabelledData:
    """Return a record a day, one of so many fraud, with labels that arrive after a delay."""
    label = np.where(np.arange(len(DAYS)) % every == every - 1, "fraud", "legitimate")
    labelled_at = DAYS + pd.Timedelta(days=delay_days)
    rows = pd.DataFrame({"as_of": DAYS, "labelled_at": labelled_at, "label": label})
    rows["labelled_at"] = rows["labelled_at"].mask(np.full(len(DAYS), delay_days == 0))
    return LabelledData(rows.assign(**changes), pd.DataFrame(), pd.DataFrame(), 0, (), {})


def learned(day: int) -> Any:
    return SimpleNamespace(training={"window": [DAYS[0].isoformat(), DAYS[day].isoformat()]})


def choose(data: LabelledData, champion: int, challenger: int, *, n_frauds: int = 20, **overrides: Any) -> NewestSlice:
    """Choose the slice for models that have learned until a day."""
    is_fraud = (data.rows["label"] == "fraud").to_numpy()
    ends = [trained_until(learned(day)) for day in (champion, challenger)]
    recipe = Recipe.read(overrides={f"split.{name}": value for name, value in overrides.items()})
    return newest_slice(data, ends, recipe, is_fraud, n_frauds)


def positions(newest: NewestSlice) -> list[int]:
    return np.flatnonzero(newest.rows.rows).tolist()


def test_it_is_the_latest_records_with_so_many_frauds() -> None:
    newest = choose(labelled(), 850, 999)
    assert positions(newest) == list(range(904, 1000))  # 20 frauds: days 904, 909, ..., 999
    assert newest.start == DAYS[904]
    assert newest.rows.left_out == {"before the newest slice": 904, "not mature": 0, "without a time": 0}


def test_half_of_the_news_is_left_to_learn_from() -> None:
    assert positions(choose(labelled(), 749, 999))[0] == 879  # 25 of 50 frauds
    assert positions(choose(labelled(), 950, 999))[0] == 904  # at least 20, though the champion knows half of them


def test_it_leaves_a_share_to_train_on() -> None:
    assert positions(choose(labelled(every=50), 400, 999))[0] == 800
    assert positions(choose(labelled(every=50), 400, 999, test_share=0.3))[0] == 700
    assert positions(choose(labelled(), 400, 999, n_frauds=1000))[0] == 800


def test_records_that_no_model_has_learned_from_are_all_used() -> None:
    assert positions(choose(labelled(), 400, 600))[0] == 601
    assert positions(choose(labelled(), 400, 899))[0] == 900  # just 20 frauds
    assert positions(choose(labelled(), 850, 920))[0] == 904  # too few of them
    assert positions(choose(labelled(every=50), 400, 700))[0] == 701  # too few, but more than the share


def test_records_that_are_not_mature_are_not_in_it() -> None:
    newest = choose(labelled(delay_days=10.0), 400, 999)
    # The last label arrives ten days after the last record.
    assert positions(newest)[-1] == 999
    waiting = labelled(delay_days=10.0)
    rows = waiting.rows[waiting.rows["labelled_at"] <= DAYS[999]]
    known = LabelledData(rows, pd.DataFrame(), pd.DataFrame(), 10, (), {}, waiting=DAYS.iloc[990:])
    assert positions(choose(known, 400, 989))[-1] == 989
    assert positions(choose(known, 400, 989, gap_days=20.0))[-1] == 979
    with refused(SchemaError):
        choose(labelled(), 400, 999, gap_days=2000.0)


def test_records_without_a_time_are_not_in_it() -> None:
    newest = choose(labelled(as_of=DAYS.mask(DAYS.index < 100)), 400, 999)
    assert newest.rows.left_out["without a time"] == 100
