"""What a service counts, for Prometheus."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from fraudsieve.models.live.state import LiveSize

from .loaded_model import LoadedModel

__all__ = ["Metrics"]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROBABILITIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 0.99, 1.0)


class Metrics:
    """Counters, histograms and gauges of one service.

    Labels are names of routes, statuses, classes of the model and parts of the history: a caller cannot add to them.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.count_request("/healthz", 200, 0.001)
    >>> b'fraudsieve_requests_total{route="/healthz",status="200"} 1.0' in metrics.page()
    True
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        to: Any = {"namespace": "fraudsieve", "registry": self.registry}
        self.requests = Counter("requests", "Requests answered.", ("route", "status"), **to)
        self.seconds = Histogram("request_seconds", "Time to answer a request.", ("route",), buckets=SECONDS, **to)
        self.running = Gauge("requests_running", "Requests that are read, wait or are worked on now.", **to)
        self.refused = Counter("connections_refused", "Connections answered 503: as many as may be were open.", **to)
        self.scores = Histogram(
            "score",
            "Probability of fraud of scored records (of the likeliest class where the model knows no legitimate one), "
            "by likeliest class.",
            ("type",),
            buckets=PROBABILITIES,
            **to,
        )
        self.flagged = Counter("flagged", "Records with the decision flag.", **to)
        self.cold = Counter("cold_starts", "Records of accounts of which no event was known.", **to)
        self.rejected = Counter("rejected", "Records that could not be scored, and events refused.", ("part",), **to)
        self.accepted = Counter("accepted", "Events, labels and messages taken into the history.", ("part",), **to)
        self.events = Gauge("state_events", "Events and labels held in the live history.", **to)
        self.entities = Gauge("state_entities", "Accounts and other entities held in the live history.", **to)
        self.state_bytes = Gauge("state_bytes", "Bytes of the live history in memory.", **to)
        self.log_bytes = Gauge("state_log_bytes", "Bytes of the log of events on disk.", **to)
        self.swaps = Counter("model_swaps", "What came of looking for a new model.", ("outcome",), **to)
        # To find a metric by its labels takes as long as to count: few labels, found once.
        self._requests_of = cache(lambda route, status: self.requests.labels(route, str(status)))
        self._seconds_of, self._scores_of = cache(self.seconds.labels), cache(self.scores.labels)
        self.model = Gauge("model", "1 for the model in use.", ("name", "version", "digest"), **to)

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count an answer.

        Parameters
        ----------
        route : str
            The route, one of those of the service.
        status : int
            Status of the answer.
        seconds : float
            How long it took.
        """
        self._requests_of(route, status).inc()
        self._seconds_of(route).observe(seconds)

    def count_scores(self, scores: Sequence[dict[str, Any]]) -> None:
        """Count scores.

        Parameters
        ----------
        scores : sequence of dict
            As from `Scorer.score`.
        """
        for score in scores:
            if score["status"] == "unscorable":
                self.rejected.labels("records").inc()
                continue
            likeliest = score["probabilities"][score["label"]]
            probability = likeliest if score["probability"] is None else score["probability"]
            self._scores_of(score["label"]).observe(probability)
            if score["status"] == "no_history":
                self.cold.inc()
            if score["decision"] == "flag":
                self.flagged.inc()

    def count_events(self, part: str, accepted: int, rejected: int) -> None:
        """Count what came for the history.

        Parameters
        ----------
        part : str
            ``events``, ``labels``, ``account_labels`` or ``messages``.
        accepted, rejected : int
            How many.
        """
        self.accepted.labels(part).inc(accepted)
        self.rejected.labels(part).inc(rejected)

    def show_model(self, served: LoadedModel) -> None:
        """Say which model is in use.

        Parameters
        ----------
        served : LoadedModel
            The model.
        """
        model = served.scorer.model
        self.model.clear()
        self.model.labels(model.name, served.version or "", model.digest).set(1)

    def show_size(self, size: LiveSize) -> None:
        """Say how much the live history holds.

        Parameters
        ----------
        size : LiveSize
            From `LiveState.size`.
        """
        self.events.set(size.events)
        self.entities.set(size.entities)
        self.state_bytes.set(size.state_bytes)
        self.log_bytes.set(size.log_bytes)

    def page(self) -> bytes:
        """Return all of it as Prometheus reads it.

        Returns
        -------
        bytes
        """
        return generate_latest(self.registry)
