"""The way to a route's function without what FastAPI does in between."""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["RouteDispatcher"]

Endpoint = Callable[[Request], Awaitable[Response]]


class RouteDispatcher:
    """ASGI middleware: calls the function of a route itself.

    What FastAPI does there, to find the route, to read parameters and to check answers, takes longer than to score a
    record. It describes the routes, and answers where there is none.

    Parameters
    ----------
    app : ASGI application
        What answers elsewhere.
    routes : iterable of BaseRoute
        The routes, of paths without parameters; their functions take the request and return the response.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        self.endpoints: dict[tuple[str, str], Endpoint] = {
            (method, route.path): route.endpoint
            for route in routes
            if isinstance(route, APIRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        endpoint = self.endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        response = await endpoint(Request(scope))
        await response(scope, receive, send)
