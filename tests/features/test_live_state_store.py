"""Saved live states: the same features after a load, and errors for damaged folders."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.features.live_state import HistoryState
from fraudsieve.features.network.declaration import Network

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
    names = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert len(names) == 1 + len(VIEWS) + 1  # the manifest, the views and the ids
    assert not any(b"account-1" in path.read_bytes() for path in (tmp_path / "state").iterdir())


def test_a_network_is_saved_with_the_views(tmp_path: Path) -> None:
    network = Network(prior=(0.5, 2.0))
    state = HistoryState(VIEWS[2], network=network)
    events = [
        {"account_id": one, "counterparty_id": "shop", "occurred_at": at(0), "kind": "pay"} for one in ("ann", "bob")
    ]
    labels = [{"account_id": "bob", "labelled_at": at(10), "is_fraud": True}, {"labelled_at": at(10), "is_fraud": True}]
    refused = state.update(events, account_labels=labels)
    assert refused == ((1, "account_id: expected a string or a whole number, the field is missing"),)
    state.save(tmp_path)
    for one in (state, HistoryState.load(tmp_path)):
        assert one.columns == VIEWS[2].columns + network.columns
        for minute, frauds in ((10, 0), (11, 1)):
            row = dict(
                zip(one.columns, one.features({"account_id": "ann", "as_of": at(minute)})[0].tolist(), strict=True)
            )
            assert (row["network__sharing"], row["network__sharing_frauds"]) == (1, frauds)


def test_an_empty_state_can_be_saved(tmp_path: Path) -> None:
    HistoryState(VIEWS).save(tmp_path)
    loaded = HistoryState.load(tmp_path)
    assert loaded.n_events == 0
    assert loaded.update(stream(3)) == ()


def saved(folder: Path) -> Path:
    state = HistoryState(VIEWS[0])
    state.update(stream(20))
    state.save(folder)
    return folder


@pytest.mark.parametrize("place", [0, 100, -1])
@pytest.mark.parametrize("pattern", ["state.json", "part-*.npz"])
def test_a_changed_byte_is_an_error(tmp_path: Path, pattern: str, place: int) -> None:
    path = next(saved(tmp_path).glob(pattern))
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(bytes(content))
    with pytest.raises(StateError, match=path.name):
        HistoryState.load(tmp_path)


def test_other_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"state\.json: cannot be read \(FileNotFoundError\)"):
        HistoryState.load(tmp_path / "none")
    manifest = json.loads((saved(tmp_path) / "state.json").read_text())
    next(tmp_path.glob("part-*.npz")).unlink()
    with pytest.raises(StateError, match=r"\.npz: cannot be read"):
        HistoryState.load(tmp_path)
    (tmp_path / "state.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(StateError, match="expected format 3, got 99"):
        HistoryState.load(tmp_path)
    (tmp_path / "state.json").write_text("[]")
    with pytest.raises(StateError, match="is not the manifest of a state"):
        HistoryState.load(tmp_path)


def test_a_failed_save_keeps_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path)
    state = HistoryState.load(tmp_path)
    n_events = state.n_events
    state.update(stream(30, seed=1, days=90))
    real = np.savez

    def fails(stream: Any, **arrays: Any) -> None:
        real(stream, **arrays)
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fails)
    with pytest.raises(OSError, match="disk full"):
        state.save(tmp_path)
    assert HistoryState.load(tmp_path).n_events == n_events
