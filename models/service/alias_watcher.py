"""Following an alias: a new version is loaded beside the model in use, checked, warmed up, and takes its place."""

import asyncio
import logging
import tempfile
from collections.abc import Callable

from fraudsieve.exceptions import LocatedError
from fraudsieve.models.predict import Scorer

from .handlers import RequestHandler
from .json_log import error_location, log_event
from .loaded_model import LoadedModel

__all__ = ["AliasWatcher"]


class AliasWatcher:
    """Looks an alias up, and lets a handler use the version that it leads to.

    A version that is not whole, not the one that was logged, or does not fit is refused once, and not tried again until
    the alias has led elsewhere; the model in use stays. When the registry cannot be reached, it is asked again.

    Parameters
    ----------
    address : str
        ``models:/NAME@ALIAS``.
    handler : RequestHandler
        Where the model is used.
    """

    def __init__(self, address: str, handler: RequestHandler) -> None:
        self.address, self.handler = address, handler
        self.refused: str | None = None

    async def follow(self, seconds: float) -> None:
        """Look again and again, in a thread of its own.

        Parameters
        ----------
        seconds : float
            The time between two looks.
        """
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.look)

    def look(self) -> str:
        """Look once, and do what is to be done.

        Returns
        -------
        str
            ``same``, ``swapped``, ``refused`` or ``unreachable``.
        """
        outcome = self._outcome()
        self.handler.metrics.swaps.labels(outcome).inc()
        return outcome

    def _outcome(self) -> str:
        from fraudsieve.models.flavor import (
            version_behind,  # MLflow is imported by who follows an alias, and by nobody else
        )

        try:
            version = version_behind(self.address)
        except Exception as error:
            log_event("the registry cannot be asked", level=logging.WARNING, error=error_location(error))
            return "unreachable"
        if version != self.refused:
            self.refused = None
        if version in (self.handler.served.version, self.refused):
            return "same"
        with tempfile.TemporaryDirectory(prefix="fraudsieve-") as folder:
            return self._try(version, folder)

    def _try(self, version: str, folder: str) -> str:
        from fraudsieve.models.flavor import logged_digest, model_folder

        name = self.address.partition("@")[0]
        try:
            found = model_folder(f"{name}/{version}", into=folder)
        except Exception as error:
            log_event(
                "the version cannot be fetched", level=logging.WARNING, version=version, error=error_location(error)
            )
            return "unreachable"
        return self._do(version, lambda: Scorer.load(found, digest=logged_digest(found)))

    def _do(self, version: str, load: Callable[[], Scorer]) -> str:
        before = self.handler.served
        try:
            self.handler.replace(LoadedModel(load(), version))
        except Exception as error:
            self.refused = version
            why = error.problem if isinstance(error, LocatedError) else error_location(error)
            log_event("model refused", level=logging.ERROR, version=version, why=why, in_use=before.version)
            return "refused"
        log_event(
            "model swapped", before=before.version, version=version, digest=self.handler.served.scorer.model.digest
        )
        return "swapped"
