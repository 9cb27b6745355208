"""Labelled records, read from tables and turned into feature matrices."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .labelled import LabelledData as LabelledData
    from .labelled import Labelling as Labelling
    from .labelled import load_labelled as load_labelled

__getattr__, __dir__, __all__ = attach(__name__, __file__)
