"""The model that the workers of one service use, in a folder that they share.

A worker that is started instead of a killed one uses the same version as the others, whatever the address says by then.
The folder ends with the service, so that a new start takes the model of the address. It does not depend on how the
workers are started.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fraudsieve._io import write_file


class FoundModel(NamedTuple):
    """A model folder, the digest that it must have, and the registered version, if they are known."""

    folder: Path
    digest: str | None = None
    version: str | None = None


class SharedModel:
    """A folder with a copy of the model in use, so that a replacement does not ask the registry.

    A single process has no folder, and shares nothing.
    """

    def __init__(self, folder: str | None = None) -> None:
        self.folder = None if folder is None else Path(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other worker share a model meanwhile. The system releases the lock of a killed worker."""
        if self.folder is None:
            yield
            return
        import fcntl  # here, so that the package can be imported on Windows

        with (self.folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read(self) -> FoundModel | None:
        """Return the model in use; None before there is one."""
        if self.folder is None or not (facts := self.folder / "in-use.json").exists():
            return None
        name, digest, version = json.loads(facts.read_bytes())
        return FoundModel(self.folder / name, digest, version)

    def write(self, found: FoundModel) -> FoundModel:
        """Share a copy of a model from now on, under the lock; return the model."""
        if self.folder is None:
            return found
        before = self.read()  # a worker may be reading it
        name = "model-1" if before is None or before.folder.name == "model-2" else "model-2"
        shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(found.folder, self.folder / name)
        write_file(self.folder / "in-use.json", json.dumps([name, *found[1:]]).encode())
        return found
