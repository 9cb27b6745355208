"""The HTTP service: `create_app` puts the handler behind routes, limits and metrics."""

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
TOGETHER = 1 << 16
"""Bytes of the bodies that are scored in one go: a large one keeps no small ones waiting."""
SMALL = 1 << 12
"""Bytes of the bodies that are scored without a thread of their own: some milliseconds."""
LOADING = "the model is being loaded, come again"
YES, NO = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
FLAGS = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
"""As FastAPI reads a parameter that is true or false."""
WHYS = {
    400: "The body is no JSON",
    401: "The token is missing, or another",
    408: "The body did not arrive in time",
    409: "The model does not look at such a history",
    413: "The body is too large, or has too many records",
    415: "The body is of another kind",
    422: "The body is of another form",
    503: "The service is busy, or not ready yet; come again after the seconds of Retry-After",
}


def create_app(scorer: Scorer, settings: Settings | None = None) -> FastAPI:
    """Make the service of a model.

    Parameters
    ----------
    scorer : Scorer
        The model.
    settings : Settings, default=None
        Limits, token, the folder of the history, the alias that is followed.

    Returns
    -------
    FastAPI
        An ASGI application. Its ``state.handler`` holds the model and the history. One process may run it: the history
        is in its memory.

    Raises
    ------
    StateError
        When the folder of the history cannot be used.

    Examples
    --------
    ::

        app = create_app(Scorer.load("fraudsieve-model"), Settings(token="..."))
        uvicorn.run(app)
    """
    settings = settings or Settings()
    metrics = Metrics()
    # One thread a call: LightGBM cannot predict with several numbers of threads at a time.
    handler = RequestHandler(
        LoadedModel(Scorer(scorer.model, policy=scorer.policy), settings.version), settings, metrics
    )
    app = Service(
        title="fraudsieve",
        version=fraudsieve.__version__,
        description="Scores messages, accounts and events; keeps the history that the model looks at.",
        lifespan=partial(_lifespan, handler),
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the text of an error may quote a message
    )
    app.state.handler = handler
    app.state.pool = ThreadPoolExecutor(settings.n_threads, thread_name_prefix="score")
    _add_routes(app, handler)
    _add_answers(app)
    guard = RequestLimits(RouteDispatcher(app.answer, app.routes), settings, metrics)
    app.front = AccessLog(guard, metrics, frozenset(getattr(route, "path", "") for route in app.routes))
    return app


class Service(FastAPI):
    """FastAPI behind layers of our own, which need none of its own for most requests."""

    front: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await (self.front if scope["type"] == "http" else self.answer)(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as FastAPI does."""
        await super().__call__(scope, receive, send)


@asynccontextmanager
async def _lifespan(handler: RequestHandler, app: FastAPI) -> AsyncIterator[None]:
    """Warm up while the service can be asked already, follow the alias, and close what is open at the end."""
    tasks = [asyncio.create_task(_get_ready(handler)), asyncio.create_task(_checkpoint(handler))]
    if handler.settings.alias is not None:
        follower = AliasWatcher(handler.settings.alias, handler)
        tasks.append(asyncio.create_task(follower.follow(handler.settings.watch_seconds)))
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
    model = handler.served.scorer.model
    log_event("ready", model=model.name, version=handler.served.version, digest=model.digest)


async def _checkpoint(handler: RequestHandler) -> None:
    while True:
        await asyncio.sleep(CHECKPOINT_SECONDS)
        await asyncio.to_thread(handler.checkpoint)


def _add_routes(app: FastAPI, handler: RequestHandler) -> None:
    most = handler.settings.max_records

    scores: MicroBatcher[ScoreRequest, Reply | RejectedRequest] = MicroBatcher(
        app.state.pool,
        handler.settings.n_threads,
        handler.score,
        size=lambda asked: len(asked.body),
        most=TOGETHER,
        small=SMALL if handler.live is None else 0,  # a history may be busy with an event
    )

    def done(request: Request, told: Reply | RejectedRequest) -> Response:
        if isinstance(told, RejectedRequest):
            return error_response(told.status, str(told), RETRY_AFTER if told.status == 503 else None)
        request.scope["state"]["counts"].update(told.counts)
        return Response(told.content, media_type="application/json")

    @app.post(
        "/v1/score",
        summary="Score a record, or a list of records",
        response_model=Score | list[Score],
        openapi_extra=score_body(handler.served.scorer.model, most),
        responses=_problems(400, 401, 408, 413, 415, 422, 503),
    )
    async def score(request: Request) -> Response:
        """A record that cannot be scored has the status ``unscorable`` and says why; the others are scored."""
        if not handler.is_warm:
            return error_response(503, LOADING, RETRY_AFTER)
        reasons = _asks_for_reasons(request.scope["query_string"])
        if reasons is None:
            return error_response(422, "reasons: expected true or false, got something else")
        state = request.scope["state"]
        alone = len(state.get("tasks", ())) == 1
        return done(request, await scores.ask(ScoreRequest(state["body"], reasons), alone=alone))

    @app.post(
        "/v1/events",
        summary="Tell the live history of events, labels or messages",
        response_model=EventsResult,
        openapi_extra=events_body(most),
        responses=_problems(400, 401, 408, 409, 413, 415, 422, 503),
    )
    async def events(request: Request) -> Response:
        """One kind a request. What was accepted is kept; what was rejected has its position and a reason.

        An event with an ``event_id``, or a message with a ``message_id``, that comes again counts once.
        """
        if not handler.is_warm:
            return error_response(503, LOADING, RETRY_AFTER)
        taken = partial(_taken, handler, request.scope["state"]["body"])
        return done(request, await asyncio.get_running_loop().run_in_executor(app.state.pool, taken))

    @app.get("/v1/model", summary="The model in use", response_model=ModelInfo, responses=_problems(401))
    async def model(_: Request) -> Response:
        return JSONResponse(handler.describe())

    @app.get("/healthz", summary="Whether the service lives", response_model=Health)
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", summary="Whether the service can score", response_model=Health, responses=_problems(503))
    async def readyz(_: Request) -> Response:
        return JSONResponse({"status": "ready"}) if handler.is_warm else error_response(503, LOADING, RETRY_AFTER)

    @app.get("/metrics", summary="Metrics for Prometheus", response_class=Response, responses=_problems(401))
    async def metrics(_: Request) -> Response:
        return Response(await asyncio.to_thread(handler.page), media_type=CONTENT_TYPE_LATEST)


def _asks_for_reasons(query: bytes) -> bool | None:
    """Read the parameter; None where it is neither true nor false."""
    return FLAGS.get(QueryParams(query).get("reasons", "false").lower()) if query else False


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorBody, "description": WHYS[status]} for status in statuses}


def _taken(handler: RequestHandler, body: bytes) -> Reply | RejectedRequest:
    try:
        return handler.take(body)
    except RejectedRequest as error:
        return error


def _add_answers(app: FastAPI) -> None:
    """Answer in one form, and without what came."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        headers = dict(error.headers) if error.headers else None
        return error_response(error.status_code, str(error.detail), headers)
