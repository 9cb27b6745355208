"""Run commands of ``fraudsieve`` as forks of one process that has imported what they need: most of their time.

``python forks.py SOCKET`` imports, prints a line, and forks a child for each command that arrives.
``python forks.py SOCKET COMMAND...`` runs a command there: in this folder and environment, with these streams, to its
exit code. Commands in new processes are tested in tests/cli, by the first hour, and by the training of each walk.
"""

import json
import os
import signal
import socket
import sys
from functools import cache
from importlib import import_module

__all__ = ["ask", "fork_command", "listen"]

IMPORTED = ("fraudsieve.training.fit", "lightgbm", "mlflow.store.tracking.sqlalchemy_store", "sklearn")


@cache
def fork_command() -> tuple[str, ...]:
    """Return how to call ``fraudsieve`` as a fork; the process that is forked begins with the first call."""
    import atexit
    import subprocess
    import tempfile

    folder = tempfile.TemporaryDirectory(prefix="forks-")
    atexit.register(folder.cleanup)
    call = (__file__, os.path.join(folder.name, "socket"))
    process = subprocess.Popen([sys.executable, *call], stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return (sys.executable, "-IS", *call)


def ask(address: str, arguments: list[str]) -> int:
    """Have a command run, and return its exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [b"\n"], [0, 1, 2])
        connection.sendall(json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode())
        connection.shutdown(socket.SHUT_WR)
        return int(connection.makefile().read())


def listen(address: str) -> None:
    """Wait for commands; return in the process of a command, as if its interpreter had just started."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            if not os.fork():
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection:
        _, streams, _, _ = socket.recv_fds(connection, 1, 3)
        arguments, folder, environment = json.load(connection.makefile())
        if command := os.fork():
            code = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
            connection.sendall(str(code if code >= 0 else 128 - code).encode())
            os._exit(0)
    for stream, descriptor in enumerate(streams):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments


if __name__ == "__main__":
    socket_path, *command_line = sys.argv[1:]
    if command_line:
        sys.exit(ask(socket_path, command_line))
    for name in IMPORTED:
        import_module(name)
    from fraudsieve.cli.app import main

    listen(socket_path)
    main()
