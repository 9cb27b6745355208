"""The server: uvicorn with a bounded protocol, and a shutdown that lets requests finish. POSIX only."""

import asyncio
import logging
import os
import resource
import signal
import socket

import uvicorn
from starlette.applications import Starlette

from fraudsieve.service.transport.http11 import bounded_protocol

from .json_log import log_event, log_listening
from .settings import Settings
from .transport.limits import excess_app

__all__ = ["run"]

SPARE_FILES = 1024
"""Open files beyond those of accepted connections: the log, models, and connections that are turned away."""


def run(app: Starlette, settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in progress.

    If a thread does not finish in time, such as a watcher of a file system that hangs, this ends the process.

    Parameters
    ----------
    app : Starlette
        From `create_app`.
    settings : Settings
        Times and number of connections.
    listener : socket.socket
        The listening socket; workers share it.
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
    server = uvicorn.Server(config)
    # uvicorn raises the signal again once it has stopped; the exit code would then be that of a killed process.
    # A signal that arrives before uvicorn handles them must not be lost either.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, server.handle_exit)
    if settings.workers == 1:  # otherwise the supervisor has logged it
        log_listening(listener)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # uvloop, if it is installed
        runner.run(server.serve(sockets=[listener]))
    if app.state.abandoned:
        _exit_now()


def _exit_now() -> None:
    """End the process without waiting for its threads, which may hang or compute for long."""
    logging.shutdown()
    os._exit(0)


def _allow_open_files(number: int) -> None:
    """Raise the soft limit on open files; without a free one no connection is accepted, not even for /healthz."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    allowed = number if hard == unlimited else min(number, hard)
    if soft != unlimited and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if hard != unlimited and hard < number:
        log_event("too few open files are allowed", level=logging.WARNING, expected=number, allowed=hard)
