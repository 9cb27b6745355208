"""What the sheet is told of rows."""

import numpy as np
import pandas as pd

from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.messages import MessageFeatures
from fraudsieve.training.evaluation.context import sheet_context, with_history
from fraudsieve.training.simulation.world import World

EVENTS = pd.DataFrame(
    {
        "account_id": ["ann", "bob"],
        "occurred_at": pd.to_datetime(["2026-05-01T10:00", "2026-05-03T10:00"], utc=True),
        "kind": "payment",
    }
)
ROWS = pd.DataFrame(
    {
        "account_id": ["ann", "ann", "bob", "eve"],
        "as_of": pd.to_datetime(
            ["2026-05-02T00:00", "2026-05-01T10:00", "2026-05-02T00:00", "2026-05-09T00:00"], utc=True
        ),
        "amount": [1.0, np.nan, 3.0, 4.0],
    }
)


def fitted() -> AccountFeatures:
    return AccountFeatures(EVENTS, subject="account").fit(ROWS[["account_id", "as_of"]])


def test_moments_accounts_and_amounts() -> None:
    found = sheet_context(ROWS)
    assert found["moments"] is not None
    assert found["moments"].astype("M8[h]").astype(str).tolist()[:2] == ["2026-05-02T00", "2026-05-01T10"]
    assert found["accounts"] is not None
    assert found["accounts"].tolist() == [0, 0, 1, 2]
    np.testing.assert_array_equal(found["amounts"], [1.0, np.nan, 3.0, 4.0])
    assert found["known"] is None


def test_what_is_not_there_is_none() -> None:
    rows = ROWS.assign(as_of=pd.to_datetime(["NaT"] * 4, utc=True), amount=["much"] * 4)
    rows.loc[0, "account_id"] = None
    assert sheet_context(rows) == {"moments": None, "accounts": None, "amounts": None, "known": None}
    assert set(sheet_context(pd.DataFrame({"text": ["a"]})).values()) == {None}


def test_a_history_is_strictly_before() -> None:
    known = with_history(ROWS, fitted())
    assert known is not None
    assert known.tolist() == [True, False, False, False]


def test_messages_have_a_history_where_the_model_looks_at_senders(
    labelled_messages: pd.DataFrame, small_world: World
) -> None:
    some = labelled_messages.head(200).assign(as_of=labelled_messages["sent_at"].head(200))
    alone = MessageFeatures(n_folds=2, n_jobs=1).fit(some, some["label"].to_numpy(object))
    assert with_history(some, alone) is None
    alone.events = small_world.events  # events are there, and the model does not look at them
    assert with_history(some, alone) is None
    both = MessageFeatures(n_folds=2, n_jobs=1, events=small_world.events)
    both.fit(some, some["label"].to_numpy(object))
    known = with_history(some, both)
    assert known is not None
    first = small_world.events.groupby("account_id")["occurred_at"].min()
    assert known.tolist() == (some["account_id"].map(first) < some["sent_at"]).tolist()
    assert 0 < known.sum() < len(known)
