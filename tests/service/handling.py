"""A request handler without HTTP, and what it answers; and a client of an application without sockets."""

import json
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from fraudsieve.models import Scorer
from fraudsieve.service.bodies import Reply, ScoreRequest
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.loaded_model import LoadedModel
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings


def handler_of(
    model: Path | Scorer, version: str | None = None, *, state: Path | None = None, **settings: Any
) -> RequestHandler:
    """Return the handler of a model with some settings."""
    scorer = model if isinstance(model, Scorer) else Scorer.load(model)
    settings["state"] = None if state is None else str(state)
    return RequestHandler(LoadedModel(scorer, version), Settings(**settings), Metrics())


def reply_of(handler: RequestHandler, body: Any, *, reasons: bool = False, name: str = "") -> Reply:
    """Return the answer to a request for scores, which must not be rejected."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    (reply,) = handler.score([ScoreRequest(content, reasons, id=name)])
    assert isinstance(reply, Reply), reply
    return reply


def client_of(app: Starlette) -> httpx.AsyncClient:
    """Return a client that calls an application in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
