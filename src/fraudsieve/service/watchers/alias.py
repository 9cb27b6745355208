"""Watcher of a registry alias: a new version is downloaded, checked and warmed up, and replaces the model in use."""

import gc
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from prometheus_client import Counter

from fraudsieve.exceptions import LocatedError
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.predict import Scorer
from fraudsieve.service.json_log import error_location, log_event
from fraudsieve.service.loaded_model import LoadedModel

__all__ = ["AliasWatcher", "ModelHolder"]


class ModelHolder(Protocol):
    """An object that uses a model, which can be replaced."""

    loaded: LoadedModel

    def replace_model(self, loaded: LoadedModel) -> None:
        """Use another model from now on; raise ArtifactError if it does not fit."""


class AliasWatcher:
    """Resolve an alias periodically and swap in the version that it points to.

    A version that is damaged, is not the one that was logged, or does not fit the service is rejected. It is not tried
    again until the alias has pointed elsewhere, and the model in use stays.

    Parameters
    ----------
    address : str
        ``models:/NAME@ALIAS``.
    holder : ModelHolder
        Holds the model in use.
    swaps : Counter
        Counts the checks by outcome.
    role : str, default="model"
        What the model is in the log: the model of the service, or its shadow.
    """

    def __init__(self, address: str, holder: ModelHolder, swaps: Counter, *, role: str = "model") -> None:
        self.address, self.holder, self.swaps, self.role = address, holder, swaps, role
        self.rejected: str | None = None
        self.outcome = "same"

    def check(self) -> str:
        """Check the alias once, and swap the model if it points to a new version.

        Returns ``same``, ``swapped`` or ``refused``.

        Raises
        ------
        Exception
            If the registry does not give the alias or the version, which is counted as ``unreachable``; or for any
            other reason, such as a full disk, which is counted as ``failed``.
        """
        self.outcome = "failed"
        try:
            self.outcome = self._outcome()
        finally:
            self.swaps.labels(self.outcome).inc()
        return self.outcome

    @contextmanager
    def _registry(self) -> Iterator[None]:
        """Count what is raised inside as ``unreachable``."""
        self.outcome = "unreachable"
        yield
        self.outcome = "failed"

    def _outcome(self) -> str:
        # Imported here: only a service that watches an alias needs MLflow.
        from fraudsieve.models.flavor import resolve_version

        with self._registry():
            version = resolve_version(self.address)
        if version != self.rejected:
            self.rejected = None
        if version in (self.holder.loaded.version, self.rejected):
            return "same"
        with tempfile.TemporaryDirectory(prefix="fraudsieve-") as folder:
            return self._download(version, folder)

    def _download(self, version: str, folder: str) -> str:
        from fraudsieve.models.flavor import logged_digest

        name = self.address.partition("@")[0]
        with self._registry():
            downloaded = model_folder(f"{name}/{version}", into=folder)
        return self._swap(version, lambda: Scorer.load(downloaded, digest=logged_digest(downloaded)))

    def _swap(self, version: str, load: Callable[[], Scorer]) -> str:
        old_version = self.holder.loaded.version
        try:
            self.holder.replace_model(LoadedModel(load(), version))
        except Exception as error:
            self.rejected = version
            why = error.problem if isinstance(error, LocatedError) else error_location(error)
            log_event(f"{self.role} refused", level=logging.ERROR, version=version, why=why, in_use=old_version)
            return "refused"
        # As at the start, the collector need not walk through the model. The old one is freed by its reference counts:
        # to unfreeze it, and to walk through everything, would stop all requests for a tenth of a second (measured).
        gc.collect()
        gc.freeze()
        digest = self.holder.loaded.scorer.model.digest
        log_event(f"{self.role} swapped", before=old_version, version=version, digest=digest)
        return "swapped"
