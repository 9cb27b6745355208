"""Texts in leads: no number and no rare word can be read."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.exceptions import LeadError
from fraudsieve.leads.words import describe_texts, mask_text, widely_used
from tests.messages import refused

from .planted import MARKERS, key_of, messages

IDS = [f"M-MARKER-{n}" for n in range(5)]
MEMBERS = pd.DataFrame({"action_id": [*IDS, "P-1"]})


def test_excerpts_have_the_words_of_many_accounts_alone() -> None:
    found = describe_texts(messages(), MEMBERS, "excerpts", key_of())
    excerpt = found["M-MARKER-0"]["excerpt"]
    assert excerpt == "…, your account is blocked: call … now, …"
    assert not any(marker in excerpt for marker in MARKERS)
    assert set(describe_texts(messages(), MEMBERS, "digests", key_of())["M-MARKER-0"]) == {"digest"}
    assert describe_texts(messages(), MEMBERS, "omitted", key_of()) == {}


def test_a_word_that_one_account_repeats_is_rare() -> None:
    texts = ["blocked by Markermann"] * 50
    assert widely_used(texts[:1], texts, ["one"] * 50, 2) == frozenset()
    assert widely_used(texts[:1], texts, [None] * 50, 1) == frozenset()
    assert widely_used(texts[:1], texts, ["one", "two"] * 25, 2) == {"blocked", "by", "markermann"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("尊敬的王小明,您的账户已冻结", "…账户…冻结"),
        ("账户 一三八零零 账户", "账户 … 账户"),
        ("①③⑧ account", "… account"),
        ("account@mail.com", "…"),  # a part of an address is as telling as all of it
        ("ACCOUNT \N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT THREE}", "ACCOUNT …"),
        ("account 110", "account …"),  # a number, however common
        ("", ""),
    ],
)
def test_masks(text: str, expected: str) -> None:
    readable = frozenset({"账户", "冻结", "一三", "三八", "account", "110"})
    assert mask_text(text, readable) == expected


@given(st.text(), st.frozensets(st.text(max_size=3)))
def test_no_number_and_no_other_word_can_be_read(text: str, readable: frozenset[str]) -> None:
    masked = mask_text(text, readable)
    assert len(masked) <= 160
    assert not any(char.isnumeric() for char in masked)
    assert not any(char.isalpha() for char in mask_text(text, frozenset()))


def test_messages_that_do_not_fit_are_named() -> None:
    assert set(describe_texts(messages(), MEMBERS, "digests", key_of())) == set(IDS)
    with refused(LeadError):
        describe_texts(messages(), MEMBERS.tail(1), "digests", key_of())
    with pytest.raises(LeadError, match="excerpts need the accounts"):
        describe_texts(messages().drop(columns="account_id"), MEMBERS, "excerpts", key_of())
