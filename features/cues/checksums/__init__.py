"""Check digits of bank cards, identity cards and company numbers."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .check_digits import is_chinese_id as is_chinese_id
    from .check_digits import is_company_number as is_company_number
    from .check_digits import passes_luhn as passes_luhn

__getattr__, __dir__, __all__ = attach(__name__, __file__)
