"""The text model: hashed character n-grams, linear scores, surprisal, and what each character contributes."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .fit import fit_text_model
    from .model import TextModel

__all__ = [
    "TextModel",
    "fit_text_model",
]

# Imported at first use, as in the package above.
_HOMES = {
    "TextModel": "model",
    "fit_text_model": "fit",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
