"""The model of the service: a sample record, and the check whether another model can replace it.

The model that the workers of one service use, in a folder that they share.

A worker that is started instead of a killed one uses the same version as the others, whatever the address says by then.
The folder ends with the service, so that a new start takes the model of the address. It does not depend on how the
workers are started.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from fraudsieve._io import write_file
from fraudsieve._typing import JsonObject
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.fields import FIELD_TYPES, ModelFields, model_fields
from fraudsieve.models.predict import Scorer

PARTS = ("events", "messages")
"""Types of records that `/v1/events` takes."""
SAMPLE = "Your parcel is held: pay the fee at http://parcel.example or call 13800000000. 您的账户异常，请点击链接。"


@dataclass(frozen=True)
class LoadedModel:
    """A model in use."""

    # The scorer; it uses one thread per call.
    scorer: Scorer
    version: str | None = None

    @cached_property
    def fields(self) -> ModelFields:
        """The fields of the records that the model scores."""
        return model_fields(self.scorer.model.matrix)


class RefusedVersion(NamedTuple):
    """The version that an alias points to, if it cannot replace the model in use, and whether a restart can use it."""

    version: str
    needs_restart: bool


def record_fields(model: Model) -> list[JsonObject]:
    """Return name, type and ``required`` of each field; a record without a required field is unscorable."""
    return [
        {"name": field.name, "type": FIELD_TYPES[field.kind].name, "required": field.required}
        for field in model.matrix.fields
        if field.instead_of is None
    ]


def sample_record(model: Model, time: datetime) -> JsonObject:
    """Make a record that a model can score."""
    values = {"string": "sample", "time": time.isoformat()}
    record = {field["name"]: values.get(field["type"]) for field in record_fields(model)}
    return record | ({"text": SAMPLE} if "text" in record else {})


def why_incompatible(old: Model, new: Model) -> str | None:
    """Return why a new model cannot replace the old one in a running service; None if it can."""
    if old.subject != new.subject:
        return f"it scores {new.subject}s, and the service scores {old.subject}s"
    if (old.legitimate is None) != (new.legitimate is None):
        return "only one of the two models gives a probability of fraud"
    if old.matrix.history_declaration != new.matrix.history_declaration:
        return "it uses another history than the service holds"
    return None


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
