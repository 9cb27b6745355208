"""The scoring service over HTTP."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .app import create_app
    from .server import run
    from .settings import Settings

__all__ = [
    "Settings",
    "create_app",
    "run",
]

# Imported at first use, as in the package above.
_HOMES = {
    "Settings": "settings",
    "create_app": "app",
    "run": "server",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
