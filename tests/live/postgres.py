"""A private PostgreSQL server on a socket in a temporary folder, for tests and benchmarks."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

__all__ = ["PostgresServer", "binaries", "running_server"]

SETTINGS = ["-c", "listen_addresses=", "-c", "max_connections=60", "-c", "shared_buffers=64MB"]


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs; None if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


class PostgresServer:
    """A server of our own: it can be stopped, killed and started again.

    Parameters
    ----------
    folder : Path
        An empty folder, which the server's user may enter.
    """

    def __init__(self, folder: Path) -> None:
        found = binaries()
        assert found is not None
        self.programs, self.data, self.socket = found, folder / "data", folder / "s"
        # PostgreSQL refuses to run as root.
        self.user = "postgres" if os.getuid() == 0 else None
        self.socket.mkdir()
        if self.user:
            for path in (folder, self.socket):
                shutil.chown(path, self.user)
        self.process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self._run("initdb", "-D", str(self.data), "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = [str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.socket), *SETTINGS]
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(command, user=self.user, stdout=log, stderr=log, cwd="/")
        end = time.monotonic() + 60
        while subprocess.run(
            [self.programs / "pg_isready", "-h", self.socket, "-U", "tester"], stdout=subprocess.DEVNULL
        ).returncode:
            assert self.process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """Stop the server at once, as a crash does: no connection and no page in memory survives."""
        self._stop(signal.SIGQUIT)

    def stop(self) -> None:
        """Stop the server cleanly, and end all connections."""
        self._stop(signal.SIGINT)

    def new_address(self) -> str:
        """Create a database and return its address."""
        self._count += 1
        name = f"live{self._count}"
        self._run("createdb", "-h", str(self.socket), "-U", "tester", name)
        return f"postgresql://tester:secret@{quote(str(self.socket), safe='')}/{name}"

    def _stop(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(60)
            self.process = None

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        subprocess.run(command, user=self.user, check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Run a server until the end of the block. The path of its socket must be short."""
    folder = Path(tempfile.mkdtemp(prefix="fsvpg"))
    server = PostgresServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
