"""What a service is set to: its limits, its times, its token."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from fraudsieve.exceptions import ServiceError

__all__ = ["TOKEN_VARIABLE", "Settings", "check_exposure", "read_token"]

TOKEN_VARIABLE = "FRAUDSIEVE_TOKEN"
"""The environment variable that may hold the token."""
MIN_TOKEN_LENGTH = 16
"""Characters: a shorter token can be guessed."""


@dataclass(frozen=True)
class Settings:
    """Settings of a service.

    Parameters
    ----------
    token : str, default=None
        What a caller has to show; None for nothing.
    address : str, default=None
        Where the model came from, such as ``models:/fraudsieve@champion``. An alias is looked up again and again.
    version : str, default=None
        The registered version that the address led to.
    state : Path, default=None
        The folder of the live history; None for memory alone.
    lateness : str, default="1d"
        How late an event may come, as for `HistoryState`.
    max_body : int, default=1048576
        Bytes of a request's body.
    max_records : int, default=1000
        Records, or events, of a request.
    max_requests : int, default=64
        Requests that are read, wait or are worked on at a time; one more is answered 503.
    max_connections : int, default=1024
        Open connections; one more is answered 503.
    threads : int, default=None
        Threads that score; None for one a core.
    body_seconds : float, default=10.0
        How long a request may take to arrive: its head and, again, its body.
    watch_seconds : float, default=30.0
        How often the alias is looked up.
    grace_seconds : float, default=30.0
        How long requests that are being answered may take to finish when the service is stopped.
    checkpoint_bytes : int, default=268435456
        Size of the log of events from which a snapshot is written in its place.
    """

    token: str | None = field(default=None, repr=False)
    address: str | None = None
    version: str | None = None
    state: Path | None = None
    lateness: str = "1d"
    max_body: int = 1 << 20
    max_records: int = 1000
    max_requests: int = 64
    max_connections: int = 1024
    threads: int | None = None
    body_seconds: float = 10.0
    watch_seconds: float = 30.0
    grace_seconds: float = 30.0
    checkpoint_bytes: int = 256 << 20

    @property
    def alias(self) -> str | None:
        """The address, where it is one whose version may change."""
        return self.address if self.address and self.address.startswith("models:/") and "@" in self.address else None

    @property
    def n_threads(self) -> int:
        """Threads that score."""
        return self.threads or os.cpu_count() or 1


def read_token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Read the token from a file or, without one, from the environment.

    Parameters
    ----------
    file : Path or None
        A file that holds the token and nothing else.
    environment : mapping of str to str, default=os.environ
        Where ``FRAUDSIEVE_TOKEN`` may be set.

    Returns
    -------
    str or None
        None when there is neither.

    Raises
    ------
    ServiceError
        When the token is empty, short, or not one of printable ASCII characters without blanks.

    Examples
    --------
    >>> read_token(None, {"FRAUDSIEVE_TOKEN": "correct-horse-battery"})
    'correct-horse-battery'
    """
    where, token = TOKEN_VARIABLE, environment.get(TOKEN_VARIABLE)
    if file is not None:
        where = str(file)
        try:
            token = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ServiceError(where, f"cannot be read ({type(error).__name__})", "Name a file of text.") from None
    if token is None:
        return None
    if len(token) < MIN_TOKEN_LENGTH or not all("!" <= character <= "~" for character in token):
        problem = f"expected a token of at least {MIN_TOKEN_LENGTH} printable ASCII characters without blanks"
        raise ServiceError(where, problem, "Make one, for example with: openssl rand -hex 32.")
    return token


def check_exposure(host: str, token: str | None, *, is_open: bool) -> None:
    """Refuse to serve other machines without a token, unless that is asked for.

    Parameters
    ----------
    host : str
        The address that is listened on.
    token : str or None
        The token.
    is_open : bool
        Whether it is asked for.

    Raises
    ------
    ServiceError
        When anybody on the network could call the service.

    Examples
    --------
    >>> check_exposure("127.0.0.1", None, is_open=False)
    >>> check_exposure("0.0.0.0", None, is_open=False)
    Traceback (most recent call last):
    ...
    fraudsieve.exceptions.ServiceError: 0.0.0.0: is open to other machines, and there is no token. ...
    """
    if token is None and not is_open and not _is_own(host):
        fix = f"Set {TOKEN_VARIABLE} or --token-file, listen on 127.0.0.1, or pass --open."
        raise ServiceError(host, "is open to other machines, and there is no token", fix)


def _is_own(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
