"""The simulated labels: late, incomplete and sometimes wrong, as declared."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from fraudsieve.training.simulation.text import CRIMES
from fraudsieve.training.simulation.world import World, simulate
from tests.training.simulation.worlds import WELL_LABELLED, labelled_messages


def test_labels_follow_messages_by_the_delay(labelled: pd.DataFrame) -> None:
    delay = (labelled["labelled_at"] - labelled["sent_at"]).dt.total_seconds()
    assert delay.min() > 0
    assert delay.mean() / 86_400 == pytest.approx(5.0, rel=0.05)


def test_labels_of_fraud_accounts_follow_their_first_fraud(well_labelled: World, labelled: pd.DataFrame) -> None:
    first = labelled[labelled["label"] != "legitimate"].groupby("account_id")["sent_at"].min()
    labelled = well_labelled.labels.set_index("subject_id").loc[first.index]
    assert len(first) > 50
    assert (labelled["labelled_at"] > first).all()
    assert (labelled["label"] != "legitimate").all()


def test_accounts_have_labels_too(well_labelled: World) -> None:
    labels = well_labelled.labels.set_index("subject_id")["label"].loc[well_labelled.accounts["account_id"]]
    assert set(labels) == {*CRIMES, "legitimate"}
    assert 0.03 < (labels != "legitimate").mean() < 0.15


@pytest.mark.parametrize("share", [0.0, 0.15, 0.5])
def test_share_of_missing_labels(share: float) -> None:
    small = simulate(days=30, n_accounts=200, missing_labels=share)
    subjects = len(small.messages) + len(small.accounts)
    assert subjects - small.labels["subject_id"].nunique() == round(share * subjects)


@pytest.mark.slow
def test_share_of_wrong_labels(well_labelled: World) -> None:
    doubtful = simulate(missing_labels=0.0, wrong_labels=0.1)
    for name in ("messages", "accounts", "events"):
        assert_frame_equal(getattr(doubtful, name), getattr(well_labelled, name))
    truth = well_labelled.labels.set_index("subject_id")["label"]
    first = doubtful.labels.drop_duplicates("subject_id").set_index("subject_id")["label"]
    wrong = first != truth.loc[first.index]
    assert wrong.sum() == round(0.1 * len(first))


def test_reversals_come_later_and_are_right(world: World, well_labelled: World) -> None:
    rows = world.labels[world.labels["subject_id"].duplicated(keep=False)]
    truth = well_labelled.labels.set_index("subject_id")["label"]
    assert rows["subject_id"].nunique() == 33
    for subject, pair in rows.groupby("subject_id"):
        assert pair["labelled_at"].is_monotonic_increasing
        assert pair["label"].iloc[0] != truth[subject]
        assert pair["label"].iloc[1] == truth[subject]


def test_labels_without_delay() -> None:
    world = simulate(days=7, n_accounts=100, label_delay_days=0.0, **WELL_LABELLED)
    labelled = labelled_messages(world)
    assert (labelled["labelled_at"] - labelled["sent_at"] == pd.Timedelta(seconds=1)).all()
