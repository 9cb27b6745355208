"""Watchers of the alias of a registered model and of the rules file: what is new and valid replaces what is in use."""

import gc
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fraudsieve.exceptions import LocatedError, SchemaError
from fraudsieve.models.artifact.model_address import model_folder
from fraudsieve.models.predict import Scorer
from fraudsieve.models.rules.files import read_rules
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.json_log import error_location, log_event
from fraudsieve.service.loaded_model import FoundModel, LoadedModel, RefusedVersion, SharedModel
from fraudsieve.service.metrics import Metrics


class AliasWatcher:
    """Resolve an alias periodically and swap in the version that it points to.

    A version that is damaged, is not the one that was logged, or does not fit the service is rejected. It is not tried
    again until the alias has pointed elsewhere, and the model in use stays. Workers share the version that the first of
    them has swapped in.
    """

    def __init__(
        self, address: str, holder: RequestHandler, metrics: Metrics, shared: SharedModel | None = None
    ) -> None:
        self.address, self.holder, self.shared = address, holder, shared or SharedModel()
        self.swaps, self.gauge = metrics.swaps, metrics.refused
        self.outcome = "same"

    def check(self) -> str:
        """Check the alias once, and swap the model if it points to a new version.

        Returns ``same``, ``swapped`` or ``refused``.
        """
        self.outcome = "failed"
        try:
            self.outcome = self._outcome()
        finally:
            if self.outcome not in ("swapped", "refused"):  # these are counted before they are logged
                self._count(self.outcome)
        return self.outcome

    def follow(self) -> str:
        """Swap in the version that another worker has shared.

        Returns ``same``, ``swapped`` or ``refused``.
        """
        if self._newly_shared() is None:
            return "same"
        with self.shared.locked():  # this worker may be about to share what it has swapped in
            found = self._newly_shared()
        if found is None:
            return "same"
        return self._swap(str(found.version), lambda: Scorer.load(found.folder, digest=found.digest))

    def _count(self, outcome: str) -> None:
        self.swaps.labels(outcome).inc()
        self.gauge.set(self.holder.refused is not None)

    def _newly_shared(self) -> FoundModel | None:
        """Return the model that another worker has shared and this one has not tried; None if there is none."""
        found = self.shared.read()
        return None if found is None or self._is_known(found.version) else found

    def _is_known(self, version: str | None) -> bool:
        """Return whether a version is in use, or was rejected."""
        refused = self.holder.refused
        return version == self.holder.loaded.version or (refused is not None and version == refused.version)

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
        if self._is_known(version):
            if version == self.holder.loaded.version:
                self.holder.refused = None
            return "same"
        self.holder.refused = None
        with tempfile.TemporaryDirectory(prefix="fraudsieve-") as folder:
            return self._download(version, folder)

    def _download(self, version: str, folder: str) -> str:
        from fraudsieve.models.flavor import logged_digest

        name = self.address.partition("@")[0]
        with self._registry():
            downloaded = model_folder(f"{name}/{version}", into=folder)
        with self.shared.locked():
            if self._newly_shared() is not None:
                return "same"  # another worker was faster: this one follows it
            outcome = self._swap(version, lambda: Scorer.load(downloaded, digest=logged_digest(downloaded)))
            if outcome == "swapped":
                self.shared.write(FoundModel(downloaded, self.holder.loaded.scorer.model.digest, version))
            return outcome

    def _swap(self, version: str, load: Callable[[], Scorer]) -> str:
        old, needs_restart = self.holder.loaded, False
        try:
            new = load()
            needs_restart = old.scorer.model.matrix.history_declaration != new.model.matrix.history_declaration
            self.holder.replace_model(LoadedModel(new, version))
        except Exception as error:
            self.holder.refused = RefusedVersion(version, needs_restart)
            self._count("refused")
            why = error.problem if isinstance(error, LocatedError) else error_location(error)
            log_event(
                "model refused",
                level=logging.ERROR,
                version=version,
                why=why,
                needs_restart=needs_restart,
                in_use=old.version,
            )
            return "refused"
        # As at the start, the collector need not walk through the model. The old one is freed by its reference counts:
        # to unfreeze it, and to walk through everything, would stop all requests for a tenth of a second (measured).
        gc.collect()
        gc.freeze()
        self._count("swapped")
        log_event("model swapped", before=old.version, version=version, digest=new.model.digest)
        return "swapped"


Signature = tuple[tuple[int, int, int] | None, ...]


class RulesWatcher:
    """Read the rules file, and the lists that it names, whenever one of them has changed.

    The rules are replaced as a whole. Files that cannot be used leave the rules in use, are logged once and are read
    again at every check until they can be used.
    """

    def __init__(self, path: str | Path, handler: RequestHandler) -> None:
        self.path, self.handler = Path(path), handler
        self.signature: Signature | None = None
        self.problem: str | None = None

    def check(self) -> str:
        """Check the files once, and replace the rules if they have changed.

        Returns ``same``, ``loaded`` or ``refused``.
        """
        in_use = self.handler.loaded.scorer.rules
        # Looked up before they are read: what changes meanwhile is seen at the next check.
        files = in_use.files if in_use is not None and in_use.files else (self.path,)
        signature = _signature(files)
        if signature == self.signature and self.problem is None:
            return "same"
        try:
            rules = read_rules(self.path)
        except SchemaError as error:
            return self._refuse(error.problem)
        self.signature, self.problem = signature if rules.files == files else None, None
        self.handler.metrics.rules_refused.set(0)
        if in_use is not None and rules.digest == in_use.digest:
            return "same"
        self.handler.replace_rules(rules)
        self.handler.metrics.rule_loads.labels("loaded").inc()
        log_event("rules loaded", rules=len(rules), expired=len(rules.expired()), digest=rules.digest)
        return "loaded"

    def _refuse(self, problem: str) -> str:
        self.handler.metrics.rules_refused.set(1)
        self.handler.metrics.rule_loads.labels("refused").inc()
        if problem != self.problem:
            log_event("rules refused, the earlier ones stay", level=logging.ERROR, why=problem)
        self.problem = problem
        return "refused"


def _signature(files: Sequence[Path]) -> Signature:
    """Return what changes when a file is written or replaced; None for a file that cannot be looked up."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)
