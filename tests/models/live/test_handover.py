"""Handover of a live state to another model, and incomplete folders."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.features import History
from fraudsieve.models import Scorer
from fraudsieve.models.live.state import LiveState
from tests.models.live.samples import NIGHTS, RECEIVED, event


def with_views(scorer: Scorer, **views: Any) -> Scorer:
    matrix: Any = scorer.model.matrix
    return Scorer(replace(scorer.model, matrix=replace(matrix, **views)))


def test_another_model_continues_or_is_rejected(account_scorer: Scorer, tmp_path: Path) -> None:
    daily = History(("1d",), measures=("count",), identifiers=("device_id",))
    cards = History(("1d",), measures=("count", "distinct"), identifiers=("card_id",), name="cards")
    other = with_views(account_scorer, histories=(daily,), network=None)
    wider = with_views(account_scorer, histories=(NIGHTS, RECEIVED, cards))
    less = with_views(account_scorer, histories=(RECEIVED, NIGHTS), network=None)
    sent = [event(event_id=number, counterparty_id="bob") for number in range(4)]
    record = {"account_id": "bob", "counterparty_id": "bob", "as_of": "2024-05-01T11:00:00Z"}
    with LiveState(account_scorer, tmp_path / "a") as live:
        live.update(sent, account_labels={"account_id": "bob", "labelled_at": "2024-05-01", "is_fraud": True})
        features = live.state.features(record)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    # Without a checkpoint the log is complete, but it has no cards.
    with pytest.raises(StateError, match=r"was written for a model with other history features.*the last 7d again"):
        LiveState(wider, tmp_path / "a")
    with LiveState(other, tmp_path / "a") as live:
        assert live.state.features({**record, "account_id": "ann"}).tolist() == [[4.0]]
    with pytest.raises(StateError, match="was written for a model with other history features"):
        LiveState(account_scorer, tmp_path / "a")  # the folder belongs to the other model now
    with LiveState(other, tmp_path / "a") as live:
        live.update([*sent, event(event_id="e9")])
        assert live.state.features({**record, "account_id": "ann"}).tolist() == [[5.0]]
    with LiveState(account_scorer, tmp_path / "b") as live:
        live.checkpoint()
    with pytest.raises(StateError, match="was written for a model with other history features"):
        LiveState(other, tmp_path / "b")
    with pytest.raises(StateError, match="or for a smaller lateness"):
        LiveState(account_scorer, tmp_path / "b", lateness="2d")
    with LiveState(less, tmp_path / "b", lateness="1h") as live:
        n = len(NIGHTS.columns), len(RECEIVED.columns)
        expected = np.concatenate([features[0, n[0] : sum(n)], features[0, : n[0]]])
        np.testing.assert_array_equal(live.state.features(record)[0], expected)
        assert live.size.events == 8
    with LiveState(less, tmp_path / "b", lateness="1h") as live:
        np.testing.assert_array_equal(live.state.features(record)[0], expected)
        assert live.state.lateness == "1h"


def test_an_incomplete_folder_is_rejected(message_scorer: Scorer, tmp_path: Path) -> None:
    for name in "abc":
        with LiveState(message_scorer, tmp_path / name) as live:
            live.update(event())
            if name == "b":
                live.checkpoint()
    shutil.rmtree(tmp_path / "a" / "snapshot-0000000001")
    with pytest.raises(StateError, match="the snapshot that the log continues is missing"):
        LiveState(message_scorer, tmp_path / "a")
    (tmp_path / "b" / "0000000002.log").unlink()
    with pytest.raises(StateError, match="the part of the log that follows the snapshot is missing"):
        LiveState(message_scorer, tmp_path / "b")
    manifest = tmp_path / "c" / "snapshot-0000000001" / "state.json"
    manifest.write_text(manifest.read_text().replace('"1d"', '"2d"'))
    for _ in range(2):  # a failed opening releases the folder
        with pytest.raises(StateError, match=r"state.json: the SHA-256 differs from the saved one.* Restore"):
            LiveState(message_scorer, tmp_path / "c")
