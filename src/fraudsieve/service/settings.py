"""Settings of the service: limits, times, token."""

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeAlias

from fraudsieve._io import read_secret_file
from fraudsieve.evidence.log import EvidenceSettings
from fraudsieve.exceptions import ServiceError

BACKLOG = 2048
"""Connections that wait to be accepted; the default of uvicorn."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket of the service."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only if the protocol is named; without it each response waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        problem = f"cannot be listened on ({getattr(error, 'strerror', None) or type(error).__name__})"
        raise ServiceError(f"{host}, port {port}", problem, "Choose another with --host and --port.") from None
    return listener


ScoreLogMode: TypeAlias = Literal["off", "scores", "records"]
TOKEN_VARIABLE = "FRAUDSIEVE_TOKEN"
"""The environment variable that may hold the token."""
MIN_TOKEN_LENGTH = 16
"""In characters: a shorter token can be guessed."""
TOKEN = re.compile(f"[!-~]{{{MIN_TOKEN_LENGTH},}}")


@dataclass(frozen=True)
class Settings:
    """Settings of the service.

    Parameters
    ----------
    token : str, default=None
        Token that clients must send; None for no authentication.
    label_tokens : mapping of str to frozenset of str, optional
        Further tokens. Each has the sources that labels sent with it may have: trust depends on the source.
    is_open : bool, default=False
        Whether requests from other machines are allowed without a token. If False and there is no token, only requests
        whose ``Host`` is this machine and that have no foreign ``Origin`` are answered.
    address : str, default=None
        Where the model was loaded from, such as ``models:/fraudsieve@champion``. An alias is checked for new versions.
    version : str, default=None
        Registered version that the address pointed to.
    state : str, default=None
        Address of the store of the live history, as for `LiveState`: a file such as ``live.db``, or
        ``postgresql://...``. None to keep the history in memory only.
    workers : int, default=1
        Number of processes. Each holds the model and the history. The limits below apply to each: N workers accept N
        times as many requests in progress. The limits are not divided, because the system does not distribute
        connections evenly, and one worker would reject clients while others are idle.
    lateness : str, default="1d"
        How late an event may arrive, as for `HistoryState`.
    label_days : float, default=180.0
        How many days an event can wait for its label, as for `LiveState`.
    max_body : int, default=1048576
        Largest request body in bytes.
    max_records : int, default=1000
        Records, or events, per request.
    max_requests : int, default=64
        Requests in progress; further ones are answered 503.
    threads : int, default=None
        Threads that score, in each process; None for one per core, divided among the workers.
    body_seconds : float, default=10.0
        Seconds within which the body of a request must arrive. A client that does not read its answer for this time,
        or sends no further request, is disconnected.
    folder : str, default=None
        A private folder that the workers share, with their metrics and the model in use; None for a single process.
    watch_seconds : float, default=20.0
        Seconds between two checks of the alias.
    grace_seconds : float, default=30.0
        Seconds that requests in progress may take to finish when the service is stopped.
    after_seconds : float, default=1.0
        Seconds that a request waits for the offset in its header ``Fraudsieve-After``.
    checkpoint_rows : int, default=100000
        Number of rows since the last snapshot, which a restart must read, at which a new snapshot is written.
    rules : path-like, default=None
        A rules file, which is read again whenever it has changed; None for no rules.
    evidence : EvidenceSettings, default=None
        Settings of the evidence of scores; None to record none.
    score_log : {"off", "scores", "records"}, default="off"
        What the store keeps of each score: nothing, ids and scores, or also the record as it came.
    score_days : int, default=400
        Days after which a logged score is deleted.
    record_days : int, default=180
        Days after which a logged record is deleted; at the latest with its score.
    """

    token: str | None = field(default=None, repr=False)
    label_tokens: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    is_open: bool = False
    address: str | None = None
    version: str | None = None
    state: str | None = field(default=None, repr=False)  # it may hold a password
    workers: int = 1
    lateness: str = "1d"
    label_days: float = 180.0
    max_body: int = 1 << 20
    max_records: int = 1000
    max_requests: int = 64
    threads: int | None = None
    body_seconds: float = 10.0
    folder: str | None = None
    watch_seconds: float = 20.0
    grace_seconds: float = 30.0
    after_seconds: float = 1.0
    checkpoint_rows: int = 100_000
    rules: str | Path | None = None
    evidence: EvidenceSettings | None = None
    score_log: ScoreLogMode = "off"
    score_days: int = 400
    record_days: int = 180

    def __post_init__(self) -> None:
        """Raise ServiceError if a setting needs another one that is not given."""
        if self.score_log != "off" and self.state is None:
            fix = "Give --state, for example --state live.db."
            raise ServiceError("--score-log", "expected a store for the scores, got none", fix)

    @property
    def alias(self) -> str | None:
        """The address if it is an alias, whose version may change; else None."""
        address = self.address
        return address if address and address.startswith("models:/") and "@" in address else None

    @property
    def is_local_only(self) -> bool:
        """Whether only programs on this machine may send requests."""
        return self.token is None and not self.is_open

    @property
    def n_threads(self) -> int:
        """Number of threads that score, in each process."""
        return self.threads or max(1, (os.cpu_count() or 1) // self.workers)


def read_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Read the token from a file or, without a file, from the environment."""
    origin, token = TOKEN_VARIABLE, environment.get(TOKEN_VARIABLE)
    if file is not None:
        origin = str(file)
        token = read_secret_file(file, ServiceError, "Pass a text file.").decode("utf-8", "replace")
    if token is None:
        return None
    if not TOKEN.fullmatch(token):
        problem = f"expected a token of at least {MIN_TOKEN_LENGTH} printable ASCII characters without blanks"
        raise ServiceError(origin, problem, "Create one, for example with: openssl rand -hex 32.")
    return token


def read_label_tokens(file: Path, token: str | None) -> dict[str, frozenset[str]]:
    """Read tokens and the sources of their labels from a file with lines such as ``TOKEN chargeback,hotline``.

    The other token is not bound to sources: without it, every client may write labels of any source.
    """
    if token is None:
        raise ServiceError("--label-tokens", "there is no token", f"Set {TOKEN_VARIABLE} or --token-file too.")
    content = read_secret_file(file, ServiceError, "Pass a text file.").decode("utf-8", "replace")
    lines = [line.split(maxsplit=1) for line in content.splitlines() if line.strip()]
    if not all(len(line) == 2 and TOKEN.fullmatch(line[0]) and line[0] != token for line in lines):
        problem = f"expected a token of its own, of at least {MIN_TOKEN_LENGTH} characters, and sources in every line"
        raise ServiceError(str(file), problem, "Write lines such as: TOKEN chargeback,hotline.")
    return {name: frozenset(map(str.strip, sources.split(","))) for name, sources in lines}


def check_platform() -> None:
    """Raise ServiceError unless this is a POSIX system, whose file locks and directory syncs the event store needs."""
    try:
        import fcntl  # noqa: F401
    except ImportError:
        fix = "Run it on Linux or macOS, or in a container."
        raise ServiceError("fraudsieve serve", "needs a POSIX system", fix) from None


def check_exposure(host: str, token: str | None, *, is_open: bool) -> None:
    """Raise ServiceError if other machines could call the service without a token, unless this is allowed."""
    if token is None and not is_open and not is_loopback(host):
        fix = f"Set {TOKEN_VARIABLE} or --token-file, listen on 127.0.0.1, or pass --open."
        raise ServiceError(host, "is open to other machines, and there is no token", fix)


def is_loopback(host: str) -> bool:
    """Return whether a name or address is a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
