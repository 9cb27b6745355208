"""The server: uvicorn that answers half-closed connections, and a shutdown that lets requests finish. POSIX only.

The protocol over httptools answers 11 times as many requests of one client as MLflow's server, where the bar of
``benchmarks.speed serve`` is 10; the one over h11 answers 7 times as many. A proxy limits slow and idle clients,
connections and the head of a request: ``examples/nginx.conf``.
"""

import asyncio
import logging
import os
import resource
import signal
import socket

import uvicorn
import uvloop
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .json_log import log_listening
from .settings import Settings

MAX_OPEN_FILES = 65_536
"""Most connections and files that are open at the same time, if the system allows as many."""


def run(app: Starlette, settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in progress.

    If a thread does not finish in time, such as a watcher of a file system that hangs, this ends the process.

    Parameters
    ----------
    app : Starlette
        From `create_app`.
    settings : Settings
        Times.
    listener : socket.socket
        The listening socket; workers share it.
    """
    _allow_open_files()
    _disconnect_who_does_not_read(listener, settings.body_seconds)
    config = uvicorn.Config(
        app,
        http=_HalfOpenProtocol,
        ws="none",
        log_config=None,
        log_level="error",  # a client could fill the log with warnings
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=max(1, round(settings.body_seconds)),
        timeout_graceful_shutdown=max(1, round(settings.grace_seconds)),
    )
    server = uvicorn.Server(config)
    # uvicorn raises the signal again once it has stopped; the exit code would then be that of a killed process.
    # A signal that arrives before uvicorn handles them must not be lost either.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, server.handle_exit)
    if settings.workers == 1:  # otherwise the supervisor has logged it
        log_listening(listener)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(sockets=[listener]))
    if app.state.abandoned:  # threads that are not waited for, because they may hang or compute for long
        logging.shutdown()
        os._exit(0)


class _HalfOpenProtocol(HttpToolsProtocol):
    """uvicorn's protocol, for clients too that shut down their side once they have sent their requests.

    uvicorn closes such a connection: what the request stored stays stored, and nobody is told.
    """

    def eof_received(self) -> bool:  # type: ignore[override]
        """Return whether to keep the connection until all answers are sent."""
        self.shutdown()  # that of one connection: it ends with the last answer, or now if none is owed
        return self.cycle is not None and not self.cycle.more_body


def _allow_open_files() -> None:
    """Raise the soft limit on open files; without a free one no connection is accepted, not even for /healthz."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _disconnect_who_does_not_read(listener: socket.socket, seconds: float) -> None:
    """Have the system close accepted connections whose client reads nothing for this time; Linux only."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
