"""The HTTP service: `create_app` puts a request handler behind routes, limits and metrics."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

import fraudsieve
from fraudsieve.models.predict import Scorer
from fraudsieve.models.service.transport.routing import RouteDispatcher

from .access_log import AccessLog
from .alias_watcher import AliasWatcher
from .batching import MicroBatcher
from .bodies import RejectedRequest, Reply, ScoreRequest
from .handlers import RequestHandler
from .json_log import log_event
from .limits import RETRY_AFTER, RequestLimits, error_response
from .loaded_model import LoadedModel
from .metrics import Metrics
from .schemas import ErrorBody, EventsResult, Health, ModelInfo, Score, events_body, score_body
from .settings import Settings

__all__ = ["create_app"]

CHECKPOINT_SECONDS = 60.0
BATCH_BYTES = 1 << 16
"""Bytes of request bodies that are scored in one call, so that a large body does not delay small ones."""
INLINE_BYTES = 1 << 12
"""Bytes of request bodies that are scored in the event loop: it takes a few milliseconds."""
LOADING = "the model is being loaded, try again later"
TRUE, FALSE = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
FLAGS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
"""Values of boolean query parameters, as FastAPI parses them."""
ERRORS = {
    400: "The body is not JSON",
    401: "The token is missing or wrong",
    408: "The body did not arrive in time",
    409: "The model does not use such records",
    413: "The body is too large, or has too many records",
    415: "The media type or the encoding of the body is not supported",
    422: "The body does not have the expected structure",
    503: "The service is busy or not ready: try again after the seconds in Retry-After",
}


def create_app(scorer: Scorer, settings: Settings | None = None) -> FastAPI:
    """Create the service of a model.

    Parameters
    ----------
    scorer : Scorer
        The model.
    settings : Settings, default=None
        Limits, token, folder of the history, registry alias to watch; None for the defaults.

    Returns
    -------
    FastAPI
        An ASGI application. Its ``state.handler`` holds the model and the history. Run it in one process only, because
        the history is in its memory.

    Raises
    ------
    StateError
        If the folder of the history cannot be used.

    Examples
    --------
    ::

        app = create_app(Scorer.load("fraudsieve-model"), Settings(token="..."))
        uvicorn.run(app)
    """
    settings = settings or Settings()
    metrics = Metrics()
    # LightGBM cannot predict with different numbers of threads at the same time, so each call has one thread.
    loaded = LoadedModel(Scorer(scorer.model, policy=scorer.policy), settings.version)
    handler = RequestHandler(loaded, settings, metrics)
    app = Service(
        title="fraudsieve",
        version=fraudsieve.__version__,
        description="Scores messages, accounts and events, and keeps the event history that the model uses.",
        lifespan=partial(_lifespan, handler),
        docs_url=None,  # both pages load scripts from other sites
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the text of an error may quote a message
    )
    app.state.handler = handler
    app.state.pool = ThreadPoolExecutor(settings.n_threads, thread_name_prefix="score")
    _add_score_route(app, handler)
    _add_events_route(app, handler)
    _add_model_route(app, handler)
    _add_operations_routes(app, handler)
    _add_error_handler(app)
    limits = RequestLimits(RouteDispatcher(app.answer, app.routes), settings, metrics)
    app.front = AccessLog(limits, metrics, frozenset(getattr(route, "path", "") for route in app.routes))
    return app


class Service(FastAPI):
    """FastAPI behind custom middleware; most requests bypass FastAPI's own."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await (self.front if scope["type"] == "http" else self.answer)(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as FastAPI does."""
        await super().__call__(scope, receive, send)


