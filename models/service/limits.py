"""What a request must pass before it is worked on: token, kind and size of the body, time, and how many there are."""

import asyncio
import hmac
from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .metrics import Metrics
from .settings import Settings

__all__ = ["PUBLIC_PATHS", "RETRY_AFTER", "RequestLimits", "error_response"]

PUBLIC_PATHS = {"/healthz", "/readyz"}
"""What may be asked without a token."""
RETRY_AFTER = {"retry-after": "1"}


class _TooLargeError(Exception):
    pass


class _GoneError(Exception):
    """The caller went away."""


def error_response(status: int, why: str, headers: dict[str, str] | None = None) -> JSONResponse:
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


class RequestLimits:
    """ASGI middleware: reads the body of a request that passes, into its state, and answers one that does not.

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
        self.app, self.settings = app, settings
        self.running = 0
        metrics.running.set_function(lambda: self.running)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http" or scope["path"] in PUBLIC_PATHS:
            await self.app(scope, receive, send)
            return
        answer = self._why_not(scope["method"], dict(scope["headers"]))
        if answer is not None:
            await answer(scope, receive, send)
        elif scope["method"] != "POST":
            await self.app(scope, receive, send)
        else:
            await self._with_body(scope, receive, send)

    def _why_not(self, method: str, headers: Mapping[bytes, bytes]) -> JSONResponse | None:
        if not self._is_known(headers):
            why = "expected the header Authorization: Bearer, with the token of the service"
            return error_response(401, why, {"www-authenticate": "Bearer"})
        if method != "POST":
            return None
        # A page in a browser can send other kinds of bodies here without being asked.
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
            return error_response(415, "content-type: expected application/json, got something else")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return error_response(415, "content-encoding: expected a body that is not compressed")
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.settings.max_body:
            return self._too_large()
        if self.running >= self.settings.max_requests:
            return error_response(503, "the service is busy, come again", RETRY_AFTER)
        return None

    def _is_known(self, headers: Mapping[bytes, bytes]) -> bool:
        if self.settings.token is None:
            return True
        kind, _, shown = headers.get(b"authorization", b"").partition(b" ")
        same = hmac.compare_digest(shown.strip(), self.settings.token.encode("ascii"))
        return same and kind.lower() == b"bearer"

    def _too_large(self) -> JSONResponse:
        return error_response(413, f"body: expected at most {self.settings.max_body} bytes, got more")

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.running += 1
        try:
            if scope["state"].get("whole"):
                body = await self._body(receive)
            else:
                async with asyncio.timeout(self.settings.body_seconds):
                    body = await self._body(receive)
        except TimeoutError:
            seconds = self.settings.body_seconds
            answer = error_response(408, f"body: expected all of it within {seconds:g} s", {"connection": "close"})
            await answer(scope, receive, send)
        except _TooLargeError:
            await self._too_large()(scope, receive, send)
        except _GoneError:
            pass
        else:
            scope["state"]["body"] = body
            await self.app(scope, receive, send)
        finally:
            self.running -= 1

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
