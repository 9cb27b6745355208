"""Speed of scoring in a service: one record in process and over HTTP, batches and the start, next to the peers."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from benchmarks.data.location import load_messages
from benchmarks.machine import one_core
from benchmarks.runner import Bar, Report, progress
from benchmarks.service.evidence import CLIENTS as EVIDENCE_CLIENTS
from benchmarks.service.evidence import measure_evidence
from benchmarks.service.http_load import Load, load
from benchmarks.service.http_servers import TOKEN, mlflow_server, our_server
from benchmarks.service.models import Live, train_on_messages, train_on_world
from benchmarks.service.score_log import CLIENTS as LOG_CLIENTS
from benchmarks.service.score_log import measure_score_log
from benchmarks.service.workers import CLIENTS as WORKER_CLIENTS
from benchmarks.service.workers import EVENTS_PER_SECOND, measure_workers
from benchmarks.speed.timing import medians_in_turn
from fraudsieve.features.account_matrix import message_matrix_of
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.flavor import save_model
from fraudsieve.models.predict import CHUNK, Scorer
from fraudsieve.training.simulation.world import World, simulate

__all__ = ["run"]

DATASET, EVIDENCE_DATASET = "fbs_sms", "uci_sms"  # the first has no legitimate messages, so that nothing is flagged
RECORDS, CLIENTS, SECONDS, TURNS, ROUNDS, STARTS = 3000, (1, 8, 32), 5.0, 3, 5, 5
WARM = 50
"""Records that are scored before timing starts."""
PARTS_BOUND, SKLEARN_BOUND, HTTP_BOUND, START_BOUND, WORKERS_BOUND = 1.2, 1 / 3, 10.0, 2.0, 1.2
EVIDENCE_BOUND, SCORE_LOG_BOUND = 0.15, 0.05
RECORD_BOUNDS = {"record.p50_ms": 1.0, "record.p99_ms": 5.0, "history.p50_ms": 2.0, "history.p99_ms": 8.0}
HIDDEN = ("mlflow", "sklearn", "pandas", "pyarrow", "joblib")
"""Packages that LightGBM imports if they are installed; a service does not install them."""
_START = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Hide())
from fraudsieve.models import Scorer
print(Scorer.load({folder!r}).score({record!r}, reasons=True)["label"], flush=True)
sys.stdin.readline()
"""
_PROTOCOL = (
    "record: a model of messages alone, trained on {dataset} by the defaults; {records:,} of its messages, one "
    "Scorer.score(record, reasons=True) each, one core. history: a model of messages with their senders' events and "
    "near-duplicates, on the simulated world; its last {records:,} messages in turn; before each, the live state "
    "receives everything before it; the score alone is timed. http: fraudsieve serve with a token, without reasons "
    "and (http_reasons) with them, and mlflow models serve with its defaults, which gives none; the model of "
    "{dataset}, one message per request; the servers and the clients, in one process, share the machine's cores; "
    "{turns} turns of {seconds:g} s each for every number of clients, in turn, medians. batch: all messages of "
    "{dataset} as columns, one core, {rounds} rounds in turn, medians; parts: the feature matrix, and LightGBM on the "
    "ready matrix; sklearn: TfidfVectorizer of character 1-4-grams and LinearSVC, fitted on the same messages, labels "
    "alone. cold_start: from the start of the process to the first score with reasons, Numba's cache, Python's "
    "bytecode and the disk warm, median of {starts}; packages outside the base installation are hidden from it. "
    "workers: fraudsieve serve --workers 1 and 2 on a file as store, the model with history, one message per request, "
    "{worker_clients} clients, and {events:g} events per second, ten per request; the same turns. evidence: fraudsieve "
    "serve without --evidence, with it, and with --evidence-all; one message per request, of which at most 5 % are "
    "flagged, {evidence_clients} clients, a model of {evidence_dataset}; loss: the share of requests per second that "
    "it costs; the same turns. score_log: the model with history, fraudsieve serve --score-log off, scores and records "
    "on a file, with one worker and two; one message per request, {log_clients} clients, no events; recorded: "
    "/v1/score?record=true with the log of scores, each message with an id of its own; loss: the share of requests per "
    "second that it costs; the same turns."
)


