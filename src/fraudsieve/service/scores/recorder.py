"""The evidence of a service: one log per process, whose checkpoints go to the log of the service."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from fraudsieve.evidence.settings import EvidenceSettings
from fraudsieve.exceptions import EvidenceError
from fraudsieve.service.bodies import RejectedRequest, Reply
from fraudsieve.service.json_log import log_event
from fraudsieve.service.loaded_model import LoadedModel

NOT_RECORDED = "the evidence of the scores cannot be written; send the request again"


def evidence_rejection(error: EvidenceError) -> RejectedRequest:
    """Log why evidence cannot be written, and return the answer of its requests."""
    log_event("evidence cannot be written", level=logging.ERROR, why=error.problem)
    return RejectedRequest(503, NOT_RECORDED)


class EvidenceRecorder:
    """The evidence log of a process."""

    def __init__(self, settings: EvidenceSettings) -> None:
        self.log = settings.open(deferred=True)
        self._logged_size = 0
        # One thread: replies that wait while it syncs share the next sync. Others do not wait.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="evidence")

    def use(self, loaded: LoadedModel) -> None:
        """Record the version of a model with its scores."""
        self.log.check(loaded.scorer.model)
        if loaded.version is not None:
            self.log.model_versions[loaded.scorer.model.digest] = loaded.version

    async def secure(self, reply: Reply) -> Reply | RejectedRequest:
        """Return a reply once its evidence is on disk, or a rejection. No score is returned without evidence."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._sync, reply)

    def _sync(self, reply: Reply) -> Reply | RejectedRequest:
        try:
            self.log.sync()
        except EvidenceError as error:
            return evidence_rejection(error)
        return reply

    def log_checkpoint(self) -> None:
        """Log size and root if there are new records. The log of the service should be kept elsewhere."""
        checkpoint = self.log.checkpoint()
        if checkpoint.size > self._logged_size:
            log_event("evidence checkpoint", log=checkpoint.log, size=checkpoint.size, root=checkpoint.root)
            self._logged_size = checkpoint.size

    def close(self) -> None:
        """Log a last checkpoint, and close the log."""
        self._pool.shutdown()
        try:
            self.log_checkpoint()
        except EvidenceError as error:
            log_event("evidence cannot be written", level=logging.ERROR, why=error.problem)
        self.log.close()
