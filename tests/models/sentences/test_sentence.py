"""Tests of the sentences of reasons: every column that a model can have has one, in both languages."""

import math
import re

import numpy as np
import pytest

from fraudsieve._subjects import Subject
from fraudsieve._translation import Language
from fraudsieve.features.account_matrix import AccountMatrix, FeatureMatrix
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.features.default_views import default_histories, default_network
from fraudsieve.features.history.declaration import FAMILIES, History
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.profile.dates import DateColumn
from fraudsieve.features.wording.model import TextModel
from fraudsieve.features.wording.surprisal import CharacterModel
from fraudsieve.models.sentences.entities import LANGUAGES
from fraudsieve.models.sentences.phrases import Phrase, phrases_of, sentence_of
from fraudsieve.models.sentences.templates import read_templates

EVENTS = ("account_id", "occurred_at", "kind", "amount", "counterparty_id", "device_id", "ip", "balance_after")
NAN = math.nan


def text_model() -> TextModel:
    return TextModel(
        ("online_fraud", "phishing"), np.zeros(0, np.int32), np.zeros((0, 3), np.float32), np.zeros(2), 1.0, 1.0
    )


LISTS = CustomLists.of(words={"gambling": ["baccarat"]}, brands=["paypal"])
DATES = (DateColumn("opened"), DateColumn("last_seen", has_hour=True), DateColumn("birth_date", is_birth=True))
OWN = CustomColumns(("age",), {"channel": ("sms",)}, dates=DATES)


def message_matrix() -> MessageMatrix:
    characters = CharacterModel(np.zeros(1, np.uint32), np.zeros(1, np.uint32))
    sender = default_histories(EVENTS, kinds=("wire_in",))
    campaigns = CampaignHistory(types=("online_fraud",))
    return MessageMatrix(text_model(), sender, text_model(), (characters, characters), campaigns, LISTS, OWN)


def account_matrix(subject: Subject) -> AccountMatrix:
    views = default_histories(EVENTS, subject=subject, kinds=("wire_in",), labels=True, numbers=("balance_after",))
    every = History(measures=tuple(FAMILIES), kinds=("cash",), by_kind=("count", "sum", "since_last"), name="every")
    network = default_network(EVENTS, labels=True) if subject.is_account else None
    categories = {"home_town": ("rome", "bonn"), "plan_type": ("basic",)}
    numbers = ("amount", "credit_limit")
    return AccountMatrix(subject, (*views, every), network, CustomColumns(numbers, categories, dates=DATES))


MATRICES: dict[str, FeatureMatrix] = {
    "messages": message_matrix(),
    "accounts": account_matrix(Subject.ACCOUNT),
    "events": account_matrix(Subject.EVENT),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("subject", MATRICES)
def test_every_column_has_a_sentence_without_code_names(subject: str, language: Language) -> None:
    matrix = MATRICES[subject]
    phrases = phrases_of(matrix)
    assert tuple(phrases) == matrix.columns
    for name, phrase in phrases.items():
        for value in (0.0, 1.0, 2.5, -1.0, 1e6, NAN):
            sentence = sentence_of(phrase, value, 7.0, language)
            assert sentence.strip(), name
            assert not {*"_{}|"} & {*sentence}, (name, sentence)
            assert not re.search(r"\b(nan|inf|None)\b", sentence), (name, sentence)
            assert bool(re.search("[\u4e00-\u9fff]", sentence)) == (language == "zh"), (name, sentence)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("subject", MATRICES)
def test_columns_have_different_sentences(subject: str, language: Language) -> None:
    # Had two columns one sentence, a reviewer could not tell which of them counts.
    seen: dict[str, str] = {}
    for name, phrase in phrases_of(MATRICES[subject]).items():
        if "__every_" not in name:  # this view measures the same events as the first one
            usual = 1.0 if read_templates()[phrase.key].unit == "level" else NAN
            assert seen.setdefault(sentence_of(phrase, 2.0, usual, language), name) == name


def phrase(subject: str, name: str) -> Phrase:
    return phrases_of(MATRICES[subject])[name]


@pytest.mark.parametrize(
    ("subject", "name", "value", "usual", "english", "chinese"),
    [
        ("messages", "cues__phones_cn", 1.0, 0.0, "asks to call or names 1 Chinese mobile number, usually none", None),
        ("messages", "cues__hosts", 2.0, 2.0, "contains 2 host names", "含 2 个域名"),
        ("messages", "shape__upper", 0.5, NAN, "50 % of the characters are capital letters", None),
        ("messages", "wording__phishing", 2.0, NAN, "the wording resembles messages labelled phishing", None),
        ("messages", "wording__phishing", -2.0, NAN, "the wording does not resemble messages labelled phishing", None),
        ("messages", "campaign__age", 7200.0, NAN, "the first near-duplicate was sent 2 hours before", None),
        ("messages", "sender__count_1h", 3.0, NAN, "3 events of the sender in the last hour", None),
        (
            "accounts",
            "volume__count_1h",
            48.0,
            2.0,
            "48 events of the account in the last hour, usually 2",
            "过去 1 小时内该账户的事件有 48 个（通常为 2）",
        ),
        (
            "accounts",
            "counterparties__received_distinct_7d",
            1.0,
            NAN,
            "the number of distinct accounts in the events received by the account in the last 7 days is 1",
            None,
        ),
        ("accounts", "rhythm__since_last", NAN, NAN, None, None),
        ("accounts", "profile__home_town", 1.0, NAN, "the home town is bonn", "home town为bonn"),
        ("accounts", "profile__home_town", -1.0, 0.0, "the home town is a value that training did not see", None),
        ("accounts", "profile__home_town", -2.0, 0.0, "the home town is not known", None),
        ("accounts", "profile__credit_limit", 5000.0, 1200.5, "the credit limit is 5,000, usually 1,200.5", None),
        ("accounts", "profile__age_days", 3.0, NAN, "the account is 3 days old", "账户已开立 3 天"),
        ("events", "rhythm__weekday", 6.0, 1.0, "takes place on a Sunday, UTC", "发生在周日（UTC）"),
    ],
)
def test_sentences_say_values_in_their_units(
    subject: str, name: str, value: float, usual: float, english: str | None, chinese: str | None
) -> None:
    for language, expected in (("en", english), ("zh", chinese)):
        if expected is not None:
            assert sentence_of(phrase(subject, name), value, usual, language) == expected  # type: ignore[arg-type]


def test_a_category_that_is_kept_as_a_digest_is_not_shown() -> None:
    matrix = AccountMatrix(
        Subject.ACCOUNT, (), custom=CustomColumns(categories={"city": ("4c26d3dbbdf6c7ec",)}, digest_key="00ff")
    )
    sentence = sentence_of(phrases_of(matrix)["profile__city"], 0.0, NAN, "en")
    assert sentence == "the city is one of the values that training saw"


def test_every_template_is_used() -> None:
    phrases = [phrase for matrix in MATRICES.values() for phrase in phrases_of(matrix).values()]
    used = {phrase.key for phrase in phrases} | {phrase.missing for phrase in phrases}
    assert {*read_templates()} == used | {"missing__usual"}  # of a level without a usual value
