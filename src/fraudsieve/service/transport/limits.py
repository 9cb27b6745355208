"""Checks of a request before it is processed: token, media type, size, time to arrive, and requests in progress."""

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings, is_loopback

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
