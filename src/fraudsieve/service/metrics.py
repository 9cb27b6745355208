"""Prometheus metrics of the service."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from math import nan
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from fraudsieve.live.promises import RATE, RECALL, Promise
from fraudsieve.live.state import LiveSize
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.scoring.score_fields import Score, model_decision
from fraudsieve.models.scoring.traffic import add_counts, check_counts, count_shares
from fraudsieve.models.unlike_training.expected_shares import MIN_RECORDS, WORDS, ShareCount, UnusualShare

from .loaded_model import LoadedModel

MAX_BLOCKS: Final = 10
"""The latest blocks, of at least 200 records each, are compared: 2,000 records, or more if requests are large."""

COLUMNS: Final = ("unlike_training", "probability", "threshold_of")


class LatestTraffic:
    """Counts of the latest records that a process scored with a model, compared after every 200. Threads share it."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.counts: dict[str, ShareCount] = {}
        self.unusual: tuple[UnusualShare, ...] = ()
        self._blocks: deque[dict[str, ShareCount]] = deque(maxlen=MAX_BLOCKS)
        self._block: list[tuple[Any, ...]] = []
        self._lock = threading.Lock()

    def add(self, scores: Sequence[Score]) -> bool:
        """Count scores; return whether a block became complete, so that `counts` and `unusual` are new."""
        if not self.model.expected_shares:
            return False
        with self._lock:
            self._block += [tuple(map(score.get, COLUMNS)) for score in scores]
            return len(self._block) >= MIN_RECORDS and self._complete_block()

    def _complete_block(self) -> bool:
        self._blocks.append(count_shares(self.model, dict(zip(COLUMNS, zip(*self._block, strict=True), strict=True))))
        self._block = []
        self.counts = add_counts(self._blocks)
        self.unusual = check_counts(self.model, self.counts)
        return True


SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROBABILITIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.99, 1.0)