def run(
    *,
    messages: pd.DataFrame | None = None,
    world: World | None = None,
    records: int = RECORDS,
    clients: Sequence[int] = CLIENTS,
    seconds: float = SECONDS,
    turns: int = TURNS,
    rounds: int = ROUNDS,
    starts: int = STARTS,
) -> Report:
    """Train the models, and time all cases.

    Parameters
    ----------
    messages : DataFrame, default=None
        Labelled messages; None for those of fbs_sms.
    world : World, default=None
        The world of the model with history; None for one of 60 days and 600 accounts.
    records : int, default=3000
        Single records that are timed.
    clients : sequence of int, default=(1, 8, 32)
        Numbers of concurrent clients.
    seconds : float, default=5.0
        Length of a turn of load.
    turns : int, default=3
        Turns of every server for every number of clients.
    rounds : int, default=5
        Times that a batch is scored.
    starts : int, default=5
        Processes that are started.

    Returns
    -------
    Report
    """
    is_given = messages is not None
    messages = load_messages(DATASET) if messages is None else messages
    world = simulate(days=60, n_accounts=600) if world is None else world
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        progress("training the model of messages")
        plain = train_on_messages(messages, folder)
        figures, peers = _singles("record", _plain(plain, messages, records)), {}
        progress("training the model with history")
        live = train_on_world(world, folder)
        figures |= _singles("history", _with_history(live, world, records))
        figures |= _batch(plain, messages, rounds)
        texts = messages["text"].iloc[:records].tolist()
        figures["cold_start_s"] = _cold_start(plain, texts[0], starts)
        by_server = _http(plain, folder / "saved", texts, clients, seconds, turns)
        figures |= by_server["ours"]
        peers["mlflow"] = by_server["mlflow"]
        progress("loading services with evidence")
        figures |= _evidence(messages if is_given else load_messages(EVIDENCE_DATASET), folder, seconds, turns)
        progress("loading one worker and two")
        figures |= measure_workers(live, world, folder, seconds=seconds, turns=turns)
        progress("loading services with a score log")
        figures |= measure_score_log(live, world, folder, seconds=seconds, turns=turns)
    for name in (f"http.{count}" for count in clients):
        rate = f"{name}.requests_per_second"
        figures[f"{name}.ratio_to_mlflow"] = figures[rate] / peers["mlflow"][rate]
    numbers = {"records": records, "turns": turns, "seconds": seconds, "rounds": rounds, "starts": starts}
    protocol = _PROTOCOL.format(
        dataset=DATASET,
        worker_clients=WORKER_CLIENTS,
        events=EVENTS_PER_SECOND,
        evidence_clients=EVIDENCE_CLIENTS,
        evidence_dataset=EVIDENCE_DATASET,
        log_clients=LOG_CLIENTS,
        **numbers,
    )
    return Report("serve", DATASET, protocol, len(messages), figures, peers, _bars(figures, clients))


def _bars(figures: Mapping[str, float], clients: Sequence[int]) -> list[Bar]:
    bars = [Bar.at_most(name, figures[name], bound) for name, bound in RECORD_BOUNDS.items()]
    ratios = [f"http.{count}.ratio_to_mlflow" for count in clients]
    bars += [Bar.at_least(name, figures[name], HTTP_BOUND) for name in ratios]
    bars.append(Bar.at_least("workers.ratio", figures["workers.ratio"], WORKERS_BOUND))
    bars.append(Bar.at_most("evidence.flagged_loss", figures["evidence.flagged_loss"], EVIDENCE_BOUND))
    bars.append(Bar.at_most("score_log.1.scores_loss", figures["score_log.1.scores_loss"], SCORE_LOG_BOUND))
    upper = {"batch.ratio_to_parts": PARTS_BOUND, "batch.ratio_to_sklearn": SKLEARN_BOUND, "cold_start_s": START_BOUND}
    return bars + [Bar.at_most(name, figures[name], bound) for name, bound in upper.items()]


Requests = tuple[Scorer, HistoryState | None, Iterable[dict[str, Any]]]


def _plain(folder: Path, messages: pd.DataFrame, records: int) -> Requests:
    texts = messages["text"].sample(records + WARM, random_state=0, replace=records + WARM > len(messages))
    return Scorer.load(folder), None, [{"text": text} for text in texts]


def _with_history(folder: Path, world: World, records: int) -> Requests:
    scorer = Scorer.load(folder)
    live = Live.of(scorer, world, records + WARM)
    return scorer, live.state, live.turns(scorer)


