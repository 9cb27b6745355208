"""Tracking in MLflow: runs and the model registry."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .registry import Registry
    from .run import LoggedRun

__all__ = [
    "LoggedRun",
    "Registry",
]

# Imported at first use, as in the package above.
_HOMES = {
    "LoggedRun": "run",
    "Registry": "registry",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