@asynccontextmanager
async def _lifespan(handler: RequestHandler, app: FastAPI) -> AsyncIterator[None]:
    """Warm up in the background, watch the alias, and close everything at shutdown."""
    tasks = [asyncio.create_task(_get_ready(handler)), asyncio.create_task(_checkpoint(handler))]
    if handler.settings.alias is not None:
        watcher = AliasWatcher(handler.settings.alias, handler)
        tasks.append(asyncio.create_task(watcher.watch(handler.settings.watch_seconds)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(app.state.pool.shutdown)
        await asyncio.to_thread(handler.close)
        log_event("stopped")


async def _get_ready(handler: RequestHandler) -> None:
    await asyncio.to_thread(handler.warm_up)
    model = handler.loaded.scorer.model
    log_event("ready", model=model.name, version=handler.loaded.version, digest=model.digest)


async def _checkpoint(handler: RequestHandler) -> None:
    while True:
        await asyncio.sleep(CHECKPOINT_SECONDS)
        await asyncio.to_thread(handler.checkpoint)


def _add_score_route(app: FastAPI, handler: RequestHandler) -> None:
    batcher: MicroBatcher[ScoreRequest, Reply | RejectedRequest] = MicroBatcher(
        app.state.pool,
        handler.settings.n_threads,
        handler.score,
        size=lambda request: len(request.body),
        max_size=BATCH_BYTES,
        inline_size=INLINE_BYTES if handler.live is None else 0,  # a history may be locked by an update
    )

    @app.post(
        "/v1/score",
        summary="Score one record or a list of records",
        response_model=Score | list[Score],
        openapi_extra=score_body(handler.loaded.scorer.model, handler.settings.max_records),
        responses=_error_responses(400, 401, 408, 413, 415, 422, 503),
    )
    async def score(request: Request) -> Response:
        """A record that cannot be scored has the status ``unscorable`` and a reason; the others are scored."""
        if not handler.is_warm:
            return error_response(503, LOADING, RETRY_AFTER)
        reasons = _parse_reasons(request.scope["query_string"])
        if reasons is None:
            return error_response(422, "reasons: expected true or false, got something else")
        state = request.scope["state"]
        alone = len(state.get("tasks", ())) == 1
        return _respond(request, await batcher.submit(ScoreRequest(state["body"], reasons), alone=alone))


def _add_events_route(app: FastAPI, handler: RequestHandler) -> None:
    @app.post(
        "/v1/events",
        summary="Add events, labels or messages to the live history",
        response_model=EventsResult,
        openapi_extra=events_body(handler.settings.max_records),
        responses=_error_responses(400, 401, 408, 409, 413, 415, 422, 503),
    )
    async def events(request: Request) -> Response:
        """Each request holds one type of record. Accepted records are stored when the response is sent.

        Rejected records are listed with position and reason. An event that is sent again with the same ``event_id``, or
        a message with the same ``message_id``, counts once.
        """
        if not handler.is_warm:
            return error_response(503, LOADING, RETRY_AFTER)
        ingest = partial(_ingest, handler, request.scope["state"]["body"])
        return _respond(request, await asyncio.get_running_loop().run_in_executor(app.state.pool, ingest))


def _add_model_route(app: FastAPI, handler: RequestHandler) -> None:
    @app.get(
        "/v1/model",
        summary="Describe the model in use",
        response_model=ModelInfo,
        responses=_error_responses(401),
    )
    async def model(_: Request) -> Response:
        return JSONResponse(handler.describe_model())


def _add_operations_routes(app: FastAPI, handler: RequestHandler) -> None:
    @app.get("/healthz", summary="Check that the service is running", response_model=Health)
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @app.get(
        "/readyz",
        summary="Check that the service is ready to score",
        response_model=Health,
        responses=_error_responses(503),
    )
    async def readyz(_: Request) -> Response:
        return JSONResponse({"status": "ready"}) if handler.is_warm else error_response(503, LOADING, RETRY_AFTER)

    @app.get("/metrics", summary="Prometheus metrics", response_class=Response, responses=_error_responses(401))
    async def metrics(_: Request) -> Response:
        return Response(await asyncio.to_thread(handler.render_metrics), media_type=CONTENT_TYPE_LATEST)


def _parse_reasons(query: bytes) -> bool | None:
    """Return the value of the parameter ``reasons``; None if it is neither true nor false."""
    return FLAGS.get(QueryParams(query).get("reasons", "false").lower()) if query else False


def _error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorBody, "description": ERRORS[status]} for status in statuses}


def _ingest(handler: RequestHandler, body: bytes) -> Reply | RejectedRequest:
    try:
        return handler.ingest(body)
    except RejectedRequest as error:
        return error


def _respond(request: Request, result: Reply | RejectedRequest) -> Response:
    """Return the response, and leave its counts for the access log."""
    if isinstance(result, RejectedRequest):
        return error_response(result.status, str(result), RETRY_AFTER if result.status == 503 else None)
    request.scope["state"]["counts"].update(result.counts)
    return Response(result.content, media_type="application/json")


def _add_error_handler(app: FastAPI) -> None:
    """Answer errors of FastAPI with an `ErrorBody`, which quotes nothing of the request."""

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        headers = dict(error.headers) if error.headers else None
        return error_response(error.status_code, str(error.detail), headers)
