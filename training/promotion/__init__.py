"""Promotion: champion and challenger on the same records, and the gates between them."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .decision import Decision as Decision
    from .decision import promote as promote
    from .decision import rollback as rollback
    from .gates import Gate as Gate
    from .same_records import compare_models as compare_models

__getattr__, __dir__, __all__ = attach(__name__, __file__)
