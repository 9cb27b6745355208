"""Rules decide as they say: exact identifiers, hosts with those below them, telephone numbers, ends and conflicts."""

import random
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.models.rules import Rule, RuleSet

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def rule(name: str, field: str, *values: Any, action: Any = "flag", until: Any = None) -> Rule:
    return Rule(name, field, values, action, f"why {name}", until)


def texts(rules: RuleSet, *messages: Any) -> list[int]:
    found: list[int] = rules.match({"text": messages}, len(messages)).tolist()
    return found


def test_identifiers_are_exact_and_numbers_are_those_of_texts() -> None:
    rules = RuleSet([rule("a", "account_id", "ann", 77), rule("b", "counterparty_id", "zed")])
    accounts = ["ann", "Ann", "ann ", 77, "77", np.int64(77), 77.0, True, None, float("nan"), ["ann"], "anna"]
    expected = [0, -1, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1]
    assert rules.match({"account_id": accounts}, len(accounts)).tolist() == expected
    assert rules.match({"account_id": pd.Series(["ann", None]).array}, 2).tolist() == [0, -1]
    records: list[dict[str, Any]] = [{"account_id": "bob", "counterparty_id": "zed"}, {"account_id": "ann"}, {}]
    assert rules.match_records(records).tolist() == [1, 0, -1]
    assert rules.match({}, 3).tolist() == [-1, -1, -1]
    assert rules.match_records([]).tolist() == []


def test_hosts_are_found_in_every_spelling_and_below_the_host() -> None:
    rules = RuleSet([rule("bad", "host", "Bad.Example.COM", "10.0.0.1")])
    found = [
        "see http://bad.example.com/x",
        "pay.bad.example.com",
        "see \uff42ad.ex\u0430mple.com",  # full width, Cyrillic
        "mail me@bad.example.com",
        "http://10.0.0.1/a",
        "one good.example.com and BAD.example.com",
    ]
    assert texts(rules, *found) == [0] * len(found)
    others = [
        "notbad.example.com",
        "bad.example.com.evil.net",
        "bad.example.org",
        "bad.example.com@good.net",
        "http://10.0.0.11/a",
        "",
        None,
        5,
    ]
    assert texts(rules, *others) == [-1] * len(others)


def test_a_known_host_does_not_let_others_pass() -> None:
    rules = RuleSet([rule("ours", "host", "shop.example.com", "example.org", action="pass")])
    assert texts(
        rules,
        "shop.example.com",
        "shop.example.com and a.example.org",
        "shop.example.com and evil.net",
        "shop.example.com, mail me@evil.net",
        "http://10.0.0.1/ shop.example.com",
        "no host",
    ) == [0, 0, -1, -1, -1, -1]


def test_telephone_numbers_are_found_in_every_spelling() -> None:
    rules = RuleSet([rule("calls", "telephone", "138 0013 8000", "+44 20 7946 0958", "010-65529988")])
    spellings = ["13800138000", "call +86 138-0013-8000", "+44 20 79460958", "+86 10 65529988", "010 6552 9988"]
    assert texts(rules, *spellings) == [0] * len(spellings)
    assert texts(rules, "13800138001", "020 7946 0958", "no number") == [-1, -1, -1]
    known = RuleSet([rule("ours", "telephone", "13800138000", action="pass")])
    assert texts(known, "13800138000", "13800138000 or 13900139000") == [0, -1]


def test_two_zeros_before_a_country_code_are_a_plus_sign() -> None:
    values = ["+44 20 7946 0958", "010-65529988", "138 0013 8000"]
    rules = RuleSet([rule("calls", "telephone", *values)])
    spellings = ["call 0044 20 7946 0958", "00442079460958", "0086 10 65529988 now", "0086 010 65529988"]
    spellings += ["0086 138 0013 8000", "a 1, 0044 20 7946 0958 or 01012345678", "００442079460958"]
    assert texts(rules, *spellings) == [0] * len(spellings)
    written = RuleSet([rule("calls", "telephone", "0044 20 7946 0958", "0086 10 65529988")])
    assert texts(written, *values, "0044 20 7946 0958") == [0, 0, -1, 0]
    # Groups of other numbers that begin with two zeros.
    assert texts(written, "00 44 20 7946 0958", "no 0", "00", "x 00", "4 0044 20 7946 0958") == [-1] * 5
    ours = RuleSet([rule("ours", "telephone", "13800138000", action="pass")])
    cards = "138 0013 8000, 138 0013 8000, card 4111 0044 2079 4609"
    assert texts(ours, "138 0013 8000", cards, "138 0013 8000 or 0044 20 7946 0958") == [0, 0, -1]
    assert texts(rules, "0", "0442079460958", "code a00442079460958") == [-1, -1, -1]


