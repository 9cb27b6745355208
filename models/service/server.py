"""Running the service: a socket, uvicorn, and an end that lets requests finish."""

import asyncio
import os
import signal
import socket

import uvicorn
from fastapi import FastAPI

from fraudsieve.exceptions import ServiceError
from fraudsieve.models.service.transport.http11 import bounded_protocol

from .json_log import log_event
from .settings import Settings

__all__ = ["listen", "run"]

BACKLOG = 2048
"""Connections that wait to be accepted, and how many uvicorn asks for."""


def listen(host: str, port: int) -> socket.socket:
    """Open the socket of the service.

    Parameters
    ----------
    host : str
        An address of this machine.
    port : int
        The port; 0 for any that is free.

    Returns
    -------
    socket.socket

    Raises
    ------
    ServiceError
        When it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY; without it every answer waits 40 ms for an acknowledgement.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        opened.close()
        problem = f"cannot be listened on ({getattr(error, 'strerror', None) or type(error).__name__})"
        raise ServiceError(f"{host}, port {port}", problem, "Name another with --host and --port.") from None
    return opened


def run(app: FastAPI, settings: Settings, opened: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT comes, then finish what is being answered.

    Parameters
    ----------
    app : FastAPI
        From `create_app`.
    settings : Settings
        The times and the number of connections.
    opened : socket.socket
        From `listen`.
    """
    config = uvicorn.Config(
        app,
        http=bounded_protocol(
            settings.body_seconds,
            settings.max_body,
            settings.max_connections,
            app.state.handler.metrics.refused.inc,
        ),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.grace_seconds)),
    )
    host, port = opened.getsockname()[:2]
    log_event("listening", host=host, port=port)
    # uvicorn raises the signal again once it has stopped, and the exit code would be that of a kill.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # uvloop's, where there is one
        runner.run(uvicorn.Server(config).serve(sockets=[opened]))
