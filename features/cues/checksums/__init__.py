"""Check digits of bank cards, identity cards and company numbers."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .check_digits import is_chinese_id, is_company_number, passes_luhn

__all__ = [
    "is_chinese_id",
    "is_company_number",
    "passes_luhn",
]

# Imported at first use, as in the package above.
_HOMES = {
    "is_chinese_id": "check_digits",
    "is_company_number": "check_digits",
    "passes_luhn": "check_digits",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
