"""Saved live states: the same features after a load, and errors for damaged files."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.network.declaration import Network
from tests.messages import refused

from .live_records import (
    VIEWS,
    at,
    stream,
)
from .test_live_state import nbytes_of


def test_a_saved_state_computes_the_same_features(tmp_path: Path) -> None:
    state = HistoryState(VIEWS, lateness="2d")
    events = stream(400, days=3)
    state.update(events[:300], [{"counterparty_id": "c1", "labelled_at": at(10), "is_fraud": True}])
    state.save(tmp_path / "state")
    state.save(tmp_path / "state")
    loaded = HistoryState.load(tmp_path / "state")
    assert (loaded.n_events, loaded.n_entities, loaded.watermark) == (state.n_events, state.n_entities, state.watermark)
    subjects = [{"account_id": f"account-{i}", "counterparty_id": f"c{i}", "as_of": at(3 * 1440)} for i in range(5)]
    for one in (state, loaded):
        one.update(events[300:])
        assert one.nbytes == nbytes_of(one)
    np.testing.assert_array_equal(loaded.features(subjects), state.features(subjects))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    assert b"account-1" not in (tmp_path / "state").read_bytes()


def test_a_network_is_saved_with_the_views(tmp_path: Path) -> None:
    network = Network(prior=(0.5, 2.0))
    state = HistoryState(VIEWS[2], network=network)
    events = [
        {"account_id": one, "counterparty_id": "shop", "occurred_at": at(0), "kind": "pay"} for one in ("ann", "bob")
    ]
    labels = [{"account_id": "bob", "labelled_at": at(10), "is_fraud": True}, {"labelled_at": at(10), "is_fraud": True}]
    refused = state.update(events, account_labels=labels)
    assert refused == ((1, "account_id: expected a string or a whole number, the field is missing"),)
    state.save(tmp_path / "state")
    for one in (state, HistoryState.load(tmp_path / "state")):
        assert one.columns == VIEWS[2].columns + network.columns
        for minute, frauds in ((10, 0), (11, 1)):
            row = dict(
                zip(one.columns, one.features({"account_id": "ann", "as_of": at(minute)})[0].tolist(), strict=True)
            )
            assert (row["network__sharing"], row["network__sharing_frauds"]) == (1, frauds)


def test_an_empty_state_can_be_saved(tmp_path: Path) -> None:
    HistoryState(VIEWS).save(tmp_path / "new" / "state")
    loaded = HistoryState.load(tmp_path / "new" / "state")
    assert loaded.n_events == 0
    assert loaded.update(stream(3)) == ()


def saved(folder: Path) -> Path:
    state = HistoryState(VIEWS[0])
    state.update(stream(20))
    state.save(folder / "state")
    return folder / "state"


@pytest.mark.parametrize("place", [0, 100, 2000, -1])
def test_a_changed_byte_is_an_error(tmp_path: Path, place: int) -> None:
    path = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(bytes(content))
    with refused(StateError):
        HistoryState.load(path)


@pytest.mark.parametrize("n_bytes", [0, 20, 3000])
def test_a_file_that_was_cut_is_an_error(tmp_path: Path, n_bytes: int) -> None:
    path = saved(tmp_path)
    os.truncate(path, n_bytes)
    with pytest.raises(StateError, match="SHA-256 differs"):
        HistoryState.load(path)


def test_other_files_are_errors(tmp_path: Path) -> None:
    with refused(StateError):
        HistoryState.load(tmp_path / "none")
    content = saved(tmp_path).read_bytes()[:-32]
    changes = {
        content.replace(b'"format": 5', b'"format": 9'): "expected a state of format 5, got 9",
        content.replace(b'"lateness"', b'"latenesz"'): r"the state in it is not consistent \(KeyError\)",
        content.replace(b"PK", b"ZK"): r"the state in it is not consistent \(ValueError\)",
    }
    for changed, problem in changes.items():
        assert changed != content
        (tmp_path / "state").write_bytes(changed + hashlib.sha256(changed).digest())
        with pytest.raises(StateError, match=problem):
            HistoryState.load(tmp_path / "state")


def test_a_failed_save_keeps_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = HistoryState.load(saved(tmp_path))
    n_events = state.n_events
    state.update(stream(30, seed=1, days=90))
    real = np.savez

    def fails(stream: Any, **arrays: Any) -> None:
        real(stream, **arrays)
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fails)
    with pytest.raises(OSError, match="disk full"):
        state.save(tmp_path / "state")
    assert HistoryState.load(tmp_path / "state").n_events == n_events
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
