"""The choice of further columns of records as features: numbers, and strings that are categories."""

import re
import secrets
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Final, NamedTuple, Self

import pandas as pd

from fraudsieve._typing import Array
from fraudsieve.exceptions import SchemaError
from fraudsieve.features.default_views import identifier_columns
from fraudsieve.tables.cells import STRING, nested_values
from fraudsieve.tables.column_names import describe_columns
from fraudsieve.tables.conversion import dates_of, holds_dates
from fraudsieve.tables.schema import words_of
from fraudsieve.tables.values.reading import PLAIN

from .custom_columns import MAX_TEXTS, CustomColumns, digest_categories
from .dates import UNKNOWN, DateColumn, columns_of_dates, has_hours
from .frames import (
    NOT_PROFILE,
    category_column,
    date_column,
    frequent_categories,
    is_flag,
    is_number,
    is_text,
    nested_error,
    required_column,
)

NOT_OWN: Final = NOT_PROFILE | {"message_id", "text", "recipient_id", "sent_at", "campaign", "row"}
"""Columns of messages that are read for other purposes, or that repeat the label."""

NO_VALUE: Final = "no value in any row"
FEW_VALUES, MANY_VALUES, MAX_SHARE = 20, 5000, 0.1
"""A column with at most `FEW_VALUES` distinct values holds categories; one with more than `MANY_VALUES`, or more than
`MAX_SHARE` of the rows, does not."""
MANY_IDS, MAX_ID_SHARE = 500, 0.01
"""A column of ids, such as those of an office or of an advertiser, has more values than categories if it has more than
`MANY_IDS`, or more than `MAX_ID_SHARE` of the rows: these would tell accounts apart."""


WORDS: Final[Mapping[str, str]] = {
    "names of persons": """
        first name, given name, forename, fore name, middle name, last name, surname, family name, maiden name,
        full name, person name, customer name, client name, user name, holder name, card holder, cardholder,
        account holder, policy holder, policyholder, owner name, sender name, recipient name, receiver name,
        beneficiary name, payee name, payer name, applicant name, borrower name, claimant name, insured name,
        patient name, driver name, witness name, employee name, contact name, contact person, spouse name, mother name,
        father name, mothers maiden name, firstname, middlename, lastname, fullname, fname, lname, username, nickname
    """,
    "e-mail addresses": "email, e mail, email address, e mail address, mail address, emailaddress, email addr",
    "telephone numbers": """
        phone, telephone, tel, phone number, phone no, phone nr, telephone number, telephone no, mobile number,
        mobile no, cell number, mobilephone, cellphone, phonenumber, msisdn, fax, fax number
    """,
    "addresses": "street, street name, address, addr, address line, streetaddress, homeaddress, house number",
    "dates of birth": "dob, birth date, date birth, date of birth, birthdate, birthday, birth day, dateofbirth",
    "numbers of identity documents": """
        ssn, social security, social security number, social security no, social insurance number, national insurance
        number, nino, passport, passport number, passport no, identity number, identity card, identity card number,
        id number, id no, id card, id card number, national number, tax number, taxpayer number, driver license,
        drivers license, driving license, driver licence, drivers licence, driving licence, license number,
        licence number, license no, licence no
    """,
}
"""Last words of column names, in lower case and split by commas. After them may follow a number, or one of `PLACES`."""
WHOLE: Final[Mapping[str, str]] = {
    "names of persons": "name, first, middle, last",
    "dates of birth": "birth, born",
}
"""Words that count only if they are the whole name: ``last_login`` is not a name, and ``place_of_birth`` is not a
date."""
CHINESE: Final[Mapping[str, str]] = {
    "names of persons": "姓名 名字 户名 联系人 持卡人 昵称 用户名",
    "e-mail addresses": "邮箱 邮箱地址 电子邮件 电子邮箱 邮件地址 邮箱号",
    "telephone numbers": "电话 电话号 电话号码 手机 手机号 手机号码 联系方式 联系电话 座机 传真 微信号",
    "addresses": "地址 住址 街道 门牌号 详细地址",
    "dates of birth": "出生日期 出生年月 出生年月日 生日",
    "numbers of identity documents": (
        "身份证 身份证号 身份证号码 护照 护照号 护照号码 证件号 证件号码 社保号 驾驶证号 驾照号"
    ),
}
"""Last characters of column names. What follows ``电话`` in ``电话类型`` makes it a type, which is not a number."""

