"""Columns that look like persons: by their names and by their values, and the columns of tables that do not."""

import pandas as pd
import pytest

from fraudsieve.features.profile.choice import (
    UNREAD_DATES,
    candidate_columns,
    choose_profile_columns,
    declared_columns,
    person_reason,
)

WORDS = [f"value {n}" for n in range(9)]
PERSONS = {
    "names of persons": "first|last|name|FirstName|last_name|Customer Full Name|cardholder|beneficiaryName|USER_NAME"
    "|surname|客户姓名|联系人|户名",
    "e-mail addresses": "email|E-Mail|customer_email_address|email2|emailWork|电子邮箱",
    "telephone numbers": "phone|phone_1|home_phone|PhoneHome|contact_phone_number|tel|MobileNo|手机号|联系电话",
    "addresses": "street|address|billing_address|addressLine2|addr1|homeAddress|家庭住址|地址",
    "dates of birth": "dob|customer_dob|dateOfBirth|BirthDate|birth|出生日期",
    "numbers of identity documents": "ssn|SSN|passport|passport_no|social_security_number|driversLicense|身份证号"
    "|身份证",
}
OTHERS = (
    # of Sparkov, of claims of insurances, of applications for loans, of payments and logins
    "city|state|job|gender|category|merchant|zip|country"
    "|insured_occupation|insured_hobbies|incident_severity|incident_city|auto_make|policy_state"
    "|emp_title|addr_state|home_ownership|purpose|title|zip_code|verification_status"
    "|merchant_name|file_name|country_name|product name|DeviceName|bankName|channel_name|city_name"
    "|email_domain|P_emaildomain|phone_type|phone_model|address_type|ip_address|macAddress"
    "|last_login_result|first_seen_country|last_channel|first_product|has_phone|is_email|hotel"
    "|birth_country|place_of_birth|country_of_residence|passport_country|driver_license_state|mobile|same_address"
    "|手机品牌|商户名|电话类型|IP地址|城市|商户名称|是否有电话|地址类型|开户行"
)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in PERSONS for name in PERSONS[kind].split("|")])
def test_names_of_columns_that_look_like_persons(kind: str, name: str) -> None:
    assert person_reason(name, WORDS, 100) == f"looks like {kind}"


@pytest.mark.parametrize("name", OTHERS.split("|"))
def test_names_of_columns_that_do_not(name: str) -> None:
    assert person_reason(name, WORDS, 100) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("ann.li@example.org", "looks like e-mail addresses"),
        ("+49 (170) 123-4567", "looks like telephone numbers"),
        ("(555) 123-4567", "looks like telephone numbers"),
        ("555-123-4567", "looks like telephone numbers"),
        ("0171/1234567", "looks like telephone numbers"),
        ("13812345678", "looks like telephone numbers"),
        ("1988-03-09", UNREAD_DATES),
        ("9.3.1988", UNREAD_DATES),
        ("03/29/88", UNREAD_DATES),
        ("1988年3月9日", UNREAD_DATES),
        ("09-Mar-1988", UNREAD_DATES),
        ("2019-01-25T10:00:00Z", UNREAD_DATES),
        *(
            (other, None)
            for other in ("10.0.0.1", "10.15.7", "11.4.20", "12345-6789", "A-2019", "3-5", "2019", "12:30")
        ),
        *((other, None) for other in ("@shop", "Mozilla/5.0", "1000.00", "a b", "30-40 years", "1-2-3", "012345")),
    ],
)
def test_values_that_are_never_categories(value: str, reason: str | None) -> None:
    assert person_reason("field", [value] * 5, 100) == reason
    assert person_reason("field", [value, "other", "third"], 100) is None  # most values are of another form


def test_answers_in_many_rows_are_categories_whatever_the_name() -> None:
    frame = pd.DataFrame({"account_id": range(100), "telephone": ["yes", "none"] * 50, "first": [*"abcde"] * 20})
    chosen = choose_profile_columns(frame)
    assert (chosen.categories, chosen.left_out) == (("telephone",), {"first": "looks like names of persons"})


def test_few_ids_of_persons_are_no_categories() -> None:
    frame = pd.DataFrame(
        {
            "Office ID": [*range(5)] * 400,
            "email": ["a@x.example", "b@x.example", "c@y.example", "d@z.example", "e@z.example"] * 400,
        }
    )
    chosen = choose_profile_columns(frame)
    assert (chosen.categories, chosen.left_out) == (("Office ID",), {"email": "looks like e-mail addresses"})


def test_numbers_stay_and_declared_columns_win() -> None:
    frame = pd.DataFrame({"text": [*"abcd"] * 25, "zip": range(100), "dob": range(100), "surname": [*"abcd"] * 25})
    assert choose_profile_columns(frame, exclude=("text",)).numbers == ("zip", "dob")
    assert candidate_columns(frame) == ("zip", "dob")
    assert choose_profile_columns(frame, declared=("surname",), exclude=("text",)).categories == ("surname",)
    assert declared_columns(frame, ["surname"]).categories == ("surname",)
