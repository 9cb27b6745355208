"""The server: a listening socket, uvicorn, and a shutdown that lets requests finish. POSIX only."""

import asyncio
import logging
import os
import resource
import signal
import socket

import uvicorn
from starlette.applications import Starlette

from fraudsieve.exceptions import ServiceError
from fraudsieve.models.service.transport.http11 import bounded_protocol

from .json_log import log_event
from .limits import excess_app
from .settings import Settings

__all__ = ["listen", "run"]

BACKLOG = 2048
"""Connections that wait to be accepted; the default of uvicorn."""
SPARE_FILES = 1024
"""Open files beyond those of accepted connections: the log, models, and connections that are turned away."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket of the service.

    Parameters
    ----------
    host : str
        An address of this machine.
    port : int
        Port; 0 for any free port.

    Returns
    -------
    socket.socket

    Raises
    ------
    ServiceError
        If the address or the port cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only if the protocol is named; without it each response waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        problem = f"cannot be listened on ({getattr(error, 'strerror', None) or type(error).__name__})"
        raise ServiceError(f"{host}, port {port}", problem, "Choose another with --host and --port.") from None
    return listener


def run(app: Starlette, settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in progress.

    Parameters
    ----------
    app : Starlette
        From `create_app`.
    settings : Settings
        Times and number of connections.
    listener : socket.socket
        From `listen`.
    """
    _allow_open_files(settings.max_connections + SPARE_FILES)
    metrics = app.state.handler.metrics
    config = uvicorn.Config(
        app,
        http=bounded_protocol(
            settings.body_seconds,
            settings.max_body,
            settings.max_connections,
            excess_app(metrics.rejected_connections.inc),
            app.state.turns,
        ),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.grace_seconds)),
    )
    host, port = listener.getsockname()[:2]
    log_event("listening", host=host, port=port)
    # uvicorn raises the signal again once it has stopped; the exit code would then be that of a killed process.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # uvloop, if it is installed
        runner.run(uvicorn.Server(config).serve(sockets=[listener]))


def _allow_open_files(number: int) -> None:
    """Raise the soft limit on open files; without a free one no connection is accepted, not even for /healthz."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    allowed = number if hard == unlimited else min(number, hard)
    if soft != unlimited and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if hard != unlimited and hard < number:
        log_event("too few open files are allowed", level=logging.WARNING, expected=number, allowed=hard)