PLACES: Final = frozenset({"home", "work", "office", "private", "personal", "primary", "secondary", "mobile"})
FLAGS: Final = frozenset({"has", "is", "was", "same", "valid", "verified", "no", "num", "count", "type"})
"""First words of names of columns that describe a value instead of holding it, such as ``has_phone``."""
TECHNICAL: Final = frozenset({"ip", "mac", "web", "url", "site", "wallet", "contract", "server", "host", "network"})
"""Words before ``address`` with which it is not a person's."""
NO_PERSON_CHINESE: Final = "ip mac url 网络 物理 链接 钱包 是否 有无 商户 商品 产品 店"
"""Characters of names of columns about a network, a shop or an answer: ``商户名`` ends as ``户名`` does."""
MAX_FLAG_VALUES: Final = 3
"""At most this many values in many rows are answers such as yes and no, like ``telephone`` in credit data sets."""

SAMPLE, MIN_SHARE = 1000, 0.8
"""Number of values that are checked, and the share of them that must have the form."""
DAY, MONTH, YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "(?:1[89]|20)[0-9]{2}"
UNREAD_DATES: Final = "dates of which some cannot be read, or need --day-first or --month-first"
VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "looks like e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}"),
    "looks like telephone numbers": re.compile(
        r"\+[0-9](?:[ ./()-]{0,2}[0-9]){7,14}"
        r"|(?:1[ .-]?)?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?: ?x[0-9]+)?"
        r"|(?=(?:[^0-9]*[0-9]){9})\(?0[0-9]{1,4}\)?(?:[ /-][0-9]{2,8}){1,4}"
        r"|1[3-9][0-9]{9}"
    ),
    UNREAD_DATES: re.compile(
        rf"(?:{YEAR}(?P<a>[-/.]){MONTH}(?P=a){DAY}|{YEAR}年{MONTH}月{DAY}日"
        rf"|{DAY}(?P<b>[-/.]){DAY}(?P=b){YEAR}|{DAY}(?P<c>[-/]){DAY}(?P=c)[0-9]{{2}}"
        rf"|{DAY}[ -][A-Za-z]{{3,9}}\.?[ -](?:{YEAR}|[0-9]{{2}}))"
        r"(?:[T ]+[0-9]{1,2}:[0-9]{2}.*)?"
    ),
}
"""Forms of values that are never categories."""


def person_reason(name: str, values: Collection[str], n_rows: int) -> str | None:
    """Return why a column of strings looks like data about persons, or like times; None if it does not."""
    kind = _kind_of_name(name)
    is_flag = len(values) <= MAX_FLAG_VALUES and MAX_FLAG_VALUES * len(values) <= n_rows
    if kind is not None and not is_flag:
        return f"looks like {kind}"
    sample = list(islice(values, SAMPLE))
    for reason, pattern in VALUES.items():
        n_matches = sum(pattern.fullmatch(value) is not None for value in sample)
        if sample and n_matches >= MIN_SHARE * len(sample):
            return reason
    return None


def _kind_of_name(name: str) -> str | None:
    name = unicodedata.normalize("NFKC", name).strip()
    chinese = name.casefold().rstrip("0123456789_ ")
    if not any(word in chinese for word in NO_PERSON_CHINESE.split()):
        for kind, endings in CHINESE.items():
            if chinese.endswith(tuple(endings.split())):
                return kind
    words = _unnumbered(words_of(name))
    if not words or (len(words) > 1 and words[0] in FLAGS) or (words[-1] == "address" and words[-2:][0] in TECHNICAL):
        return None
    for kind, phrases in _phrases(WORDS):
        if any(words[-len(phrase) :] == phrase for phrase in phrases):
            return kind
    return next((kind for kind, phrases in _phrases(WHOLE) if words in phrases), None)


def _unnumbered(words: list[str]) -> list[str]:
    """Return the words of a name without what numbers it."""
    while len(words) > 1 and (words[-1].isdigit() or words[-1] in PLACES):
        words.pop()
    return words


def _phrases(table: Mapping[str, str]) -> Iterator[tuple[str, list[list[str]]]]:
    return ((kind, [phrase.split() for phrase in text.split(",")]) for kind, text in table.items())


