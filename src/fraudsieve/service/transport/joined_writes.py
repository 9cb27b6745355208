"""A transport that sends the head and the body of a response in one packet."""

import asyncio
from typing import Any

__all__ = ["JoinedWrites"]


class JoinedWrites:
    """A transport that joins all data written before the next turn of the event loop.

    uvicorn writes head and body of a response separately. As two packets, they take as long as all the rest of HTTP.
    Nothing is held back for longer than the current turn, whatever is written.

    Parameters
    ----------
    transport : asyncio.Transport
        The transport of the connection.
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport, self.loop = transport, loop
        self.parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Write data together with other data of this turn."""
        if not self.parts:
            self.loop.call_soon(self.flush)
        self.parts.append(data)

    def flush(self) -> None:
        """Write everything now."""
        if self.parts:
            data = b"".join(self.parts)
            self.parts.clear()
            self.transport.write(data)

    def close(self) -> None:
        """Close the connection after everything has been written."""
        self.flush()
        self.transport.close()
