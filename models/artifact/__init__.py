"""The model folder: a manifest, a booster and arrays, without pickle, checked before they are used."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .folder import FEATURES_VERSION, FORMAT, Model, read_model, write_model

__all__ = [
    "FEATURES_VERSION",
    "FORMAT",
    "Model",
    "read_model",
    "write_model",
]

# Imported at first use, as in the package above.
_HOMES = {
    "FEATURES_VERSION": "folder",
    "FORMAT": "folder",
    "Model": "folder",
    "read_model": "folder",
    "write_model": "folder",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