class ProfileColumns(NamedTuple):
    """The columns that are numbers and categories, and those that are left out, with the reason."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    left_out: dict[str, str]
    dates: tuple[str, ...] = ()

    def without_births(self) -> Self:
        """Leave out dates of birth: without times of the records, there is no age."""
        births = [name for name in self.dates if _kind_of_name(name) == "dates of birth"]
        left_out = self.left_out | dict.fromkeys(births, "looks like dates of birth")
        return self._replace(dates=tuple(name for name in self.dates if name not in births), left_out=left_out)

    def learn(
        self,
        records: pd.DataFrame,
        min_rows: int,
        cutoffs: Array | None = None,
        *,
        digested: bool = False,
        zone: str = "UTC",
        later: Collection[str] = (),
    ) -> CustomColumns:
        """Return the columns with the categories of records, and with those dates that may be later than a record."""
        seen = {name: frequent_categories(records[name], min_rows) for name in self.categories}
        key = secrets.token_hex(16) if digested and seen else ""
        words = {name: tuple(digest_categories(seen[name], key)) for name in seen}
        dates = []
        for name in self.dates:
            is_birth, times = _kind_of_name(name) == "dates of birth", date_column(records, name, zone)
            has_hour, is_later = has_hours(times, zone), cutoffs is not None and bool(_later(times, cutoffs).any())
            next_day = is_later and not has_hour and not is_birth and name not in later
            dates.append(DateColumn(name, is_birth, has_hour and not is_birth, name in later, next_day))
        return CustomColumns(self.numbers, words, key, tuple(dates), zone if dates else "UTC")

    def notes(self, custom: CustomColumns, records: pd.DataFrame, cutoffs: Array) -> tuple[str, ...]:
        """Return notes for the user: the columns that are left out, and those whose values are kept."""
        notes = []
        births = ", ".join(date.name for date in custom.dates if date.is_birth)
        if births:
            notes.append(f"the age by {births} is a feature; history.exclude leaves it out")
        for date in custom.dates:
            times = date_column(records, date.name, custom.zone)
            later = int(_later(times, cutoffs).sum())
            if later and not date.may_be_later:
                of_rows = f"{date.name} is later than its record in {later:,} of {len(times):,} rows, and missing there"
                of_rows += ", and counts from the next day on" if date.next_day else ""
                notes.append(f"{of_rows}; history.later_dates names dates that are known before, such as a departure")
        if self.left_out:
            columns = ", ".join(f"{name} ({reason})" for name, reason in self.left_out.items())
            notes.append(f"columns left out: {columns}; history.categories declares categories, --text-column texts")
        kept = ", ".join(f"{name} ({len(values):,})" for name, values in custom.categories.items() if values)
        if kept and custom.digest_key:
            notes.append(f"the model keeps keyed digests of the values of {kept}")
        elif kept:
            notes.append(f"the model keeps values of {kept}; history.digest_categories keeps keyed digests instead")
        return tuple(notes)


def choose_profile_columns(
    records: pd.DataFrame,
    *,
    exclude: Collection[str] = (),
    declared: Collection[str] = (),
    used_names: Collection[str] = (),
) -> ProfileColumns:
    """Choose the columns of records that are features."""
    numbers, categories, dates, left_out = [], [], [], {}
    read = NOT_PROFILE - {"counterparty_id"}
    names = [str(name) for name in records.columns if name not in read and name not in exclude]
    identifiers = {*identifier_columns(names), "counterparty_id"}
    for name in names:
        column = records[name]
        if name in used_names:
            left_out[name] = "another feature has this name, so rename the column"
        elif nested := nested_values(column):
            if name in declared:
                raise nested_error("subjects", name, nested)
            left_out[name] = nested
        elif name in declared:
            categories.append(name)
        elif column.isna().all():
            left_out[name] = NO_VALUE
        elif name in identifiers and not are_few_ids(column):
            left_out[name] = "an identifier"
        elif _is_index(words_of(name)) and pd.api.types.is_integer_dtype(column) and column.is_unique:
            left_out[name] = "row numbers"
        elif name not in identifiers and is_number(column):
            numbers.append(name)
        elif are_dates(column):
            dates.append(name)
        elif (reason := _why_no_category(name, column)) is not None:
            left_out[name] = reason
        else:
            categories.append(name)
    if "source" in records.columns and "source" not in exclude:
        left_out["source"] = "read as the source of the label"
    kept = _with_free_names(dates, {*numbers, *categories, *used_names}, left_out)
    return ProfileColumns(tuple(numbers), tuple(categories), left_out, kept)


def _with_free_names(dates: Sequence[str], taken: Collection[str], left_out: dict[str, str]) -> tuple[str, ...]:
    """Return the dates of which no feature has the name of another, such as ``days_since_visit`` beside ``visit``."""
    kept: list[str] = []
    for name in dates:
        columns = columns_of_dates([*(DateColumn(one) for one in kept), DateColumn(name, has_hour=True)])
        names = {column.removeprefix("profile__") for column, *_ in columns} | {f"years_since_{name}"}
        if names.isdisjoint(taken):
            kept.append(name)
        else:
            left_out[name] = "another column has the name of one of its features"
    return tuple(kept)


def check_texts(records: pd.DataFrame, names: Collection[str], table: str) -> None:
    """Raise SchemaError if a column that is named for texts is missing, no feature or named twice, or if there are too
    many."""
    if len(names) > MAX_TEXTS:
        raise SchemaError(table, f"expected at most {MAX_TEXTS} columns of texts, got {len(names)}", "Name fewer.")
    for name in names:
        required_column(records, name, table)
        if name in NOT_PROFILE or [*names].count(name) > 1:
            raise SchemaError(table, f"column {name!r} is named twice, or cannot be a text", "Name another column.")


def are_dates(column: pd.Series) -> bool:
    """Return whether a column holds dates alone, as times or as strings that need no order of day and month."""
    column = column.reset_index(drop=True)
    is_time = pd.api.types.is_datetime64_any_dtype(column) or holds_dates(column)
    return is_time or (is_text(column) and dates_of(column.astype(STRING), PLAIN) is not None)


def _is_index(words: list[str]) -> bool:
    """Return whether these are the words of a name such as ``Unnamed: 0``: the index of a frame that pandas wrote."""
    return words == ["index"] or (words[:1] == ["unnamed"] and words[1:2] == ["0"])


def are_few_ids(ids: pd.Series, most: int = MANY_IDS) -> bool:
    """Return whether ids are so few that each is a category."""
    return ids.nunique() <= min(most, MAX_ID_SHARE * len(ids))


def _why_no_category(name: str, column: pd.Series) -> str | None:
    """Return why a column of strings is left out: it looks like data about persons, or has too many values; None if it
    is kept."""
    categories, problem = category_column(column)
    values = pd.Series(categories).dropna().unique()
    if problem or not len(values):
        return problem or NO_VALUE
    reason = person_reason(name, values, len(column))
    if reason is None and len(values) > max(FEW_VALUES, min(MANY_VALUES, MAX_SHARE * len(column))):
        return f"{len(values):,} distinct values in {len(column):,} rows, too many to be categories"
    return reason


def declared_columns(
    records: pd.DataFrame, names: Collection[str], *, categories: Collection[str] = (), table: str = "messages"
) -> ProfileColumns:
    """Return the columns that a user names as features."""
    numbers: list[str] = []
    words: list[str] = []
    dates: list[str] = []
    for name in names:
        if name in NOT_OWN:
            raise SchemaError(table, f"column {name!r} cannot be a feature by itself", "Remove it from the columns.")
        if name not in records:
            others = [other for other in map(str, records.columns) if other not in NOT_OWN]
            similar = get_close_matches(name, others, 1)
            hint = f" (did you mean {similar[0]!r}?)" if similar else ""
            got = describe_columns(others) if others else "got no further columns"
            problem = f"column {name!r}, which is named as a feature, is missing; {got}{hint}"
            raise SchemaError(table, problem, "Correct the name, or remove it.")
        column = records[name]
        if name in (*numbers, *words, *dates):
            raise SchemaError(table, f"column {name!r} is named twice", "Name it once.")
        if name not in categories and are_dates(column):
            dates.append(name)
            continue
        if nested := nested_values(column):
            raise nested_error(table, name, nested)
        is_word = not is_number(column) or (name in categories and not is_flag(column))
        (words if is_word else numbers).append(name)
    left_out: dict[str, str] = {}
    kept = _with_free_names(dates, {*numbers, *words}, left_out)
    return ProfileColumns(tuple(numbers), tuple(words), left_out, kept)


def candidate_columns(records: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of messages that could be features: numbers, categories and dates of more than one value."""
    chosen = choose_profile_columns(records, exclude=NOT_OWN)
    names = {*chosen.numbers, *chosen.categories, *chosen.dates}
    return tuple(name for name in map(str, records.columns) if name in names and _varies(records[name]))


def _varies(column: pd.Series) -> bool:
    """Return whether a column has at least two distinct values."""
    if is_number(column):
        return bool(column.min() != column.max())
    return len(column.dropna().unique()) > 1


def _later(times: Array, cutoffs: Array) -> Array:
    """Return which dates are later than their records."""
    later: Array = (times > cutoffs) & (cutoffs > UNKNOWN)
    return later
