"""A walk: a table with its trained model and its reference scores, and the processes that its doors start."""

import functools
import json
import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.forks import fork_command
from tests.services import start_service
from tests.shared import mlflow_uri, shared_folder

from .scores import Scores, read_scores
from .table import TableFiles, UserTable

__all__ = ["BOUND_EXCEEDED", "CUTOFFS", "Answer", "Refused", "Walk", "cpu_seconds"]

BOUND_EXCEEDED = 3
READY_SECONDS = 300
"""A first service compiles for a minute, on a machine that other tests share."""
CUTOFFS = {"message": "sent_at", "account": "as_of", "event": "occurred_at"}
PLURALS = {"message": "messages", "account": "accounts", "event": "events"}


class Refused(AssertionError):
    """A door refuses a table: exit code 2, or a status of HTTP from 400 to 499."""

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__(words)
        self.seconds = seconds


@dataclass(frozen=True)
class Answer:
    """What a command answered: its exit code, its JSON, its error stream and the seconds of CPU time that it took."""

    code: int
    content: dict[str, Any]
    error: str
    seconds: float

    def succeeded(self, *codes: int) -> dict[str, Any]:
        """Return the JSON of a command that succeeded.

        Raises
        ------
        Refused
            If the exit code is 2.
        AssertionError
            If it is not 0, and not one of `codes`.
        """
        if self.code == 2:
            raise Refused(self.content.get("error", self.error), self.seconds)
        assert self.code in (0, *codes), f"exit code {self.code}: {self.content.get('error', '')}\n{self.error[-3000:]}"
        return self.content


class Walk:
    """A table whose model is trained once per run of the tests, in a folder that no door changes.

    Parameters
    ----------
    table : UserTable
        The table.
    outputs : Path
        Folder for what the doors of this process write.
    """

    def __init__(self, table: UserTable, outputs: Path) -> None:
        self.table, self.outputs, self.forks = table, outputs, False  # training and its scores start anew
        self.folder = shared_folder(f"walk-{table.name}", self._prepare)
        self.files: TableFiles = pickle.loads((self.folder / "files.pickle").read_bytes())
        self.forks = True
        self.services, self.clients = ExitStack(), dict[str, httpx.Client]()
        self.scored_live: Scores | None = None

    def close(self) -> None:
        """End the services."""
        self.services.close()

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.folder / "model"

    @property
    def rows(self) -> str:
        """The option of the table of the records: ``messages``, ``accounts`` or ``events``."""
        return PLURALS[self.table.subject]

    @property
    def trained(self) -> Answer:
        """The answer of ``train``."""
        return self._answer("train")

    @property
    def predicted(self) -> Answer:
        """The answer of ``predict`` to Parquet, which gives the reference."""
        return self._answer("predict")

    @functools.cached_property
    def reference(self) -> Scores:
        """The scores that every door is compared with: those of ``predict`` to Parquet."""
        self.predicted.succeeded()
        return read_scores(self.folder / "scores.parquet", len(self.files.records))

    @functools.cached_property
    def environment(self) -> dict[str, str]:
        """The variables of the environment of all processes: an MLflow store of the walk."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "FRAUDSIEVE_"))}
        return clean | {"MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db"}

    def run(self, *arguments: str | Path) -> Answer:
        """Run a command of ``fraudsieve`` in a process: a new one, or one that has imported what commands need."""
        program = fork_command() if self.forks else (sys.executable, "-m", "fraudsieve")
        done, seconds = self._run([*program, *map(str, arguments), "--json"])
        lines = done.stdout.strip().splitlines()
        return Answer(done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr, seconds)

    def run_program(self, program: str, content: Any) -> Any:
        """Run a Python program that reads JSON from a file and writes JSON to another; return what it wrote."""
        given, written = self.outputs / "given.json", self.outputs / "written.json"
        given.write_text(json.dumps(content), "utf-8")
        done, _ = self._run([sys.executable, "-c", program, str(given), str(written)])
        assert done.returncode == 0, done.stderr[-5000:]
        return json.loads(written.read_text("utf-8"))

    def serve(self, name: str, *options: str) -> httpx.Client:
        """Return a client of a service, which is started once and runs until the walk ends."""
        if name not in self.clients:
            service = start_service(self.model, self.outputs / f"{name}.log", *options, **self.environment)
            self.services.callback(service.kill)
            service.wait_until_listening()
            service.wait_for("ready", READY_SECONDS)
            self.clients[name] = self.services.enter_context(service.client())
        return self.clients[name]

    @staticmethod
    def options(tables: Mapping[str, Path]) -> list[str]:
        """Return files as options: ``--events FILE``."""
        return [word for name, path in tables.items() for word in (f"--{name}", str(path))]

    def predict(self, output: Path, *options: str | Path) -> Answer:
        """Score the new records as the owner does."""
        read = (*self.options(self.files.history), *self.files.options)
        scored = (f"--{self.rows}", self.files.new, "--output", output)
        return self.run("predict", "--model", self.model, *scored, *read, *options)

    @functools.cached_property
    def recorded(self) -> tuple[Path, Path]:
        """Scores in JSON Lines and the evidence of them, with all inputs."""
        scores, log = self.outputs / "scores.jsonl", self.outputs / "evidence.jsonl"
        evidence = ("--evidence", log, "--evidence-all", "--evidence-content", "kept")
        self.predict(scores, *evidence).succeeded()
        return scores, log

    def _prepare(self, folder: Path) -> None:
        """Write the files, train on them, and score the new records."""
        self.folder = folder
        (folder / "files").mkdir()
        self.files = self.table.write(folder / "files")
        (folder / "files.pickle").write_bytes(pickle.dumps(self.files))
        mlflow_uri(folder)
        tables = self.options(self.files.train)
        named = ("--name", self.table.name, "--output", folder / "model")
        answers = {"train": self.run("train", *tables, *self.files.options, *self.files.train_options, *named)}
        if answers["train"].code == 0:
            answers["predict"] = self.predict(folder / "scores.parquet")
        (folder / "answers.pickle").write_bytes(pickle.dumps(answers))

    def _answer(self, command: str) -> Answer:
        answers: dict[str, Answer] = pickle.loads((self.folder / "answers.pickle").read_bytes())
        assert command in answers, f"training failed: {answers['train'].content} {answers['train'].error[-3000:]}"
        return answers[command]

    def _run(self, command: list[str]) -> tuple[subprocess.CompletedProcess[str], float]:
        begin = cpu_seconds()
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )
        return done, cpu_seconds() - begin


def cpu_seconds() -> float:
    """Return the CPU time of the processes that have ended: it does not depend on what else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
