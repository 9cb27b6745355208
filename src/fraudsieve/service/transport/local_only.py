"""Protection of a service without a token against web pages in a browser of the same machine."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from fraudsieve.service.settings import is_loopback

from .limits import PUBLIC_PATHS, error_response

WRONG_HOST = "host: expected localhost or a loopback address, got another name; a service with a token accepts any"
WRONG_ORIGIN = "origin: expected none, or that of the service, got another one; a service with a token accepts any"


class LocalOnly:
    """ASGI middleware: rejects a request that a web page of another site may have sent.

    A page can let its own domain point to 127.0.0.1 (DNS rebinding). To the browser the service is then part of that
    site, and the page may read its answers. Such requests carry the domain as their ``Host``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it."""
        problem = None
        if scope["type"] == "http" and scope["path"] not in PUBLIC_PATHS:
            problem = _problem(scope["headers"])
        await (self.app if problem is None else error_response(403, problem))(scope, receive, send)


def _problem(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return why a request is rejected; None if it is accepted."""
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    if not hosts or not all(map(_is_local, hosts)):
        return WRONG_HOST
    origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
    if any(origin.partition("://")[2] != hosts[0] for origin in origins):
        return WRONG_ORIGIN
    return None


def _is_local(host: str) -> bool:
    """Return whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)
