"""The network of labelled accounts: out of fold only if the label of the account was known."""

import numpy as np
import pandas as pd

from fraudsieve.features.accounts import network_out_of_fold
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.network.network_batch import network_features

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


def test_each_fold_equals_a_batch_without_its_labels() -> None:
    rng = np.random.default_rng(0)
    ids = np.array([f"a{number}" for number in rng.integers(0, 40, 300)], object)
    occurred_at = np.datetime64("2026-05-01", "us") + rng.integers(0, 9, 300).astype("m8[D]")
    cards = [f"c{number}" for number in rng.integers(0, 20, 300)]
    events = pd.DataFrame({"account_id": ids, "card_id": cards, "occurred_at": occurred_at})
    labels = pd.DataFrame({"account_id": [f"a{number}" for number in range(25)], "labelled_at": DAY})
    labels["is_fraud"] = rng.random(25) < 0.5
    subjects = {"account_id": np.array([f"a{number}" for number in range(40)], object)}
    subjects["as_of"] = np.full(40, np.datetime64("2026-05-08", "us"))
    found = network_out_of_fold(events, subjects, CARDS, labels, n_folds=3)
    folds = dict(zip(sorted(labels["account_id"]), np.random.default_rng(0).permutation(25) % 3, strict=True))
    np.testing.assert_array_equal(found[25:], network_features(events, subjects, CARDS, labels=labels)[25:])
    for account in range(25):
        row = {name: cells[account : account + 1] for name, cells in subjects.items()}
        own_fold = [other for other in range(25) if folds[f"a{other}"] == folds[f"a{account}"]]
        expected = network_features(events, row, CARDS, labels=labels.drop(index=own_fold))
        np.testing.assert_array_equal(found[account : account + 1], expected)


def test_all_labels_of_an_account_are_hidden_from_its_fold() -> None:
    """The last label comes after the cutoff time; the earlier ones still tell who was suspected."""
    ids = np.array([f"a{i}" for i in range(10)], object)
    events = pd.DataFrame({"account_id": ids, "card_id": "c", "occurred_at": DAY})
    first = pd.DataFrame({"account_id": ids[:6], "labelled_at": DAY + pd.Timedelta("1D"), "is_fraud": True})
    second = first.assign(labelled_at=DAY + pd.Timedelta("2D"), is_fraud=False)
    last = first.assign(labelled_at=DAY + pd.Timedelta("9D"))
    subjects = {"account_id": ids, "as_of": np.full(10, np.datetime64("2026-05-05", "us"))}
    names = ["network__sharing_known_card_id", "network__sharing_frauds_card_id"]
    columns = [CARDS.columns.index(name) for name in names]
    for labels, frauds in ((pd.concat([first, last]), [4.0] * 6 + [6.0] * 4), (pd.concat([first, second, last]), 0.0)):
        found = network_out_of_fold(events, subjects, CARDS, labels, n_folds=3)[:, columns]
        assert found[:, 0].tolist() == [4.0] * 6 + [6.0] * 4
        assert (found[:, 1] == frauds).all()
