"""Check digits of invented numbers, valid and with an error at every position."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.numbers import is_chinese_id, is_company_number, passes_luhn
from fraudsieve.features.text.codepoints import pack

CREDIT = "0123456789abcdefghjklmnpqrtuwxy"
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
DIGITS = st.text(st.sampled_from("0123456789"), min_size=1, max_size=25)


def identity(first: str) -> str:
    """Add the check digit to 17 digits."""
    return first + "10x98765432"[sum(int(d) * w for d, w in zip(first, ID_WEIGHTS, strict=True)) % 11]


def credit(first: str) -> str:
    """Add the check character to 17 characters."""
    return first + CREDIT[-sum(CREDIT.index(c) * w for c, w in zip(first, CREDIT_WEIGHTS, strict=True)) % 31]


def luhn(number: str) -> bool:
    doubled = [sum(divmod(int(d) * (1 + k % 2), 10)) for k, d in enumerate(reversed(number))]
    return sum(doubled) % 10 == 0


def is_valid_id(text: str) -> bool:
    return is_chinese_id(pack([text]).codes, 0, len(text))


def is_valid_company(text: str) -> bool:
    return is_company_number(pack([text]).codes, 0)


@given(DIGITS)
def test_luhn_equals_a_string_implementation(number: str) -> None:
    assert passes_luhn(pack([number]).codes, 0, len(number)) == luhn(number)
    apart = " ".join(number)
    assert passes_luhn(pack([apart]).codes, 0, len(apart)) == luhn(number)


@pytest.mark.slow
@given(st.integers(100000, 999999), st.dates(), st.integers(0, 999))
def test_an_identity_number_is_valid_and_any_wrong_digit_makes_it_invalid(
    region: int, born: object, order: int
) -> None:
    date = str(born).replace("-", "")
    number = identity(f"{region}{date}{order:03d}")
    assert is_valid_id(number) == (1880 <= int(date[:4]) <= 2099)
    for place, digit in enumerate(number[:17]):
        assert not is_valid_id(number[:place] + str((int(digit) + 1) % 10) + number[place + 1 :])


@pytest.mark.slow
@pytest.mark.parametrize("date", ["19491301", "19490001", "19490132", "19490100", "19490431", "18791231", "21000101"])
def test_an_identity_number_without_a_date_is_invalid(date: str) -> None:
    assert not is_valid_id(identity(f"110105{date}002"))
    assert is_valid_id(identity("11010519490131002"))
    assert is_valid_id(identity("11010520000229002"))


def test_an_identity_number_is_18_characters_and_x_is_the_last() -> None:
    assert is_valid_id("11010519491231002x")
    assert not is_valid_id("1101051949123100x2")
    assert not is_valid_id("11010519491231002x"[1:])
    assert not is_valid_id("011010519491231002x")
    assert not is_valid_id(identity("01010519491231002"))


@pytest.mark.slow
@given(
    st.sampled_from("159any"), st.integers(1000000, 9999999), st.text(st.sampled_from(CREDIT), min_size=9, max_size=9)
)
def test_a_credit_code_is_valid_and_any_wrong_character_makes_it_invalid(first: str, region: int, rest: str) -> None:
    number = credit(f"{first}{region}{rest}")
    assert is_valid_company(number)
    for place, char in enumerate(number):
        for other in (CREDIT[(CREDIT.index(char) + 1) % 31], "i", "o", "s", "v", "z", "-", "中"):
            assert not is_valid_company(number[:place] + other + number[place + 1 :])


def test_the_region_of_a_credit_code_has_only_digits() -> None:
    assert not is_valid_company(credit("9a350100m000100y4"))
    assert not is_valid_company(credit("9135010am000100y4"))
