"""The HTTP service: `create_app` puts a request handler behind routes, limits and metrics."""

import asyncio
import gc
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from fraudsieve.exceptions import StateError
from fraudsieve.models.predict import Scorer
from fraudsieve.service.middleware import AccessLog

from .background import STOP_SECONDS, BackgroundTasks, call_in_thread
from .bodies import RejectedRequest
from .handlers import RequestHandler
from .json_log import log_event
from .loaded_model import LoadedModel, SharedModel
from .metrics import Metrics
from .middleware import RequestLimits, error_response
from .processes.messages import READY, WorkerChannel
from .recording import CALLS, why_not_recorded
from .routes import WARM_UP, Routes, rejection
from .settings import Settings
from .watchers import AliasWatcher, RulesWatcher

CHECKPOINT_SECONDS = 60.0
DAY_SECONDS = 86_400.0
"""Until a service with few requests deletes rows that are too old to be kept."""
PROMISE_SECONDS = 3_600.0
MEASURE_SECONDS = 1.0
FOLLOW_SECONDS = 1.0
"""Seconds between two looks at the version that the workers share."""
WARM_UP_SECONDS = 1.0
"""Pause after the first failure."""


def create_app(scorer: Scorer, settings: Settings | None = None) -> Starlette:
    """Create the service of a model.

    Parameters
    ----------
    scorer : Scorer
        The model.
    settings : Settings, default=None
        Limits, token, store of the history, registry alias and rules file to watch; None for the defaults.

    Returns
    -------
    Starlette
        An ASGI application. Its ``state.handler`` holds the model and the history. Several processes can run it if the
        history has a store, which they follow.

    Raises
    ------
    StateError
        If the store of the history cannot be used.
    ServiceError
        If several workers would hold a history without a store.

    Examples
    --------
    ::

        app = create_app(Scorer.load("fraudsieve-model"), Settings(token="..."))
        uvicorn.run(app)
    """
    settings = settings or Settings()
    metrics = Metrics(is_shared=settings.workers > 1)
    # LightGBM cannot predict with different numbers of threads at the same time, so each call has one thread.
    loaded = LoadedModel(Scorer(scorer.model, policy=scorer.policy, rules=scorer.rules), settings.version)
    handler = RequestHandler(loaded, settings, metrics)
    background = BackgroundTasks(metrics)
    n_recording = CALLS if why_not_recorded(scorer.model, settings) is None else 0
    pool = ThreadPoolExecutor(settings.n_threads + n_recording, thread_name_prefix="score")
    routes = Routes(handler, background, pool).list()
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(AccessLog, metrics=metrics, routes=frozenset(route.path for route in routes)),
            Middleware(RequestLimits, settings=settings, metrics=metrics),
        ],
        exception_handlers={HTTPException: _http_error, RejectedRequest: _rejected},
        lifespan=partial(_lifespan, handler, background, pool),
    )
    app.router.redirect_slashes = False  # the target would be made from the Host header
    app.state.handler, app.state.channel, app.state.abandoned = handler, None, []
    return app


@asynccontextmanager
async def _lifespan(
    handler: RequestHandler, background: BackgroundTasks, pool: ThreadPoolExecutor, app: Starlette
) -> AsyncIterator[None]:
    """Warm up in the background, watch the alias, and close everything at shutdown."""
    channel: WorkerChannel | None = app.state.channel
    background.run_once(WARM_UP, partial(_get_ready, handler, channel), WARM_UP_SECONDS)
    if channel is None or channel.takes_snapshots:
        background.repeat("snapshot", handler.checkpoint, CHECKPOINT_SECONDS)
        background.repeat("daily snapshot", partial(handler.checkpoint, 0), DAY_SECONDS)
        if handler.score_log is not None:
            background.repeat("score log", handler.score_log.drop_old, CHECKPOINT_SECONDS)
    if handler.settings.state is not None:
        background.repeat("store", partial(_check_store, handler), MEASURE_SECONDS)
    if handler.score_log is not None:  # every worker shows it, and the store lets one of them bet on a day
        background.run_once("first look at promises", handler.watch_promises, PROMISE_SECONDS)
        background.repeat("promises", handler.watch_promises, PROMISE_SECONDS)
    if channel is not None:  # another worker may answer /metrics
        background.repeat("metrics", handler.measure_history, MEASURE_SECONDS)
    if handler.evidence is not None:
        background.repeat("evidence", handler.evidence.log_checkpoint, CHECKPOINT_SECONDS)
    _watch(handler, background)
    try:
        yield
    finally:
        await background.stop()
        stuck = await _stop_pool(pool) + (["history"] if handler.is_stalled else [])
        if channel is not None:
            await asyncio.to_thread(channel.wait_to_close)
        if not stuck:  # else a thread may hold the locks; accepted events are stored
            await asyncio.to_thread(handler.close)
        app.state.abandoned = background.running + stuck
        log_event("stopped", abandoned=app.state.abandoned)


async def _stop_pool(pool: ThreadPoolExecutor) -> list[str]:
    """Stop the threads that score; return their name if they do not finish in time."""
    stopping = call_in_thread(partial(pool.shutdown, cancel_futures=True))
    return ["score"] if (await asyncio.wait([stopping], timeout=STOP_SECONDS))[1] else []


def _watch(handler: RequestHandler, background: BackgroundTasks) -> None:
    """Watch what may change: the alias of the model, and the rules file."""
    settings, metrics, seconds = handler.settings, handler.metrics, handler.settings.watch_seconds
    if settings.alias is not None:
        alias = AliasWatcher(settings.alias, handler, metrics, SharedModel(settings.folder))
        background.repeat("alias", alias.check, seconds)
        if settings.folder is not None:
            background.repeat("version", alias.follow, FOLLOW_SECONDS)
    if settings.rules is not None:
        background.repeat("rules", RulesWatcher(settings.rules, handler).check, seconds)


def _check_store(handler: RequestHandler) -> None:
    """Show whether the store can be written; while it cannot, try: no request may come any more."""
    assert handler.store is not None
    with suppress(StateError):
        handler.store.check_room()
    handler.metrics.unwritable.set(not handler.store.is_writable)


def _get_ready(handler: RequestHandler, channel: WorkerChannel | None) -> None:
    handler.warm_up()
    # What exists now stays: the collector need not walk through all of it whenever a request makes many objects.
    gc.collect()
    gc.freeze()
    model = handler.loaded.scorer.model
    log_event("ready", model=model.name, version=handler.loaded.version, digest=model.digest)
    if channel is not None:
        channel.send(READY)


async def _rejected(_: Request, error: Exception) -> Response:
    assert isinstance(error, RejectedRequest)
    return rejection(error)


async def _http_error(_: Request, error: Exception) -> Response:
    """Answer errors of Starlette with an `ErrorBody`, which quotes nothing of the request."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return error_response(error.status_code, str(error.detail), headers)
