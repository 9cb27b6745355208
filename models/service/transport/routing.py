"""Dispatch of requests to route functions, without FastAPI in between."""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["RouteDispatcher"]

Endpoint = Callable[[Request], Awaitable[Response]]


class RouteDispatcher:
    """ASGI middleware: calls the function of a route directly.

    To match the route, read parameters and validate the response, FastAPI takes longer than the model takes to score a
    record. FastAPI still describes the routes, and answers requests that match none.

    Parameters
    ----------
    app : ASGI application
        Answers all other requests.
    routes : iterable of BaseRoute
        Routes whose paths have no parameters, and whose functions take a request and return a response.
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
