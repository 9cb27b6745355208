"""Leads: the part of a case that is shared with a recipient under pseudonyms, and the withdrawal of leads."""

from typing import TYPE_CHECKING

from fraudsieve._lazy import attach

if TYPE_CHECKING:
    from .case_content import ActionReasons as ActionReasons
    from .case_content import CaseContent as CaseContent
    from .case_content import read_case as read_case
    from .case_content import read_reasons as read_reasons
    from .files import encode_lead as encode_lead
    from .files import lead_digest as lead_digest
    from .files import lead_schema as lead_schema
    from .files import read_lead as read_lead
    from .files import to_stix as to_stix
    from .files import withdrawal_schema as withdrawal_schema
    from .keys import LeadKey as LeadKey
    from .keys import Secret as Secret
    from .keys import derive_key as derive_key
    from .keys import read_secrets as read_secrets
    from .lead_content import Disclosure as Disclosure
    from .lead_content import LeadTerms as LeadTerms
    from .lead_content import make_lead as make_lead
    from .log import LeadEntry as LeadEntry
    from .log import LeadLog as LeadLog
    from .log import LeadRegister as LeadRegister
    from .log import Withdrawal as Withdrawal
    from .log import read_register as read_register
    from .withdrawal import resolve_lead as resolve_lead
    from .withdrawal import withdraw_lead as withdraw_lead
    from .withdrawal import withdraw_reversed as withdraw_reversed
    from .words import describe_texts as describe_texts

__getattr__, __dir__, __all__ = attach(__name__, __file__)
