"""Cues: counts of links, numbers, amounts and words in a message."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .contacts import CONTACT_KINDS as CONTACT_KINDS
    from .contacts import Contacts as Contacts
    from .contacts import find_contacts as find_contacts
    from .matrix import CUES as CUES
    from .matrix import SHAPES as SHAPES
    from .matrix import cues_and_shape as cues_and_shape

__getattr__, __dir__, __all__ = attach(__name__, __file__)
