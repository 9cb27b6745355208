"""What is counted and logged of every request, and what is answered when something breaks."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .json_log import error_location, log_event
from .limits import error_response
from .metrics import Metrics

__all__ = ["AccessLog"]

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}


class AccessLog:
    """ASGI middleware, the outermost: counts and logs requests, and turns errors into 500.

    Parameters
    ----------
    app : ASGI application
        What answers.
    metrics : Metrics
        Where it is counted.
    routes : frozenset of str
        The paths of the service; others are counted as one.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: frozenset[str]) -> None:
        self.app, self.metrics, self.routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and see what becomes of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        counts: dict[str, int] = {}
        scope.setdefault("state", {})["counts"] = counts  # the routes fill them in

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:  # its text may quote a message, so it goes nowhere
            log_event("error", level=logging.ERROR, error=error_location(error))
            if status:
                raise
            await error_response(500, "the service failed; its log says where")(scope, receive, watched)
        route = scope["path"] if scope["path"] in self.routes else "other"
        seconds = time.perf_counter() - started
        self.metrics.count_request(route, status or 499, seconds)  # 499: the caller went away
        method = scope["method"] if scope["method"] in METHODS else "other"
        log_event("request", route=route, method=method, status=status or 499, ms=round(seconds * 1e3, 2), **counts)
