"""Leads of cases in which identifiers are disguised everywhere, and which other accounts write too: none is shown."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from fraudsieve.leads.case_content import CaseContent
from fraudsieve.leads.files import encode_lead, to_stix
from fraudsieve.leads.lead_content import make_lead
from fraudsieve.leads.words import describe_texts

from .disguises import planted_pattern
from .planted import TERMS, key_of

LEADS, PLANTED = 16, 30
CARRIER = "Please help because {} never arrived yesterday"
SHOWN = {"please", "help", "because", "never", "arrived", "yesterday"}
PSEUDONYM = re.compile(r"p1\.[0-9a-f]{8}\.[a-z]+\.[a-z2-7]{26}")


def case_of(patterns: list[str]) -> tuple[CaseContent, pd.DataFrame]:
    """Return a case with a pattern in the text, kind, type, currency and custom columns of each action, and messages.

    Forty other accounts write the same texts, so that each word of each pattern is widely used.
    """
    ids = [f"m{n}" for n in range(len(patterns))]
    free = dict.fromkeys(("kind", "type", "currency", "note", "device_id", "counterparty_id"), patterns)
    members = pd.DataFrame({"action_id": ids, "account_id": "ann", "probability": 0.9, **free})
    link = {"source_id": ids[0], "target_id": ids[1], "kind": "identifier", "evidence": "device:0a"}
    texts = [CARRIER.format(pattern) for pattern in patterns]
    rows = [*zip(ids, ["ann"] * len(ids), texts, strict=True)]
    rows += [(f"o{n}-{at}", f"other{n}", text) for n in range(12) for at, text in enumerate([*texts, *patterns])]
    return CaseContent("c", members, pd.DataFrame([link])), pd.DataFrame(
        rows, columns=["message_id", "account_id", "text"]
    )


def shown_in(content: Any) -> Iterator[str]:
    """Yield the values of the fields of a lead that can be those of a table."""
    for action in content["actions"]:
        yield from (action[name] for name in ("kind", "type", "currency") if name in action)
        yield action["text"]["excerpt"]
    yield from (one["name"] for one in content["types"])


@pytest.mark.parametrize("seed", range(LEADS))
def test_no_disguised_identifier_is_in_a_lead(seed: int) -> None:
    chance = random.Random(seed)
    patterns = [planted_pattern(chance, number) for number in range(PLANTED)]
    case, messages = case_of(patterns)
    texts = describe_texts(messages, case.members, "excerpts", key_of())
    lead = make_lead(case, key_of(), TERMS, texts=texts)
    for value in shown_in(lead):
        words = set(re.sub(r"[\s…]+", " ", PSEUDONYM.sub("", value)).casefold().split())
        assert words <= SHOWN, f"seed {seed}: {value!r}"
    for content in (encode_lead(lead), encode_lead(to_stix(lead))):
        escaped = json.dumps(patterns, ensure_ascii=False)[2:-2].split('", "')
        assert [pattern for pattern in escaped if pattern.encode() in content] == []


def test_the_words_around_are_shown() -> None:
    case, messages = case_of([planted_pattern(random.Random(0), n) for n in range(PLANTED)])
    texts = describe_texts(messages, case.members, "excerpts", key_of())
    excerpts = [one["excerpt"] for one in texts.values()]
    assert sum(excerpt == "Please help because … never arrived yesterday" for excerpt in excerpts) >= PLANTED / 3
    assert all(excerpt.strip("… ") for excerpt in excerpts[:2])


def test_a_name_that_only_accounts_of_the_case_write_is_not_shown() -> None:
    mine = [(f"m{n}", f"acc{n}", "Please pay Markermann") for n in range(20)]
    others = [(f"o{n}", f"other{n}", "Please pay") for n in range(20)]
    messages = pd.DataFrame([*mine, *others], columns=["message_id", "account_id", "text"])
    members = pd.DataFrame({"action_id": [f"m{n}" for n in range(20)]})
    texts = describe_texts(messages, members, "excerpts", key_of())
    assert {one["excerpt"] for one in texts.values()} == {"Please pay …"}
