"""A folder in which the blocks of documents are run in order, as in a reader's shell and interpreter."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import fraudsieve
from tests.forks import fork_command

from .blocks import ROOT, Block

__all__ = ["Session"]

HERE = Path(__file__).parent
LIBRARY = Path(fraudsieve.__file__).parents[1]
"""Where this process has the library from: ``src`` in a checkout."""


class Session:
    """A shell, an interpreter and a folder: names last to the end of a document, files until the end.

    With ``forks``, commands are forks of one process (`tests.forks`); servers are always processes of their own.
    """

    def __init__(self, folder: Path, *, forks: bool = False) -> None:
        self.folder, self.document = folder, ""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "FRAUDSIEVE_"))}
        paths = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(LIBRARY)}
        self.environment = clean | paths | {"PORT": str(port), "PROJECT": str(ROOT / "pyproject.toml")}
        (folder / "shell.env").touch()
        self.environment["COMMAND"] = shlex.join(fork_command()) if forks else "command fraudsieve"
        self.python = subprocess.Popen(
            [sys.executable, str(HERE / "python_session.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=self.environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shell("stop_server")
        self.python.communicate()

    def run(self, block: Block) -> None:
        """Run a block, and raise AssertionError with what it printed if it fails."""
        if block.document != self.document:
            (self.folder / "shell.env").write_text("")
            self.document = block.document
        if block.language == "toml" and "[[rule]]" in block.text:
            (self.folder / "rules.toml").write_text(block.text, "utf-8")
            self.execute(block.place, "from fraudsieve.models.rules import read_rules; read_rules('rules.toml')")
        elif block.language == "toml":
            (self.folder / "recipe.toml").write_text(block.text, "utf-8")
            self.execute(block.place, "from fraudsieve import Recipe; Recipe.read('recipe.toml')")
        elif block.language == "python":
            self.execute(block.place, block.text)
        elif block.language == "console":
            lines = block.text.splitlines()
            printed = self.shell("\n".join(line[2:] for line in lines if line.startswith(("$ ", "> "))), block.place)
            shown = [line for line in lines if not line.startswith(("$ ", "> ", "…"))]
            _check_printed(block.place, shown, printed)
        else:
            self.shell(block.text, block.place)

    def shell(self, text: str, place: str = "") -> str:
        """Run commands, and return what they printed."""
        script = f"source {HERE / 'shell.sh'}\nsource shell.env\n{text}\nexport -p > shell.env\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{place} exits with {done.returncode}\n{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def execute(self, place: str, text: str) -> None:
        assert self.python.stdin is not None
        assert self.python.stdout is not None
        self.python.stdin.write(json.dumps([place, text]) + "\n")
        self.python.stdin.flush()
        while True:
            line = self.python.stdout.readline()
            if not line.startswith('"'):  # what a compiled library prints
                assert line, f"{place}: the interpreter ended"
                continue
            assert json.loads(line) == "", f"{place}\n{text}\n{json.loads(line)}"
            return


def _check_printed(place: str, shown: list[str], printed: str) -> None:
    """Raise AssertionError if a line of a block is not printed after the one before; numbers may differ."""
    rest = iter(map(_without_numbers, printed.splitlines()))
    for line in shown:
        assert _without_numbers(line) in rest, f"{place}: not printed: {line}\n{printed}"


def _without_numbers(line: str) -> str:
    return " ".join(re.sub(r"\d[\d,.]*", "0", line).split())
