"""The listening socket of the service. It imports nothing else, because the supervisor of workers needs only this."""

import os
import socket

from fraudsieve.exceptions import ServiceError

BACKLOG = 2048
"""Connections that wait to be accepted; the default of uvicorn."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket of the service."""
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
