"""The network of labelled accounts: out of fold only if the label of the account was known."""

import numpy as np
import pandas as pd

from fraudsieve.features.network.batch import network_features
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.leave_fold_out import network_out_of_fold

DAY = pd.Timestamp("2026-05-01")
CARDS = Network("", ("card_id",))


def test_labels_of_a_fold_are_hidden_only_from_that_fold() -> None:
    ids = np.array([f"a{i}" for i in range(10)], object)
    events = pd.DataFrame({"account_id": ids, "card_id": "c", "occurred_at": DAY})
    labels = pd.DataFrame({"account_id": ids[:6], "labelled_at": DAY + pd.Timedelta("1D"), "is_fraud": True})
    subjects = {"account_id": ids, "as_of": np.full(10, np.datetime64("2026-05-03", "us"))}
    known = network_out_of_fold(events, subjects, CARDS, labels, n_folds=3)[
        :, CARDS.columns.index("network__sharing_known_card_id")
    ]
    assert known.tolist() == [4.0] * 6 + [6.0] * 4


def test_a_label_at_the_cutoff_time_is_not_known() -> None:
    ids = np.array(["ann", "bob"], object)
    events = pd.DataFrame({"account_id": ids, "card_id": "c", "occurred_at": DAY})
    labels = pd.DataFrame({"account_id": ids, "labelled_at": DAY + pd.Timedelta("1D"), "is_fraud": [True, False]})
    subjects = {"account_id": ids, "as_of": np.full(2, np.datetime64("2026-05-02", "us"))}
    found = network_out_of_fold(events, subjects, CARDS, labels, n_folds=2)
    np.testing.assert_array_equal(found, network_features(events, subjects, CARDS, labels=labels))
