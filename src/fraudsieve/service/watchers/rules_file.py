"""Watcher of the rules file: when the file changes, it is read again and replaces the rules in use."""

import logging
from collections.abc import Sequence
from pathlib import Path

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.rules.files import read_rules
from fraudsieve.models.rules.rule_set import RuleSet
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.json_log import log_event

__all__ = ["RulesWatcher"]

Signature = tuple[tuple[int, int, int] | None, ...]


class RulesWatcher:
    """Read the rules file, and the lists that it names, whenever one of them has changed.

    The rules are replaced as a whole. Files that cannot be used leave the rules in use, are logged once and are read
    again at every check until they can be used.

    Parameters
    ----------
    path : str or Path
        The rules file.
    handler : RequestHandler
        Holds the rules in use.
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
        return self._load(rules)

    def _load(self, rules: RuleSet) -> str:
        self.handler.replace_rules(rules)
        self.handler.metrics.rule_loads.labels("loaded").inc()
        log_event("rules loaded", rules=len(rules), expired=len(rules.expired()), digest=rules.digest)
        return "loaded"

    def _refuse(self, problem: str) -> str:
        if problem != self.problem:
            log_event("rules refused, the earlier ones stay", level=logging.ERROR, why=problem)
        self.problem = problem
        self.handler.metrics.rules_refused.set(1)
        self.handler.metrics.rule_loads.labels("refused").inc()
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
