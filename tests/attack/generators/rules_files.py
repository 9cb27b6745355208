"""Rules files that change while a service runs: any bytes, any TOML, lists and things that are not files."""

import os
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fraudsieve.models.predict import Scorer
from fraudsieve.models.rules.files import read_rules
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.loaded_model import LoadedModel
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings
from fraudsieve.service.watchers import RulesWatcher
from tests.attack.changes import change_bytes, odd_value
from tests.attack.outcomes import ACCEPTED, OTHER, REFUSED, SECRET, Attempt, Outcome, judge
from tests.live.small_models import message_scorer

from .recipes import toml_value

HANGS = 10.0
"""Seconds after which a check hangs: nothing in these files takes so long."""
START = '[[rule]]\nid = "start"\nfield = "account_id"\nvalues = ["start"]\naction = "flag"\nreason = "start"\n'
VALUES: tuple[Any, ...] = (
    *(SECRET, "", " ", "bob", "a.example", "+4915112345678", "http://x", 7, 2**70, True, None, [], "\x00"),
)
RECORDS: list[dict[str, Any]] = [
    {"text": "see http://pay.a.example/1 or call +4915112345678", "account_id": SECRET},
    {"text": "see you", "account_id": "bob"},
    {"text": "", "account_id": None},
]


def prepare(folder: Path) -> Attempt:
    """Return a function that replaces a rules file of a handler of requests, and checks it."""
    return partial(_attempt, folder / "rules", message_scorer())


def _attempt(folder: Path, scorer: Scorer, rng: np.random.Generator) -> Outcome:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "rules.toml"
    path.write_text(START)
    rules = read_rules(path)
    handler = RequestHandler(LoadedModel(Scorer(scorer.model, rules=rules)), Settings(), Metrics())
    watcher = RulesWatcher(path, handler)
    content = _content(rng)
    path.write_bytes(content)
    _write_list(folder / "list.txt", rng)
    if rng.random() < 0.05:
        _replace_by_other(path, rng)
    said: list[Outcome] = []
    check = threading.Thread(target=lambda: said.append(_checked(watcher, handler, rules)), daemon=True)
    check.start()
    check.join(HANGS)
    if check.is_alive():
        for fifo in filter(Path.is_fifo, folder.iterdir()):
            os.close(os.open(fifo, os.O_RDWR))
        return Outcome(OTHER, "the check of the rules hangs")
    return said[0]


def _checked(watcher: RulesWatcher, handler: RequestHandler, before: Any) -> Outcome:
    """Check the file: rules that are refused leave those in use, and others decide equally by all paths."""
    outcomes: list[str] = []

    def use() -> bool:
        outcomes.append(watcher.check())
        in_use = handler.loaded.scorer.rules
        assert in_use is not None
        if outcomes[0] == "refused":
            return in_use is before and SECRET not in str(watcher.problem)
        together = in_use.match_records(RECORDS).tolist()
        alone = [in_use.match_records([record]).tolist()[0] for record in RECORDS]
        again = read_rules(watcher.path)
        is_blank = not watcher.path.read_bytes().strip(b" \n\xef\xbb\xbf")  # an editor that writes in two steps
        return not is_blank and together == alone and again.match_records(RECORDS).tolist() == together

    outcome = judge(use)
    return Outcome(REFUSED) if outcome.kind == ACCEPTED and outcomes == ["refused"] else outcome


def _content(rng: np.random.Generator) -> bytes:
    rules = "".join(_rule(number, rng) for number in range(int(rng.integers(1, 4))))
    content = rules.encode("utf-8", "surrogatepass")
    way = rng.random()
    if way < 0.3:
        content = change_bytes(content, rng, likely=b'[]="\n.,{}0#')
    elif way < 0.35:
        content = (b"", b"\xef\xbb\xbf", b"\n \n", b"# none\n", b"x = " + b"[" * 5000)[int(rng.integers(5))]
    return content


def _rule(number: int, rng: np.random.Generator) -> str:
    fields = ("account_id", "host", "telephone", "text", "acount_id")
    entry: dict[str, Any] = {
        "id": f"r{number if rng.random() < 0.95 else 0}",
        "field": fields[int(rng.integers(len(fields))) if rng.random() < 0.4 else 0],
        "action": "flag" if rng.random() < 0.5 else "pass",
        "reason": "case 17",
    }
    if rng.random() < 0.3:
        entry["file"] = ("list.txt", "none.txt", "../rules", ".", "", "\x00")[
            int(rng.integers(6)) if rng.random() < 0.3 else 0
        ]
    else:
        plain = ["bob", "a.example", SECRET] if rng.random() < 0.6 else [VALUES[int(rng.integers(len(VALUES)))]]
        entry["values"] = plain if entry["field"] == "account_id" else plain[1:2] or plain
    if rng.random() < 0.1:
        keys = (*entry, "until", "other")
        entry[keys[int(rng.integers(len(keys)))]] = odd_value(rng)
    lines = (f"{name} = {toml_value(value)}\n" for name, value in entry.items() if value is not None)
    return "[[rule]]\n" + "".join(lines)


def _write_list(path: Path, rng: np.random.Generator) -> None:
    content = f"# list\nbob\n{SECRET}\na.example\n".encode()
    path.write_bytes(change_bytes(content, rng) if rng.random() < 0.4 else content)
    if rng.random() < 0.05:
        _replace_by_other(path, rng)


def _replace_by_other(path: Path, rng: np.random.Generator) -> None:
    """Replace a file by a folder, a pipe, a link to itself, or nothing."""
    path.unlink()
    way = int(rng.integers(4))
    if way == 0:
        path.mkdir()
    elif way == 1:
        os.mkfifo(path)
    elif way == 2:
        path.symlink_to(path)
