"""Snapshots that fail at any step: the old one stays, nothing is lost, and the next one succeeds."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fraudsieve.exceptions import StateError
from fraudsieve.models import Scorer
from fraudsieve.models.live.state import LiveState
from tests.models.live.contents import content
from tests.models.live.samples import event

STEPS: dict[str, tuple[Any, str, type[Exception]]] = {
    "segment": (os, "open", OSError),
    "sync": (os, "fsync", OSError),
    "folder": (tempfile, "mkdtemp", OSError),
    "arrays": (np, "savez", MemoryError),
    "file": (os, "replace", OSError),
    "name": (Path, "rename", OSError),
    "old segments": (Path, "unlink", OSError),
}


def fail_at_call(real: Callable[..., Any], number: int, error: type[Exception]) -> Callable[..., Any]:
    """Return a function that fails once, at a call."""
    calls = 0

    def function(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise error(28, "No space left on device")
        return real(*arguments, **options)

    return function


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_snapshot_that_fails_once_does_not_end_snapshots(
    step: str, account_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, name, error = STEPS[step]
    real, n_failed = getattr(home, name), 0
    with LiveState(account_scorer, tmp_path) as live:
        for number in range(1, 8):
            assert live.update(event(event_id=number)) == ()
            with monkeypatch.context() as patch:
                patch.setattr(home, name, fail_at_call(real, number, error))
                try:
                    live.checkpoint()
                except (StateError, MemoryError):
                    n_failed += 1
            assert live.update(event(event_id=-number)) == ()
        live.checkpoint()
        assert live._log is not None
        assert live._log.is_empty
        before = content(live.state)
    assert n_failed > 0
    assert len(list(tmp_path.iterdir())) == 3  # the lock, a segment and a snapshot
    with LiveState(account_scorer, tmp_path) as live:
        assert content(live.state) == before


def test_snapshots_that_keep_failing_do_not_add_segments(
    account_scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with LiveState(account_scorer, tmp_path) as live:
        live.update(event())
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", fails)
            for _ in range(20):
                with pytest.raises(StateError, match="a snapshot cannot be written"):
                    live.checkpoint()
        assert len(list(tmp_path.iterdir())) == 4  # the lock, two segments and a snapshot
        before = content(live.state)
    with LiveState(account_scorer, tmp_path) as live:
        assert content(live.state) == before
        live.checkpoint()
    with LiveState(account_scorer, tmp_path) as live:
        assert content(live.state) == before


def test_what_was_cut_is_said(account_scorer: Scorer, tmp_path: Path) -> None:
    with LiveState(account_scorer, tmp_path) as live:
        live.update(event())
        live.update([event(event_id="e2"), event(event_id="e3")])
        assert live.cut is None
    path = tmp_path / "0000000001.log"
    path.write_bytes(path.read_bytes()[:-1])
    with LiveState(account_scorer, tmp_path) as live:
        assert live.cut is not None
        assert live.cut.n_records == 2
        assert live.cut.nbytes > 200
        assert live.state.n_events == 1
    with LiveState(account_scorer, tmp_path) as live:
        assert live.cut is None