class Metrics:
    """Counters, histograms and gauges of one service.

    Label values are routes, statuses, classes of the model, types of records and ids of rules: a client cannot add to
    them.

    Several workers write to files in a common folder, and each shows the metrics of all. Counters, histograms and
    requests in progress are summed; the state of a process has its ``pid``.
    """

    def __init__(self, *, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self.registry = CollectorRegistry()
        space, registry = "fraudsieve", self.registry
        counter: Callable[..., Counter] = partial(Counter, namespace=space, registry=registry)
        histogram: Callable[..., Histogram] = partial(Histogram, namespace=space, registry=registry)
        any_gauge: Callable[..., Gauge] = partial(Gauge, namespace=space, registry=registry)
        summed: Callable[..., Gauge] = partial(any_gauge, multiprocess_mode="livesum")
        gauge: Callable[..., Gauge] = partial(any_gauge, multiprocess_mode="liveall")
        self.requests = counter("requests", "Requests.", ("route", "status"))
        self.seconds = histogram("request_seconds", "Time to answer a request.", ("route",), buckets=SECONDS)
        self.running = summed("requests_running", "Requests in progress: being read, waiting or being processed.")
        self.scores = histogram(
            "score",
            "Probability of fraud of scored records, by most probable class. If the model has no legitimate class: "
            "probability of the most probable class.",
            ("type",),
            buckets=PROBABILITIES,
        )
        self.flagged = counter("flagged", "Records that the model flags; rules are counted separately.")
        self.missing_fields = counter(
            "missing_fields", "Records without a field that the history needs, by the field.", ("field",)
        )
        self.cold_starts = counter("cold_starts", "Scored records of accounts without history.")
        self.rejected = counter("rejected", "Unscorable records, and rejected events, labels and messages.", ("part",))
        self.accepted = counter("accepted", "Events, labels and messages added to the history.", ("part",))
        self.events = gauge("state_events", "Events and labels in the live history.")
        self.entities = gauge("state_entities", "Accounts and other entities in the live history.")
        self.state_bytes = gauge("state_bytes", "Memory of the live history in bytes.")
        self.store_bytes = gauge("state_store_bytes", "Size of the store on disk in bytes.")
        self.offset = gauge("state_offset", "Offset of the live history: its newest row of the store.")
        self.behind = gauge("state_behind", "1 if the store of the live history cannot be read.")
        self.unwritable = gauge(
            "state_unwritable",
            "1 if the store cannot be written, so that events, labels and logged scores are answered 503.",
        )
        self.background_failures = counter("background_failures", "Failed runs of background tasks.", ("task",))
        self.background_failing = gauge(
            "background_failing", "Failures of a background task since its last success.", ("task",)
        )
        self.background_completed = gauge(
            "background_completed_timestamp_seconds",
            "When a periodic background task completed its last round, in seconds since 1970.",
            ("task",),
        )
        self.swaps = counter("model_swaps", "Checks of the registry alias, by outcome.", ("outcome",))
        self.refused = gauge("model_refused", "1 if the version that the alias points to was refused.")
        # Looking a metric up by its labels takes as long as counting, and there are only a few labels.
        self._requests_of = cache(lambda route, status: self.requests.labels(route, str(status)))
        self._seconds_of, self._scores_of = cache(self.seconds.labels), cache(self.scores.labels)
        self.model = summed("model", "Processes that use a model; 0 for earlier ones.", ("name", "version", "digest"))
        self.worker_restarts = counter("worker_restarts", "Workers started to replace one that had ended.")
        self._in_use: Any = None
        self.at_bound = gauge("state_entities_at_bound", "Entities whose windows are at their bound.")
        self._shares = set(WORDS)
        self.latest_share = gauge(
            "latest_share",
            "Share of the latest records, about 2,000, that are unlike training, or flagged, or of a value's.",
            ("share",),
        )
        self.unusual_share = gauge(
            "unusual_share",
            "1 if this share of the latest records lies outside the interval that the model expects.",
            ("share",),
        )
        self.promise_e = gauge("promise_e", "Evidence against a promise of the model; 20 breaks it.", ("promise",))
        self.promise_broken = gauge("promise_broken", "1 if a promise of the model is broken.", ("promise",))
        self.rule_decisions = counter("rule_decisions", "Records that a rule decided.", ("rule", "action"))
        self.rule_loads = counter("rule_loads", "Changed rules files, by outcome.", ("outcome",))
        self.rules_refused = gauge("rules_refused", "1 if the rules file cannot be used, and earlier rules are in use.")

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request by route and status, and the time it took."""
        self._requests_of(route, status).inc()
        self._seconds_of(route).observe(seconds)

    def count_scores(self, scores: Sequence[Score]) -> None:
        """Count the scores of a request."""
        for score in scores:
            for field in score.get("missing", ()):
                self.missing_fields.labels(field.partition(" ")[0]).inc()
            rule = score.get("rule")
            if rule is not None:
                self.rule_decisions.labels(rule["id"], rule["action"]).inc()
            label, probability = score["label"], score["probability"]
            if label is None:  # the record is unscorable
                self.rejected.labels("records").inc()
                continue
            likeliest = score["probabilities"][label] if probability is None else probability
            self._scores_of(label).observe(likeliest or 0.0)
            if score["status"] == "no_history":
                self.cold_starts.inc()
            if model_decision(score) == "flag":
                self.flagged.inc()

    def count_events(self, part: str, accepted: int, rejected: int) -> None:
        """Count accepted and rejected records of one type: events, messages or labels."""
        self.accepted.labels(part).inc(accepted)
        self.rejected.labels(part).inc(rejected)

    def set_model(self, loaded: LoadedModel) -> None:
        """Show which model is in use."""
        model = loaded.scorer.model
        if self._in_use is not None:
            self._in_use.set(0)
        self._in_use = self.model.labels(model.name, loaded.version or "", model.digest)
        self._in_use.set(1)

    def set_traffic(self, traffic: LatestTraffic) -> None:
        """Show the shares of the latest records, and which of them are unusual."""
        unusual = {share.name for share in traffic.unusual}
        expected = {share.name for share in traffic.model.expected_shares}
        self._shares |= expected
        for name in self._shares:  # a model without one of them ends what the model before it showed
            hits, records = traffic.counts.get(name, (0, 0)) if name in expected else (0, 0)
            self.latest_share.labels(name).set(hits / records if records else nan)
            self.unusual_share.labels(name).set(name in unusual)

    def set_promises(self, promises: Sequence[Promise]) -> None:
        """Show the evidence against the promises of the model in use, and which of them are broken."""
        for name in (RATE, RECALL):
            watched = {promise.name: promise for promise in promises if promise.days}.get(name)
            self.promise_e.labels(name).set(nan if watched is None else watched.e)
            self.promise_broken.labels(name).set(watched is not None and watched.since is not None)

    def set_history(self, size: LiveSize, offset: int, *, is_behind: bool) -> None:
        """Show size and offset of the live history, and whether it cannot follow its store."""
        self.events.set(size.events)
        self.entities.set(size.entities)
        self.at_bound.set(size.at_bound)
        self.state_bytes.set(size.state_bytes)
        self.store_bytes.set(size.store_bytes)
        self.offset.set(offset)
        self.behind.set(is_behind)

    def render(self) -> bytes:
        """Return all metrics, of all workers, in the text format of Prometheus."""
        if not self.is_shared:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
