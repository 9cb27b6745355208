"""Tracking in MLflow: runs and the model registry."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .registry import Registry as Registry
    from .tracked_run import LoggedRun as LoggedRun

__getattr__, __dir__, __all__ = attach(__name__, __file__)
