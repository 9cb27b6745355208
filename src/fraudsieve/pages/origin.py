"""The origin of a page: when it was made, with which command, and which run of MLflow it belongs to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from fraudsieve._command import command_line


@dataclass(frozen=True)
class PageOrigin:
    """The origin of a page.

    Parameters
    ----------
    run : str, default=None
        The web address of the run in MLflow, or its identifier; None without one.
    made_at : datetime, optional
        By default the current time.
    command : str, optional
        By default the command that is running, if any.

    Examples
    --------
    >>> PageOrigin(made_at=datetime(2026, 5, 1, 9, 30, tzinfo=UTC)).when
    '2026-05-01 09:30 UTC'
    """

    run: str | None = None
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    command: str | None = field(default_factory=command_line)

    @property
    def when(self) -> str:
        """The date and the time, to the minute."""
        return f"{self.made_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    @property
    def is_address(self) -> bool:
        """Whether the run has a web address, which a page can link to."""
        return self.run is not None and self.run.startswith(("http://", "https://"))