def _singles(name: str, requests: Requests) -> dict[str, float]:
    scorer, history, records = requests
    scorer.warm_up()
    taken = []
    with one_core():
        for record in records:
            start = time.perf_counter()
            scorer.score(record, history=history, reasons=True)
            taken.append((time.perf_counter() - start) * 1000)
    figures = {f"{name}.p{share}_ms": float(np.percentile(taken[WARM:], share)) for share in (50, 99)}
    progress(", ".join(f"{figure} {value:.2f}" for figure, value in figures.items()))
    return figures


def _batch(folder: Path, messages: pd.DataFrame, rounds: int) -> dict[str, float]:
    scorer = Scorer.load(folder)
    matrix, booster = message_matrix_of(scorer.model.matrix), scorer.model.ensemble.booster
    texts: list[str] = messages["text"].tolist()
    compute = matrix.compute
    X = compute(texts)
    pipeline = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 4)), LinearSVC(random_state=0))
    progress("fitting scikit-learn's pipeline")
    pipeline.fit(texts, messages["label"])
    parts = [texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK)]
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: scorer.score_columns({"text": texts}),
        "matrix": lambda: [compute(part) for part in parts],
        "booster": lambda: booster.predict(X, raw_score=True, num_threads=1),
        "sklearn": lambda: pipeline.predict(texts),
    }
    medians = medians_in_turn(calls, rounds=rounds)
    figures = {f"batch.us_per_message.{name}": value / len(texts) * 1e6 for name, value in medians.items()}
    progress(", ".join(f"{name} {value:.1f}" for name, value in figures.items()))
    figures["batch.ratio_to_parts"] = medians["ours"] / (medians["matrix"] + medians["booster"])
    figures["batch.ratio_to_sklearn"] = medians["ours"] / medians["sklearn"]
    return figures


def _cold_start(folder: Path, text: str, starts: int) -> float:
    program = _START.format(folder=str(folder), record={"text": text}, hidden=HIDDEN)
    taken = []
    # Installers compile modules to bytecode. If they did not, the first start does, unless this variable forbids it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment}
    for _ in range(starts + 1):
        start = time.perf_counter()
        with subprocess.Popen([sys.executable, "-c", program], **pipes) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            taken.append(time.perf_counter() - start)
            process.communicate(b"\n")
        if not line.strip():
            raise RuntimeError("The process did not score.")
    progress(f"cold start {statistics.median(taken[1:]):.2f} s")
    return statistics.median(taken[1:])


def _http(
    folder: Path, saved: Path, texts: Sequence[str], clients: Sequence[int], seconds: float, turns: int
) -> dict[str, dict[str, float]]:
    save_model(saved, folder=folder)
    records = [json.dumps({"text": text}).encode() for text in texts]
    frames = [json.dumps({"dataframe_records": [{"text": text}]}).encode() for text in texts]
    by_server: dict[str, dict[str, float]] = {"ours": {}, "mlflow": {}}
    with ExitStack() as running:
        ours, mlflow = running.enter_context(our_server(folder)), running.enter_context(mlflow_server(saved))
        token = {"Authorization": f"Bearer {TOKEN}"}

        def post(count: int, *, query: str = "") -> Load:
            return load(ours, f"/v1/score{query}", records, clients=count, seconds=seconds, headers=token)

        calls: dict[str, Callable[[int], Load]] = {
            "http": post,
            "http_reasons": partial(post, query="?reasons=true"),
            "mlflow": lambda count: load(mlflow, "/invocations", frames, clients=count, seconds=seconds, headers={}),
        }
        for count in clients:
            loads_by_name: dict[str, list[Load]] = {name: [] for name in calls}
            for _ in range(turns):
                for name, call in calls.items():
                    loads_by_name[name].append(call(count))
            for name, loads in loads_by_name.items():
                figures = _medians(f"{'http' if name == 'mlflow' else name}.{count}", loads)
                by_server["mlflow" if name == "mlflow" else "ours"] |= figures
                progress(f"{name}: " + ", ".join(f"{key} {value:.1f}" for key, value in figures.items()))
    return by_server


def _evidence(messages: pd.DataFrame, folder: Path, seconds: float, turns: int) -> dict[str, float]:
    place = folder / "evidence"
    place.mkdir()
    return measure_evidence(messages, place, seconds=seconds, turns=turns)


def _medians(name: str, loads: Sequence[Load]) -> dict[str, float]:
    failed = sum(turn.failed for turn in loads)
    if failed:
        raise RuntimeError(f"{failed} requests did not get status 200.")
    figures = [turn.figures(name) for turn in loads]
    return {figure: statistics.median(turn[figure] for turn in figures) for figure in figures[0]}
