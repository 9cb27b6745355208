"""The text model: hashed character n-grams, linear scores, surprisal, and what each character contributes."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .fit import fit_text_model as fit_text_model
    from .model import TextModel as TextModel

__getattr__, __dir__, __all__ = attach(__name__, __file__)
