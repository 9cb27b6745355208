"""The model folder: a manifest, a booster and arrays, without pickle, checked before they are used."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .folder import FEATURES_VERSION as FEATURES_VERSION
    from .folder import FORMAT as FORMAT
    from .folder import Model as Model
    from .folder import read_model as read_model
    from .folder import write_model as write_model

__getattr__, __dir__, __all__ = attach(__name__, __file__)
