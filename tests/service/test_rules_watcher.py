"""The rules file in a running service: changes are read, broken files change nothing."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.models import Scorer
from fraudsieve.models.rules import read_rules
from fraudsieve.service import watchers as rules_file
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.loaded_model import LoadedModel
from fraudsieve.service.watchers import RulesWatcher
from tests.service.handling import handler_of

RULE = """
[[rule]]
id = "mules"
field = "account_id"
file = "mules.txt"
action = "flag"
reason = "case 17"
"""


def replace(path: Path, content: str) -> None:
    """Write a file as editors do, into a new place."""
    path.with_suffix(".new").write_text(content)
    os.replace(path.with_suffix(".new"), path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    replace(tmp_path / "mules.txt", "zebedee\n")
    replace(tmp_path / "rules.toml", RULE)
    return tmp_path / "rules.toml"


@pytest.fixture
def handler(scorer: Scorer, path: Path) -> RequestHandler:
    return handler_of(Scorer(scorer.model, rules=read_rules(path)))


def decides(handler: RequestHandler, account: str) -> bool:
    score = handler.loaded.scorer.score({"text": "see you at six", "account_id": account})
    return score["rule"] is not None


def test_changed_files_replace_the_rules(handler: RequestHandler, path: Path) -> None:
    watcher = RulesWatcher(path, handler)
    assert [watcher.check(), watcher.check()] == ["same", "same"]
    replace(path.with_name("mules.txt"), "bob\n")
    assert [watcher.check(), watcher.check()] == ["loaded", "same"]
    assert (decides(handler, "zebedee"), decides(handler, "bob")) == (False, True)
    replace(path, RULE.replace("flag", "pass"))
    assert watcher.check() == "loaded"
    score: Any = handler.loaded.scorer.score({"text": "x", "account_id": "bob"})
    assert score["rule"]["action"] == "pass"
    assert b'fraudsieve_rule_loads_total{outcome="loaded"} 2.0' in handler.metrics.render()


def test_broken_files_leave_the_rules_and_are_read_again_once_they_are_mended(
    handler: RequestHandler, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = RulesWatcher(path, handler)
    replace(path, RULE.replace("action", "axtion"))
    assert [watcher.check() for _ in range(3)] == ["refused"] * 3
    path.with_name("mules.txt").unlink()
    replace(path, RULE)
    assert watcher.check() == "refused"
    assert decides(handler, "zebedee")
    assert b"fraudsieve_rules_refused 1.0" in handler.metrics.render()
    assert len(caplog.records) == 2  # once for each problem
    assert "zebedee" not in str([vars(record) for record in caplog.records])
    replace(path.with_name("mules.txt"), "cid\n")
    assert [watcher.check(), watcher.check()] == ["loaded", "same"]
    assert (decides(handler, "zebedee"), decides(handler, "cid")) == (False, True)
    assert b"fraudsieve_rules_refused 0.0" in handler.metrics.render()


def test_an_empty_file_or_one_that_never_ends_leaves_the_rules(handler: RequestHandler, path: Path) -> None:
    watcher = RulesWatcher(path, handler)
    replace(path, "")  # cut while it is written
    assert watcher.check() == "refused"
    replace(path, RULE)
    replace(path.with_name("mules.txt"), "")
    assert watcher.check() == "refused"
    path.unlink()
    os.mkfifo(path)
    assert watcher.check() == "refused"
    assert decides(handler, "zebedee")
    assert b'fraudsieve_rule_loads_total{outcome="refused"} 3.0' in handler.metrics.render()
    assert b"fraudsieve_rules_refused 1.0" in handler.metrics.render()
    replace(path, "rule = []")
    assert watcher.check() == "loaded"
    assert not decides(handler, "zebedee")


def test_a_file_that_comes_back_is_used_again(handler: RequestHandler, path: Path) -> None:
    watcher = RulesWatcher(path, handler)
    assert watcher.check() == "same"
    path.rename(path.with_name("away"))
    assert watcher.check() == "refused"
    path.with_name("away").rename(path)
    assert watcher.check() == "same"
    assert b"fraudsieve_rules_refused 0.0" in handler.metrics.render()


def test_an_unchanged_file_is_not_read_again(
    handler: RequestHandler, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, read = RulesWatcher(path, handler), list[Path]()
    original: Callable[[Path], object] = read_rules

    def count(path: Path) -> object:
        read.append(path)
        return original(path)

    monkeypatch.setattr(rules_file, "read_rules", count)
    for _ in range(3):
        watcher.check()
    assert len(read) == 1  # of what was loaded at the start, it does not know when it was written


def test_another_model_keeps_the_rules(handler: RequestHandler, scorer: Scorer) -> None:
    handler.replace_model(LoadedModel(Scorer(scorer.model), "2"))
    assert handler.loaded.version == "2"
    assert decides(handler, "zebedee")
