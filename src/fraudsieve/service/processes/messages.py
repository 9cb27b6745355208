"""Messages between a worker and its supervisor, over a pipe that closes if either of them dies."""

import os
import signal
import threading
from multiprocessing.connection import Connection

READY = "ready"
"""From a worker: its model is warm, and it serves."""
DRAINED = "drained"
"""From a worker that stops: its last request is answered, and it waits for CLOSE."""
CLOSE = "close"
"""To a worker: close the history and exit."""


class WorkerChannel:
    """The worker's end of the pipe. If the supervisor dies, the worker stops as on SIGTERM."""

    def __init__(self, pipe: Connection, *, takes_snapshots: bool) -> None:
        self._pipe, self.takes_snapshots = pipe, takes_snapshots
        self._may_close = threading.Event()
        self.is_orphan = False
        threading.Thread(target=self._listen, name="supervisor", daemon=True).start()

    def send(self, message: object) -> None:
        """Send a message to the supervisor, if it is alive."""
        try:
            self._pipe.send(message)
        except OSError:
            self.is_orphan = True

    def wait_to_close(self) -> None:
        """Report that all requests are answered, and wait until the history may be closed."""
        self.send(DRAINED)
        self._may_close.wait()

    def _listen(self) -> None:
        try:
            self._pipe.recv()  # CLOSE is all that is ever sent
        except (EOFError, OSError):
            self.is_orphan = True
            os.kill(os.getpid(), signal.SIGTERM)
        self._may_close.set()
