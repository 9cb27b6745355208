"""Files and functions of the library that one record passes through: ``python -m benchmarks.road [--names]``.

Counted by `sys.setprofile`, after warming up: an event with a history sent to ``/v1/score``, the same with
``record=true``, and ``predict`` of a table of messages. Files are the gate: a function more is no fault.
"""

import argparse
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from benchmarks.runner import Bar, Report, progress, run_command
from fraudsieve import AccountFeatures, FraudClassifier, MessageFeatures, Scorer, save_pipeline, score_file
from fraudsieve.service.bodies import ScoreRequest
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.loaded_model import LoadedModel
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.recording import Recording
from fraudsieve.service.settings import Settings

__all__ = ["main", "run"]

BARS: Final = {"record": 40, "score": 35, "predict": 35}
"""Files at most."""
BEFORE: Final = {"record": 70, "score": 62, "predict": 49}
"""Files at de8cbb83."""
ONE_ID: Final = 6
"""Times that one id may be read on a road."""
READERS: Final = ("read_id", "loads", "dumps")
PROTOCOL: Final = (
    "Files, functions and calls of the library while one record is scored; ids read, JSON decoded (loads) and encoded "
    "(dumps); one_id is how often the same id is read at most. before: de8cbb83."
)
N: Final = 200


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    arguments: dict[str, dict[str, Any]] = {"--names": {"action": "store_true", "help": "print the files"}}
    return run_command("road", _run, __doc__, argv, arguments=arguments)


def _run(options: argparse.Namespace) -> Report:
    return run(names=options.names)


def run(*, names: bool = False) -> Report:
    """Count what each road passes through."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for road, call in _roads(Path(folder)).items():
            for _ in range(30):
                call()
            files, functions, calls, ids = _trace(call)
            figures |= {f"{road}.files": len(files), f"{road}.functions": len(functions)}
            figures[f"{road}.one_id"] = max(ids.values(), default=0)
            figures |= {f"{road}.calls": files.total()} | {f"{road}.{name}": calls[name] for name in READERS}
            if names:
                for file, count in sorted(files.items()):
                    progress(f"{road}: {count} calls in {file}")
    bars = [Bar.at_most(f"{road}.files", figures[f"{road}.files"], most) for road, most in BARS.items()]
    bars += [Bar.at_most(f"{road}.one_id", figures[f"{road}.one_id"], ONE_ID) for road in ("record", "score")]
    before = {f"{road}.files": float(files) for road, files in BEFORE.items()}
    return Report("road", "made", PROTOCOL, 1, figures, {"before": before}, bars)


def _roads(folder: Path) -> dict[str, Callable[[], object]]:
    scorer = Scorer.load(_event_model(folder / "events"))
    made = Settings(state=str(folder / "live.db"), score_log="scores", is_open=True, address="road")
    handler = RequestHandler(LoadedModel(scorer), made, Metrics())
    recording = Recording(handler, ThreadPoolExecutor(2))
    handler.warm_up()
    messages = Scorer.load(_message_model(folder / "messages"))
    table = pd.DataFrame({"message_id": [f"m{i}" for i in range(30)], "text": [f"see you at {i}" for i in range(30)]})
    table.to_parquet(folder / "messages.parquet")
    numbers = iter(range(10_000))
    return {
        "record": lambda: recording.add([_request(next(numbers))]),
        "score": lambda: handler.score([_request(next(numbers))]),
        "predict": lambda: score_file(messages, folder / "messages.parquet", folder / "scores.parquet"),
    }


def _request(number: int) -> ScoreRequest:
    event = {"event_id": f"e{number}", "account_id": f"a{number % 7}", "counterparty_id": f"c{number % 5}"}
    event |= {"occurred_at": f"2026-05-01T10:{number % 60:02}:00Z", "amount": 12.5, "kind": "pay"}  # type: ignore[dict-item]
    return ScoreRequest(json.dumps(event).encode(), reasons=False, id=f"r{number}")


def _event_model(folder: Path) -> Path:
    numbers = np.arange(N)
    events = pd.DataFrame(
        {
            "event_id": numbers.astype(str),
            "account_id": [f"a{number % 7}" for number in numbers],
            "counterparty_id": [f"c{number % 5}" for number in numbers],
            "occurred_at": pd.Timestamp("2026-04-01", tz="UTC") + pd.to_timedelta(numbers, unit="h"),
            "amount": numbers % 9 + 1.0,
            "kind": "pay",
        }
    )
    return _saved(AccountFeatures(events, subject="event", network=False), events, numbers, folder)


def _message_model(folder: Path) -> Path:
    numbers = np.arange(N)
    texts = [f"pay {number} now at shop{number}" if number % 3 == 0 else f"see you at {number}" for number in numbers]
    return _saved(MessageFeatures(n_folds=2), pd.DataFrame({"text": texts}), numbers, folder)


def _saved(features: Any, rows: pd.DataFrame, numbers: Any, folder: Path) -> Path:
    classifier = FraudClassifier(n_rounds=5, n_jobs=1)
    pipeline = make_pipeline(features, classifier).fit(rows, np.where(numbers % 3 == 0, "fraud", "legitimate"))
    save_pipeline(pipeline, folder)
    return folder


def _trace(call: Callable[[], object]) -> tuple[Counter[str], set[str], Counter[str], Counter[str]]:
    """Return calls by file of the library, its functions, the calls of readers, and the reads of each id."""
    files, functions, readers, ids = Counter[str](), set[str](), Counter[str](), Counter[str]()

    def profile(frame: Any, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call":
            place = code.co_filename.rpartition("fraudsieve/")[2]
            if "/fraudsieve/" in code.co_filename and "benchmarks" not in place:
                files[place] += 1
                functions.add(f"{place}:{code.co_qualname}")
            if code.co_name in READERS:
                readers[code.co_name] += 1
            if code.co_name == "read_id" and frame.f_locals["value"] is not None:
                ids[frame.f_locals["field"]] += 1

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return files, functions, readers, ids


if __name__ == "__main__":
    sys.exit(main())
