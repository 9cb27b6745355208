"""Leads: the part of a case that is shared with a recipient under pseudonyms, and the withdrawal of leads."""

from typing import TYPE_CHECKING, Any

from fraudsieve._lazy import lazy_attribute

if TYPE_CHECKING:
    from .case_content import ActionReasons, CaseContent, read_case, read_reasons
    from .content import Disclosure, LeadTerms, make_lead
    from .entries import LeadEntry, Withdrawal
    from .files import encode_lead, lead_digest, lead_schema, read_lead, withdrawal_schema
    from .keys import LeadKey, Secret, derive_key, read_secrets
    from .log import LeadLog, LeadRegister, read_register
    from .resolution import resolve_lead
    from .stix import to_stix
    from .texts import describe_texts
    from .withdrawal import withdraw_lead, withdraw_reversed

__all__ = [
    "ActionReasons",
    "CaseContent",
    "Disclosure",
    "LeadEntry",
    "LeadKey",
    "LeadLog",
    "LeadRegister",
    "LeadTerms",
    "Secret",
    "Withdrawal",
    "derive_key",
    "describe_texts",
    "encode_lead",
    "lead_digest",
    "lead_schema",
    "make_lead",
    "read_case",
    "read_lead",
    "read_reasons",
    "read_register",
    "read_secrets",
    "resolve_lead",
    "to_stix",
    "withdraw_lead",
    "withdraw_reversed",
    "withdrawal_schema",
]

# Imported at first use, as in the package above.
_HOMES = {
    "ActionReasons": "case_content",
    "CaseContent": "case_content",
    "Disclosure": "content",
    "LeadEntry": "entries",
    "LeadKey": "keys",
    "LeadLog": "log",
    "LeadRegister": "log",
    "LeadTerms": "content",
    "Secret": "keys",
    "Withdrawal": "entries",
    "derive_key": "keys",
    "describe_texts": "texts",
    "encode_lead": "files",
    "lead_digest": "files",
    "lead_schema": "files",
    "make_lead": "content",
    "read_case": "case_content",
    "read_lead": "files",
    "read_reasons": "case_content",
    "read_register": "log",
    "read_secrets": "keys",
    "resolve_lead": "resolution",
    "to_stix": "stix",
    "withdraw_lead": "withdrawal",
    "withdraw_reversed": "withdrawal",
    "withdrawal_schema": "files",
}


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return sorted(__all__)
