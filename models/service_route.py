"""A route that FastAPI describes and does not run."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

__all__ = ["BareRoute"]


class BareRoute(APIRoute):
    """A route whose function takes the request and returns the response, and nothing is done in between.

    What FastAPI does there, to read parameters and to check answers, takes longer than to score a record. It goes on
    to describe the route.

    Parameters
    ----------
    path : str
        Its path.
    endpoint : callable
        From a `Request` to an awaitable `Response`.
    **options
        As for `APIRoute`.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = answer
