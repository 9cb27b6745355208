"""The access log: every request is counted and logged, and answered with 500 if it raises."""

import asyncio
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fraudsieve.service.json_log import error_location, log_event, log_request, write_requests
from fraudsieve.service.metrics import Metrics

from .limits import error_response

PROBES = {"/healthz", "/readyz", "/metrics"}
"""Requests of machines, several a minute: they are counted, and logged only if they fail."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
CLIENT_CLOSED = 499
"""Status that is logged if the client disconnected before the response, as in nginx."""
WRITE_SECONDS = 0.05
"""Time after which the lines of requests are written, all at once; a process that is killed before loses them."""


class AccessLog:
    """Outermost ASGI middleware: counts and logs requests, and answers exceptions with 500."""

    writing: asyncio.TimerHandle | None = None

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: frozenset[str]) -> None:
        self.app, self.metrics, self.routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, then count and log it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        counts: dict[str, int] = {}
        scope.setdefault("state", {})["counts"] = counts  # filled in by the routes

        async def send_and_record_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_record_status)
        except Exception as error:  # its text may quote a message, so it is neither logged nor returned
            log_event("error", level=logging.ERROR, error=error_location(error))
            if status:
                raise
            internal_error = error_response(500, "internal error: see the log of the service")
            await internal_error(scope, receive, send_and_record_status)
        route = scope["path"] if scope["path"] in self.routes else "other"
        seconds = time.perf_counter() - started
        status = status or CLIENT_CLOSED
        self.metrics.count_request(route, status, seconds)
        if route in PROBES and status in (200, 503):  # while the service starts, /readyz is 503
            return
        method = scope["method"] if scope["method"] in METHODS else "other"
        log_request(route=route, method=method, status=status, ms=round(seconds * 1e3, 2), **counts)
        if self.writing is None:
            self.writing = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._write)

    def _write(self) -> None:
        self.writing = None
        write_requests()