def test_flag_wins_over_pass_and_the_first_rule_names_the_decision() -> None:
    rules = RuleSet(
        [
            rule("partner", "account_id", "ann", action="pass"),
            rule("second", "host", "evil.net"),
            rule("third", "account_id", "ann", "bob"),
        ]
    )
    columns = {"account_id": ["ann", "bob", "ann", "cid"], "text": ["x", "evil.net", "x", "x"]}
    assert rules.match(columns, 4).tolist() == [2, 1, 2, -1]
    passing = RuleSet(
        [rule("one", "account_id", "ann", action="pass"), rule("two", "account_id", "ann", action="pass")]
    )
    assert passing.match(columns, 4).tolist() == [0, -1, 0, -1]


def test_an_expired_rule_does_nothing() -> None:
    ends = {"day": date(2026, 6, 1), "time": NOW + timedelta(hours=1), "naive": datetime(2026, 6, 1, 13), "none": None}
    rules = RuleSet([rule(name, "account_id", name, until=until) for name, until in ends.items()])
    columns = {"account_id": list(ends)}
    for now, expired in (
        (NOW, set()),
        (NOW + timedelta(hours=1), {"time", "naive"}),
        (datetime(2026, 6, 2, tzinfo=UTC), {"day", "time", "naive"}),
        (NOW, set()),
    ):
        decided = rules.match(columns, 4, now=now)
        assert {name for name, position in zip(ends, decided, strict=True) if position < 0} == expired
        assert {*rules.expired(now)} == expired


def test_a_rule_until_the_last_date_there_is_never_expires() -> None:
    late = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))
    rules = RuleSet([rule(f"r{n}", "account_id", "ann", until=until) for n, until in enumerate((date.max, late))])
    assert rules.match({"account_id": ["ann"]}, 1, now=NOW).tolist() == [0]
    past = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    assert RuleSet([rule("r", "account_id", "ann", until=past)]).match({"account_id": ["ann"]}, 1, now=NOW) == [-1]


def test_what_an_expired_rule_hid_comes_to_light() -> None:
    rules = RuleSet([rule("old", "account_id", "ann", until=NOW), rule("new", "account_id", "ann", action="pass")])
    assert rules.match({"account_id": ["ann"]}, 1, now=NOW - timedelta(seconds=1)).tolist() == [0]
    assert rules.match({"account_id": ["ann"]}, 1, now=NOW).tolist() == [1]


def test_many_records_and_many_values_equal_a_search_one_by_one() -> None:
    draw = random.Random(0)
    names = [f"h{n}.example.com" for n in range(300)]
    rules = RuleSet(
        [
            rule("flagged", "host", *names[:100]),
            rule("passed", "host", *names[50:200], action="pass"),
            rule("accounts", "account_id", *range(0, 500, 3), action="pass"),
        ]
    )
    records = [{"text": f"see {draw.choice(names)} now", "account_id": draw.randrange(500)} for _ in range(500)]

    def expected(record: dict[str, Any]) -> int:
        number = int(record["text"].split("h")[1].split(".")[0])
        if number < 100:
            return 0
        return 1 if number < 200 else 2 if record["account_id"] % 3 == 0 else -1

    assert rules.match_records(records).tolist() == [expected(record) for record in records]
    one_by_one = [rules.match_records([record]).item() for record in records[:50]]
    assert one_by_one == [expected(record) for record in records[:50]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "a b"}, "id: expected 1 to 64 letters"),
        ({"field": "acount_id"}, "expected a field such as 'account_id', got 'acount_id'"),
        ({"action": "drop"}, "action: expected flag or pass"),
        ({"until": "tomorrow"}, "until: expected a date"),
        ({"values": [True]}, "values, position 0: expected a string or a whole number, got bool"),
        ({"values": ["a", " "]}, "values, position 1: expected an identifier, got a blank"),
    ],
)
def test_a_wrong_rule_says_what_is_expected(wrong: dict[str, Any], message: str) -> None:
    given = {"name": "a", "field": "account_id", "values": ["secret"], "action": "flag", "until": None} | wrong
    with pytest.raises(ValueError, match=message) as caught:
        rule(given["name"], given["field"], *given["values"], action=given["action"], until=given["until"])
    assert "secret" not in str(caught.value)


def test_wrong_sets_of_rules_are_rejected_without_naming_values() -> None:
    with pytest.raises(ValueError, match="got several with 'a'"):
        RuleSet([rule("a", "account_id", "x"), rule("a", "account_id", "y")])
    for field, value in (("host", "see you"), ("host", "secret"), ("telephone", "secret"), ("telephone", "1 2")):
        with pytest.raises(ValueError, match="a: values, position 1: expected a") as caught:
            RuleSet([rule("a", field, "a.example.com" if field == "host" else "13800138000", value)])
        assert "secret" not in str(caught.value)
    assert "x" not in repr(rule("a", "ip", "x")) + repr(RuleSet([]))
