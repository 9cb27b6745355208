"""Scores of services with killed workers: each one that was answered is logged once, and equals that at its offset."""

from pathlib import Path

import pytest

from tests.attack.score_kills import kill_while_scores_are_logged

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="services need a POSIX system"),
]


def test_every_answered_score_is_logged_once(messages_folder: Path, address: str, tmp_path: Path) -> None:
    found = kill_while_scores_are_logged(messages_folder, address, tmp_path, n_kills=2, seed=1)
    assert (found.missing, found.repeated, found.differing, found.absent) == (0, 0, 0, 0)
    assert found.logged >= found.answered > 50
