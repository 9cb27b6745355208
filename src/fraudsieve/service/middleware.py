"""Checks of a request before it is processed: token, media type, size, time to arrive, and requests in progress."""

import asyncio
import hmac
import logging
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fraudsieve.service.json_log import error_location, log_event, log_request, write_requests
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings, is_loopback

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
        log_request({"route": route, "method": method, "status": status, "ms": round(seconds * 1e3, 2)} | counts)
        if self.writing is None:
            self.writing = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._write)

    def _write(self) -> None:
        self.writing = None
        write_requests()


PUBLIC_PATHS = {"/healthz", "/readyz"}
"""Paths that need no token."""
RETRY_AFTER = {"retry-after": "1"}
WRONG_HOST = "host: expected localhost or a loopback address, got another name; a service with a token accepts any"
WRONG_ORIGIN = "origin: expected none, or that of the service, got another one; a service with a token accepts any"
UPGRADE = "upgrade: expected HTTP/1.1 alone, got an offer of another protocol; turn HTTP/2 off in the client"


class _BodyTooLargeError(Exception):
    pass


class _DisconnectedError(Exception):
    """The client has disconnected."""


def error_response(status: int, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an error response."""
    return JSONResponse({"error": reason}, status, headers)


class RequestLimits:
    """ASGI middleware: reads the body of an accepted request into its state, and answers a rejected one.

    The body of a request without the token is not read. A busy service answers 503 with Retry-After: at most
    ``max_requests`` requests are in progress, and no others are queued.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings = app, settings
        tokens = settings.label_tokens if settings.token is None else {settings.token: None, **settings.label_tokens}
        self.tokens = {token.encode("ascii"): sources for token, sources in tokens.items()}
        self.running = 0
        self.metric = metrics.running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it."""
        if scope["type"] != "http" or scope["path"] in PUBLIC_PATHS:
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        problem = _why_foreign(scope["headers"]) if self.settings.is_local_only else None
        rejection = error_response(403, problem) if problem else self._check_head(scope["method"], headers)
        if rejection is not None:
            await rejection(scope, receive, send)
        elif scope["method"] != "POST":
            await self.app(scope, receive, send)
        else:
            scope["state"]["sources"] = self.tokens.get(self._token_of(headers) or b"")
            await self._with_body(scope, receive, send)

    def _check_head(self, method: str, headers: Mapping[bytes, bytes]) -> JSONResponse | None:
        """Return the rejection of a request by its method and headers; None if it is accepted."""
        if b"upgrade" in headers:  # httptools reads neither its body nor what follows on the connection
            return error_response(400, UPGRADE, {"connection": "close"})
        if self.tokens and self._token_of(headers) is None:
            reason = "expected the header Authorization: Bearer, with the token of the service"
            return error_response(401, reason, {"www-authenticate": "Bearer"})
        if method != "POST":
            return None
        # A web page can make a browser send other media types across origins without a preflight request.
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            return error_response(415, "content-type: expected application/json, got something else")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return error_response(415, "content-encoding: expected an uncompressed body")
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.settings.max_body:
            return self._body_too_large()
        if self.running >= self.settings.max_requests:
            return error_response(503, "the service is busy; try again later", RETRY_AFTER)
        return None

    def _token_of(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Return the token of a request, which is compared with all of them; None if it has none of them."""
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        found = [known for known in self.tokens if hmac.compare_digest(token.strip(), known)]
        return found[0] if found and scheme.lower() == b"bearer" else None

    def _body_too_large(self) -> JSONResponse:
        return error_response(413, f"body: expected at most {self.settings.max_body} bytes, got more")

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        self.metric.inc()
        try:
            async with asyncio.timeout(self.settings.body_seconds):
                body = await self._read_body(receive)
        except TimeoutError:
            reason = f"body: expected all of it within {self.settings.body_seconds:g} s"
            await error_response(408, reason, {"connection": "close"})(scope, receive, send)
        except _BodyTooLargeError:
            await self._body_too_large()(scope, receive, send)
        except _DisconnectedError:
            pass
        else:
            scope["state"]["body"] = body
            await self.app(scope, receive, send)
        finally:
            self.running -= 1
            self.metric.dec()

    async def _read_body(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _DisconnectedError
            body += message.get("body", b"")
            if len(body) > self.settings.max_body:
                raise _BodyTooLargeError
            if not message.get("more_body", False):
                return bytes(body)


def _why_foreign(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return why a request may come from a web page of another site; None if it comes from this machine."""
    # A page can let its own domain point to 127.0.0.1 (DNS rebinding). To the browser the service is then part of that
    # site, and the page may read its answers: such requests carry the domain as their Host. TrustedHostMiddleware knows
    # no address but those that are listed, and before Starlette 1.7 none of IPv6.
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    if not hosts or not all(map(_is_local, hosts)):
        return WRONG_HOST
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    return WRONG_ORIGIN if any(origin.partition("://")[2] != hosts[0] for origin in origins) else None


def _is_local(host: str) -> bool:
    """Return whether a Host header names this machine."""
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
