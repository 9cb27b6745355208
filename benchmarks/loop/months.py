"""The simulated months: payments are scored, labelled late and retrained on, while processes are killed."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import mlflow
import pandas as pd

from benchmarks.runner import progress
from fraudsieve.live.store.event_store import open_store
from fraudsieve.live.store.facts import Position, Row

from .lag import measured_lag
from .payments import Payments, as_records, asked_alone
from .service import LoopService, command, finish, run_command_line
from .traffic import Kind, Request, Traffic
from .versions import Move, watched_alias

__all__ = ["CHAMPION", "NAME", "Lived", "Plan", "live_through"]

NAME: Final = "payments"
CHAMPION: Final = f"models:/{NAME}@champion"
VIEWS: Final = """
[[history.views]]
windows = ["1d", "7d"]
measures = ["count", "sum", "mean", "max", "distinct", "new", "night", "gap_mean"]
[[history.views]]
name = "counterparty"
entity = "counterparty_id"
counterparty = "account_id"
windows = ["1d", "7d"]
measures = ["count", "mean", "distinct", "known", "frauds"]
"""
RECIPE: Final = f"""
name = "{NAME}"
n_jobs = 1
[data]
subject = "event"
[split]
gap_days = 7.0
[history]
network = false
[model]
n_rounds = 30
n_seeds = 1
[evaluate]
replicates = 50
[gates]
refresh_frauds = 50
latency_ms = 10000.0
"""
WATCH_SECONDS: Final = "0.5"
MAX_PAYMENTS, MAX_LABELS = 4, 40
"""Records of one request."""
ASKED_BEFORE: Final = 0.3
"""Share of payments that are also scored without being recorded."""
PARTS, DISTURBED_PART, LENGTH = 3, 1, pd.Timedelta(hours=8)
"""Parts of a day: requests of one part may overtake each other."""
SERVED_SECONDS: Final = 90.0
"""Seconds until every worker serves a promoted version: an exchange, and the start of the worker killed in it."""
PAUSE: Final = 0.4
"""Seconds between two requests of a client while a model is trained or replaced."""


DISTURBANCES: Final = ("kill", "kill of a worker", "stop")
DISTURBED_PAUSE: Final = 0.02


@dataclass(frozen=True)
class Plan:
    """What happens on which day; the first is that of the first request.

    Attributes
    ----------
    days, past_days : int
        Days in service, and days before them, on which the first model was trained.
    label_days : int
        Longest time until a label, and ``--label-days``.
    every : int
        Days from one retraining to the next.
    seed : int
        Of the sizes of requests and the times of kills.
    clients : int
        Clients, each with one request in progress.
    size : int
        Multiple of the accounts and payments.
    minutes : float
        Minutes after which no other day begins; 0 for all days.
    disturb_every : int
        Days from one kill, kill of a worker or planned stop to the next one.
    defaults : bool
        Whether the recipe has no views, so that the windows of a new model follow the span of the events.
    """

    days: int = 120
    past_days: int = 120
    label_days: int = 90
    every: int = 14
    seed: int = 0
    clients: int = 4
    size: int = 1
    minutes: float = 0.0
    disturb_every: int = 30
    defaults: bool = False

    def is_day_of(self, what: str, day: int) -> bool:
        """Return whether something is due on a day: a retraining, a kill, a kill of a worker, or a planned stop."""
        if what == "retrain":
            return day > 0 and day % self.every == 0
        return day % self.disturb_every == {"kill": 11, "kill of a worker": 4, "stop": 20}[what]


@dataclass(eq=False)
class Lived:
    """What is left after the months, to be compared.

    Attributes
    ----------
    rows : list of Row
        All rows that the store ever had, in their order.
    retrained : list of dict
        What each retraining printed.
    counts : Counter
        How often each thing happened.
    memory : list of float
        Resident memory in MB of the largest worker, after each day.
    moves : list of Move
        The versions that the alias pointed to.
    seconds : float
        From the first day to the last one.
    """

    folder: Path
    address: str
    payments: Payments
    plan: Plan
    traffic: Traffic
    rows: list[Row] = field(default_factory=list)
    retrained: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    seconds: float = 0.0


def live_through(folder: Path, address: str, workers: int, payments: Payments, plan: Plan) -> Lived:
    """Train a first model, and run a service on a store through all days.

    Parameters
    ----------
    folder : Path
        An empty folder.
    address : str
        A new store.
    workers : int
        Of the service.
    payments : Payments
        For all days.
    plan : Plan
    """
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")  # also for the processes that are started
    _train_first(folder, address, payments, plan)
    watch = () if plan.defaults else ("--watch-seconds", WATCH_SECONDS)  # an exchange as users have it takes longer
    store = ("--state", address, "--label-days", str(plan.label_days), "--score-log", "records", *watch)
    service = LoopService(CHAMPION, store, workers, folder)
    service.start()
    lived = Lived(folder, address, payments, plan, Traffic(service.service, plan.clients))
    months, begin = _Months(lived, service, Random(plan.seed)), time.monotonic()
    try:
        with measured_lag(lived.traffic), watched_alias(NAME, CHAMPION.partition("@")[2]) as lived.moves:
            for day in range(plan.days):
                months.live(day)
                lived.seconds = time.monotonic() - begin
                if 0 < 60 * plan.minutes <= lived.seconds:
                    break
        months.end()
    finally:
        service.service.kill()
    return lived


def _train_first(folder: Path, address: str, payments: Payments, plan: Plan) -> None:
    """Train the first champion on the past days, and load them into the store."""
    (folder / "recipe.toml").write_text(RECIPE + ("" if plan.defaults else VIEWS), encoding="utf-8")
    tables = []
    for name, frame in zip(
        ("events", "labels"), payments.arriving(payments.start, payments.day(plan.past_days)), strict=True
    ):
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        tables += [f"--{name}", f"{name}.parquet"]
    run_command_line(folder, "train", *tables, "--recipe", "recipe.toml", "--output", "first")
    run_command_line(folder, "state", "load", address, *tables, "--model", CHAMPION)


class _Months:
    """The days, one after the other."""

    def __init__(self, lived: Lived, service: LoopService, chance: Random) -> None:
        self.lived, self.service, self.chance = lived, service, chance
        self.traffic, self.plan = lived.traffic, lived.plan
        self.retraining: Any = None
        self.awaited: str | None = None
        self.awaited_until = 0.0

    def live(self, day: int) -> None:
        """Live through a day."""
        if self.plan.is_day_of("retrain", day):
            self._begin_retraining(day)
        self.traffic.pause = PAUSE if self._is_busy() else 0.0
        disturbance = next((what for what in DISTURBANCES if self.plan.is_day_of(what, day)), None)
        for part in range(PARTS):
            if disturbance is not None:
                self.traffic.pause = max(self.traffic.pause, DISTURBED_PAUSE)
            begin = self.lived.payments.day(self.plan.past_days + day) + part * LENGTH
            self.traffic.feed(self._requests(begin))
            if disturbance is not None and part == DISTURBED_PART:
                self._disturb(disturbance)
            self.traffic.drain()
        self.lived.counts["days"] += 1
        self.lived.memory.append(self.service.memory)

    def end(self) -> None:
        """Finish the last retraining, and stop the service."""
        while self._is_busy():
            time.sleep(0.1)
        self.traffic.close()
        self._stop(starts=False)
        self.lived.counts["swaps"] = self.service.swaps

    def _begin_retraining(self, day: int) -> None:
        while self._is_busy():  # the one before
            time.sleep(0.1)
        lived, as_of = self.lived, self.lived.payments.day(self.plan.past_days + day)
        options = ("--state", lived.address, "--as-of", as_of.isoformat(), "--output", f"retrained-{day}")
        self.retraining = command(lived.folder, "retrain", "--model", CHAMPION, *options)

    def _is_busy(self) -> bool:
        """Return whether a model is being trained, or replaced in the service."""
        if self.retraining is not None and self.retraining.poll() is not None:
            result, self.retraining = finish(self.retraining), None
            self.lived.retrained.append(result)
            self.lived.counts[result["outcome"].replace(" ", "_")] += 1
            progress(f"retrained as of {result['plan']['as_of'][:10]}: {result['outcome']}")
            if result["outcome"] == "promoted":
                self._await(result["champion"].rpartition("/")[2])
        if self.awaited is not None and set(self.service.versions.values()) == {self.awaited}:
            self.lived.counts["served"] += 1
            self.awaited = None
        elif self.awaited is not None and time.monotonic() > self.awaited_until:
            progress(f"not all workers serve version {self.awaited}: {self.service.versions}")
            self.awaited = None
        return self.retraining is not None or self.awaited is not None

    def _await(self, version: str) -> None:
        """Expect that every worker serves a version; kill one of several while they exchange it."""
        self.awaited, self.awaited_until = version, time.monotonic() + SERVED_SECONDS
        if self.service.workers > 1:
            self._in_the_midst("exchange_kills", self.service.kill_a_worker)

    def _disturb(self, what: str) -> None:
        if what == "stop":
            self._in_the_midst("stops", lambda _: self._stop(starts=True))
        elif what == "kill of a worker" and self.service.workers > 1:
            self._in_the_midst("worker_kills", self.service.kill_a_worker)
        else:
            self._in_the_midst("kills", self.service.kill)

    def _in_the_midst(self, name: str, change: Callable[[Iterable[int]], None]) -> None:
        """Kill or stop processes while requests are in progress."""
        pids, n_left = list(self.service.versions), self.chance.randrange(1, max(self.traffic.n_waiting, 2))
        while self.traffic.n_waiting > n_left and not self.traffic.errors:
            time.sleep(0.001)
        self.lived.counts[name] += 1
        self.traffic.is_down.set()
        change(pids)
        self.traffic.service = self.service.service
        self.traffic.is_down.clear()

    def _stop(self, *, starts: bool) -> None:
        """Copy the rows of the store, and stop the service, which deletes the old ones."""
        after = Position(self.lived.rows[-1][0], self.lived.rows[-1][3]) if self.lived.rows else None
        with open_store(self.lived.address) as store:
            self.lived.rows += [row for rows in store.rows(after) for row in rows]
        self.service.stop()
        if starts:
            self.service.start()

    def _requests(self, begin: pd.Timestamp) -> Iterator[Request]:
        """Yield the requests of a part of a day: its labels in any order, some scores, then payments as they arrive."""
        events, labels = (as_records(frame) for frame in self.lived.payments.arriving(begin, begin + LENGTH))
        self.lived.counts["events"] += len(events)
        self.lived.counts["labels"] += len(labels)
        self.chance.shuffle(labels)
        asked = [asked_alone(event) for event in events if self.chance.random() < ASKED_BEFORE]
        self.lived.counts["asked"] += len(asked)
        parts: list[tuple[Kind, list[dict[str, Any]], int]] = [
            ("labels", labels, MAX_LABELS), ("scores", asked, MAX_PAYMENTS), ("payments", events, MAX_PAYMENTS)
        ]  # fmt: skip
        for kind, records, largest in parts:
            place = 0
            while place < len(records):
                size = self.chance.randint(1, largest)
                yield Request(f"{kind}-{begin:%m%d%H}-{place}", kind, records[place : place + size])
                place += size
