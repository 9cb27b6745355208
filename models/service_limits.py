"""What a request must pass before it is worked on: token, kind and size of the body, time, and how many there are."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .service_metrics import Metrics
from .service_settings import Settings

__all__ = ["OPEN", "RETRY", "Guard", "problem"]

OPEN = {"/healthz", "/readyz"}
"""What may be asked without a token."""
RETRY = {"retry-after": "1"}

Message = MutableMapping[str, Any]


class _TooLargeError(Exception):
    pass


class _GoneError(Exception):
    """The caller went away."""


def problem(status: int, why: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer to a request that is not done.

    Parameters
    ----------
    status : int
        The status.
    why : str
        What was expected and what came.
    headers : dict of str to str, default=None
        Further headers.

    Returns
    -------
    JSONResponse
    """
    return JSONResponse({"error": why}, status, headers)


class Guard:
    """ASGI middleware: reads the body of a request that passes, and answers one that does not.

    Nothing is read for who shows no token. Whoever comes when the service is busy is told to come again: there is no
    queue beyond ``max_requests``.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    settings : Settings
        The token and the limits.
    metrics : Metrics
        Where requests that run are counted.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = self._why_not(scope["method"], headers)
        if answer is not None:
            await answer(scope, receive, send)
        elif scope["method"] != "POST":
            await self.app(scope, receive, send)
        else:
            await self._with_body(scope, receive, send)

    def _why_not(self, method: str, headers: Headers) -> JSONResponse | None:
        if not self._is_known(headers):
            why = "expected the header Authorization: Bearer, with the token of the service"
            return problem(401, why, {"www-authenticate": "Bearer"})
        if method != "POST":
            return None
        # A page in a browser can send other kinds of bodies here without being asked.
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return problem(415, "content-type: expected application/json, got something else")
        if headers.get("content-encoding", "identity") != "identity":
            return problem(415, "content-encoding: expected a body that is not compressed")
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self.settings.max_body:
            return self._too_large()
        if self.running >= self.settings.max_requests:
            return problem(503, "the service is busy, come again", RETRY)
        return None

    def _is_known(self, headers: Headers) -> bool:
        if self.settings.token is None:
            return True
        kind, _, shown = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(shown.strip().encode("latin-1"), self.settings.token.encode("ascii"))
        return same and kind.lower() == "bearer"

    def _too_large(self) -> JSONResponse:
        return problem(413, f"body: expected at most {self.settings.max_body} bytes, got more")

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        self.metrics.running.set(self.running)
        try:
            body = await asyncio.wait_for(self._body(receive), self.settings.body_seconds)
        except TimeoutError:
            seconds = self.settings.body_seconds
            answer = problem(408, f"body: expected all of it within {seconds:g} s", {"connection": "close"})
            await answer(scope, receive, send)
        except _TooLargeError:
            await self._too_large()(scope, receive, send)
        except _GoneError:
            pass
        else:
            await self.app(scope, _replay(body, receive), send)
        finally:
            self.running -= 1
            self.metrics.running.set(self.running)

    async def _body(self, receive: Receive) -> bytes:
        parts = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _GoneError
            parts += message.get("body", b"")
            if len(parts) > self.settings.max_body:
                raise _TooLargeError
            if not message.get("more_body", False):
                return bytes(parts)


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again
