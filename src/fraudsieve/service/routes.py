"""The routes of the service: from HTTP requests to calls of the request handler."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fraudsieve._translation import Language
from fraudsieve._typing import JsonObject
from fraudsieve.models.sentences.entities import LANGUAGES

from .background import BackgroundTasks, call_in_thread
from .batching import MicroBatcher
from .bodies import RejectedRequest, Reply, ScoreRequest, encode_json
from .handlers import RequestHandler
from .ingestion import AFTER, OFFSET, wait_for_offset
from .middleware import RETRY_AFTER, error_response
from .openapi import describe_service
from .recording import Recording, why_not_recorded
from .score_log import NOT_LOGGED, REQUEST_ID, request_id_of

BATCH_WORK = 256
"""Work that is done in one call in a thread, as estimated by `ScoreRequest.work`: it takes about 15 ms."""
INLINE_WORK = 32
"""Work that is done in the event loop, where `/healthz` waits for it: it takes about 2 ms."""
METRICS_SECONDS = 0.05
"""Seconds that `/metrics` waits for the lock of the history; then it shows the size as of the previous request."""
WARM_UP = "warm-up"
"""Name of the background task that makes the service ready."""
LOADING = "the model is being loaded; try again later"
NOT_WARM = "the warm-up of the model failed and is tried again; see the log of the service"
TRUE, FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
FLAGS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
"""Values of boolean query parameters."""


class Routes:
    """The routes, and what their functions share."""

    def __init__(self, handler: RequestHandler, background: BackgroundTasks, pool: ThreadPoolExecutor) -> None:
        self.handler, self.background, self.pool = handler, background, pool
        waits = handler.live is not None or handler.score_log is not None  # for a lock, or for the disk
        self.batcher: MicroBatcher[ScoreRequest, Reply | RejectedRequest] = MicroBatcher(
            pool,
            handler.settings.n_threads,
            handler.score,
            size=lambda request: request.work,
            max_size=BATCH_WORK,
            inline_size=0 if waits else INLINE_WORK,
        )
        why = why_not_recorded(handler.loaded.scorer.model, handler.settings)
        self.recorded = Recording(handler, pool).batcher if why is None else RejectedRequest(409, why)
        self.openapi_json = encode_json(describe_service(handler.loaded.scorer.model, handler.settings))
        self.measuring: asyncio.Future[None] | None = None

    def list(self) -> Sequence[Route]:
        """Return the routes, the most frequent first."""
        return [
            Route("/v1/score", self.score, methods=["POST"]),
            Route("/v1/events", partial(self.ingest, are_labels=False), methods=["POST"]),
            Route("/v1/labels", partial(self.ingest, are_labels=True), methods=["POST"]),
            Route("/v1/model", self.model),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
        ]

    async def score(self, request: Request) -> Response:
        """Score the records of the body."""
        if not self.handler.is_warm:
            return self._not_ready()
        reasons, language, record = _parse_query(request.scope["query_string"])
        if reasons is None or record is None:
            name = "reasons" if reasons is None else "record"
            return error_response(422, f"{name}: expected true or false, got something else")
        if language is None:
            return error_response(422, f"language: expected one of {', '.join(LANGUAGES)}, got another one")
        if self.handler.live is not None:
            after = request.headers.get(AFTER, "0")
            await wait_for_offset(self.handler.live, after, self.handler.settings.after_seconds)
        body = request.scope["state"]["body"]
        is_logged = self.handler.score_log is not None
        request_id = request_id_of(request.headers.get(REQUEST_ID)) if is_logged else ""
        scored = ScoreRequest(body, reasons, language, request_id, request.scope["state"]["sources"])
        batcher = self.recorded if record else self.batcher
        if isinstance(batcher, RejectedRequest):
            return rejection(batcher)
        reply = await batcher.submit(scored)
        if self.handler.evidence is not None and isinstance(reply, Reply) and reply.waits:
            reply = await self.handler.evidence.secure(reply)
        return _respond(request, reply)

    async def ingest(self, request: Request, *, are_labels: bool) -> Response:
        """Add the events or the labels of the body to the live history."""
        if not self.handler.is_warm:
            return self._not_ready()
        given = request.scope["state"]
        ingest = partial(self.handler.ingest, given["body"], are_labels=are_labels, sources=given["sources"])
        return _respond(request, await asyncio.get_running_loop().run_in_executor(self.pool, ingest))

    async def model(self, _: Request) -> Response:
        """Describe the model in use."""
        return JSONResponse(self.handler.describe_model())

    async def healthz(self, _: Request) -> Response:
        """Answer as long as the event loop runs."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """Tell whether requests are scored."""
        if not self.handler.is_warm:
            return self._not_ready()
        is_writable = self.handler.store is None or self.handler.store.is_writable
        if not is_writable and self.handler.score_log is not None:
            return error_response(503, NOT_LOGGED, RETRY_AFTER)
        tasks, age = self.background, self.handler.history_age
        ages = tasks.ages | ({} if age is None else {"history": round(age, 1)})
        stalled = tasks.stalled + (["history"] if self.handler.is_stalled else [])
        readiness: JsonObject = {"status": "ready", "failing": tasks.failing, "stalled": stalled, "ages": ages}
        kinds = dict.fromkeys(share.kind for share in self.handler.traffic.unusual)  # no figures: anyone may ask
        readiness["promises"] = {promise.name: promise.text for promise in self.handler.promises}
        refused = self.handler.refused
        readiness |= {"refused_version": refused and refused.version, "needs_restart": bool(refused and refused[1])}
        return JSONResponse(
            readiness | {"behind": self.handler.is_behind, "unwritable": not is_writable, "unusual_shares": [*kinds]}
        )

    async def metrics(self, _: Request) -> Response:
        """Show the metrics, without waiting for the lock of the history."""
        if self.measuring is None or self.measuring.done():
            self.measuring = call_in_thread(self.handler.measure_history)
        await asyncio.wait([self.measuring], timeout=METRICS_SECONDS)
        content = await asyncio.to_thread(self.handler.metrics.render)
        return Response(content, media_type=CONTENT_TYPE_LATEST)

    async def openapi(self, _: Request) -> Response:
        """Show the OpenAPI document."""
        return Response(self.openapi_json, media_type="application/json")

    def _not_ready(self) -> Response:
        return error_response(503, NOT_WARM if WARM_UP in self.background.failing else LOADING, RETRY_AFTER)


def rejection(error: RejectedRequest) -> Response:
    """Return the response to a rejected request."""
    return error_response(error.status, str(error), RETRY_AFTER if error.status == 503 else None)


def _parse_query(query: bytes) -> tuple[bool | None, Language | None, bool | None]:
    """Return ``reasons``, ``language`` and ``record``; None for a parameter with an invalid value."""
    if not query:
        return False, "en", False
    parameters = QueryParams(query)
    language = parameters.get("language", "en").lower()
    known = next((name for name in LANGUAGES if name == language), None)
    reasons, record = (FLAGS.get(parameters.get(name, "false").lower()) for name in ("reasons", "record"))
    return reasons, known, record


def _respond(request: Request, result: Reply | RejectedRequest) -> Response:
    """Return the response, and leave its counts for the access log."""
    if isinstance(result, RejectedRequest):
        return rejection(result)
    request.scope["state"]["counts"].update(result.counts)
    headers = {} if result.offset is None else {OFFSET: str(result.offset)}
    if result.request_id:
        headers[REQUEST_ID] = result.request_id
    return Response(result.content, headers=headers, media_type="application/json")
