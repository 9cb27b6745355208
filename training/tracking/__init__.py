"""Tracking in MLflow: runs and the model registry."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .registry import Registry
    from .run import LoggedRun, log_training

__all__ = [
    "LoggedRun",
    "Registry",
    "log_training",
]

# Imported at first use, as in the package above.
_HOMES = {
    "LoggedRun": "run",
    "Registry": "registry",
    "log_training": "run",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)
