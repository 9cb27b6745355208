"""The obfuscations: deterministic, of the requested strength, and reversible with tables in this file."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.training.attack.obfuscations import LINK, OBFUSCATIONS, STRENGTHS, language_of, obfuscate
from tests.messages import refused
from tests.profiles import examples

ZH = "您尾号1234的银行卡已被冻结，请加微信abc988办理贷款，快来领取现金红包"
EN = "URGENT! Your account 4471 has been suspended. Call 0800 555 now to claim your free prize"
TEXTS = {"zh": ZH, "en": EN}
INSERTING = ("zero_width", "symbols", "spacing")


def changed_places(before: str, after: str) -> int:
    """Count the replaced places, for obfuscations that replace one character by one."""
    assert len(before) == len(after)
    return sum(a != b for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("name", OBFUSCATIONS)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_result_does_not_depend_on_other_texts(name: str, strength: str) -> None:
    texts = [ZH, EN, ZH, "", "？", EN + ZH]
    whole = obfuscate(texts, name, strength)
    assert whole == [obfuscate([text], name, strength)[0] for text in texts]
    assert whole[0] == whole[2]
    assert obfuscate(reversed(texts), name, strength) == whole[::-1]


@pytest.mark.parametrize("name", OBFUSCATIONS)
def test_every_obfuscation_changes_the_languages_it_is_made_for(name: str) -> None:
    for language in OBFUSCATIONS[name].languages:
        assert obfuscate([TEXTS[language]], name, "light") != [TEXTS[language]]


@pytest.mark.parametrize("name", ["homophone", "variant", "radical", "initial"])
def test_obfuscations_of_chinese_leave_english_alone(name: str) -> None:
    assert obfuscate([EN], name, "strong") == [EN]


@pytest.mark.parametrize("name", OBFUSCATIONS)
def test_another_seed_gives_another_obfuscation(name: str) -> None:
    texts = [f"{ZH} {EN} {i}" for i in range(5)]
    assert obfuscate(texts, name, "medium", seed=1) != obfuscate(texts, name, "medium")


def test_the_output_is_pinned() -> None:
    # Metrics are compared over time, so the output must not change with the version of Python or by accident.
    assert obfuscate(["win cash now at shop.example/a"], "leetspeak", "strong") == ["win c4$h now @7 shop.example/a"]
    assert obfuscate(["您的银行卡已冻结"], "homophone", "strong", seed=3) == ["您的吟形咖已冻节"]


@pytest.mark.parametrize(("strength", "share"), STRENGTHS.items())
def test_strength_is_the_share_of_the_places(strength: str, share: float) -> None:
    letters = "bakery " * 50
    places = sum(c in "bae" for c in letters)
    assert changed_places(letters, obfuscate([letters], "leetspeak", strength)[0]) == round(share * places)
    gaps = 5 * 50
    assert len(obfuscate([letters], "symbols", strength)[0]) - len(letters) == round(share * gaps)


@pytest.mark.parametrize("name", ["homoglyph", "full_width", "leetspeak", "homophone", "variant"])
def test_a_stronger_obfuscation_changes_what_a_lighter_one_changes_and_more(name: str) -> None:
    text = ZH + EN
    light, strong = (obfuscate([text], name, strength)[0] for strength in ("light", "strong"))
    assert changed_places(text, light) < changed_places(text, strong)
    assert all(
        after in (before, weaker) or weaker == before for before, weaker, after in zip(text, light, strong, strict=True)
    )


@pytest.mark.parametrize("name", INSERTING)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_insertion_only_inserts(name: str, text: str) -> None:
    after = iter(obfuscate([text], name, "strong")[0])
    inserted = []
    for char in text:
        while (found := next(after)) != char:
            inserted.append(found)
    assert [*after] == []
    assert not any(mark.isalnum() for mark in inserted if mark != "丶")
    assert (name == "zero_width") == all(unicodedata.category(mark) in ("Cf", "Mn") for mark in inserted)
    assert (name == "spacing") == all(mark.isspace() for mark in inserted)
    assert name == "zero_width" or len(set(inserted)) == 1  # one symbol per text


def test_homoglyphs_look_like_letters_of_other_scripts() -> None:
    text = "account suspended"
    after = obfuscate([text], "homoglyph", "strong")[0]
    assert all(a == b or not a.isascii() for a, b in zip(after, text, strict=True))
    assert all(not unicodedata.name(char).startswith("FULLWIDTH") for char in after)
    assert "".join(obfuscate(["金言一车"], "homoglyph", "strong")) != "金言一车"


def test_full_width_letters_are_the_same_letters() -> None:
    texts = [f"Call 0800 {i} now" for i in range(30)]
    after = obfuscate(texts, "full_width", "strong")
    black = {chr(0x1F150 + i): chr(ord("a") + i) for i in range(26)} | dict(
        zip("⓿❶❷❸❹❺❻❼❽❾", "0123456789", strict=True)
    )
    for text, obfuscated in zip(texts, after, strict=True):
        plain = unicodedata.normalize("NFKC", "".join(black.get(char, char) for char in obfuscated))
        assert re.sub("[()]", "", plain).lower() == text.lower()
    kinds = {char for text in after for char in text if not char.isascii()}
    assert any(char in kinds for char in black)
    assert any(0xFF01 <= ord(char) <= 0xFF5E for char in kinds)


def test_digits_are_spelled_in_the_language_of_the_text() -> None:
    spelled = {obfuscate(["订单1号"], "spelled_digits", "light", seed=i)[0] for i in range(40)}
    assert spelled == {"订单一号", "订单壹号", "订单1\ufe0f\u20e3号"}
    spelled = {obfuscate(["pay 10"], "spelled_digits", "strong", seed=i)[0] for i in range(40)}
    assert {"pay one 0", "pay 1zero", "pay 1\ufe0f\u20e30", "pay 10\ufe0f\u20e3"} == spelled


def test_homophones_sound_alike_and_are_common() -> None:
    swaps = {obfuscate(["贷"], "homophone", "light", seed=i)[0] for i in range(60)}
    assert swaps == set("代带待袋戴")
    assert obfuscate(["您"], "homophone", "light") == ["您"]  # it has no homophone


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["a", "-", "a.", "1", "/", "中", "www.", "a.cc ", "中a.cn"])
def test_long_texts_of_one_pattern_take_little_time(unit: str) -> None:
    text = (unit * 30_000)[:30_000]
    for name in OBFUSCATIONS:
        start = time.process_time()
        obfuscate([text], name, "light")
        assert time.process_time() - start < 1.5  # a search from every character takes several seconds


@examples(200)
@given(st.lists(st.sampled_from(["com", "www.", "http://", ".cn", *"ab-./:w中 m"]), max_size=30))
def test_links_are_those_of_a_search_from_every_character(parts: list[str]) -> None:
    text = "".join(parts)
    slow = re.compile(LINK.pattern.replace(r"(?<![a-z0-9-])(?<![a-z0-9-]\.)", ""), re.IGNORECASE)
    assert slow.pattern != LINK.pattern
    assert [match.span() for match in LINK.finditer(text)] == [match.span() for match in slow.finditer(text)]


def test_variants_are_traditional_first_of_all() -> None:
    assert obfuscate(["银"], "variant", "light") == ["銀"]
    assert obfuscate(["贷"], "variant", "light") == ["貸"]


def test_radicals_are_left_and_right_parts() -> None:
    assert obfuscate(["银行好贷"], "radical", "strong") == ["钅艮彳亍好贷"]
    assert obfuscate(["贷草"], "radical", "strong") == ["贷草"]  # parts one above the other


def test_initials_are_those_of_pinyin() -> None:
    assert {obfuscate(["微"], "initial", "light", seed=i)[0] for i in range(20)} == {"w", "W"}
    assert obfuscate(["重"], "initial", "light")[0] in "zZ"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Urgent", "Pressing"),
        ("URGENT", "PRESSING"),
        ("urgently", "urgently"),
        ("a free-for-all", "a gratis-for-all"),
        ("快来领取", "快来认领"),
        ("信用卡", "贷记卡"),  # not 信用 and 卡
        ("prize2", "prize2"),
    ],
)
def test_synonyms_are_of_whole_words(text: str, after: str) -> None:
    assert obfuscate([text], "synonym", "light") == [after]


@pytest.mark.parametrize("name", OBFUSCATIONS)
@pytest.mark.parametrize(
    "link", ["https://a1-bank.example/login?id=72", "www.free-prize.win", "pay.shop.co.uk/a1", "t.cn/Rxy9"]
)
def test_links_are_unchanged(name: str, link: str) -> None:
    after = obfuscate([f"account 12 冻结 {link} 现金 now"], name, "strong")[0]
    assert link in after


def test_a_full_stop_without_a_space_is_not_a_link() -> None:
    assert obfuscate(["win cash.Call now"], "leetspeak", "strong") != ["win cash.Call now"]
    assert "cash.Call" not in obfuscate(["cash.Call"], "leetspeak", "strong")


@examples(200)
@given(st.text(), st.sampled_from(sorted(OBFUSCATIONS)), st.sampled_from(sorted(STRENGTHS)), st.integers(0, 9))
def test_any_text_can_be_obfuscated(text: str, name: str, strength: str, seed: int) -> None:
    after = obfuscate([text], name, strength, seed)
    assert after == obfuscate([text], name, strength, seed)
    assert isinstance(after[0], str)
    assert bool(text) == bool(after[0])


def test_lone_surrogates_can_be_obfuscated() -> None:
    assert "\ud800" in obfuscate(["free \ud800 cash"], "symbols", "light")[0]


def test_unknown_names_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"Expected one of zero_width, .*, got 'magic'"):
        obfuscate(["a"], "magic", "light")
    with refused(ValueError, "mild"):
        obfuscate(["a"], "symbols", "mild")


def test_levels_and_sources_are_declared() -> None:
    assert {way.level for way in OBFUSCATIONS.values()} == {"character", "word"}
    assert [name for name, way in OBFUSCATIONS.items() if way.level == "word"] == ["synonym"]
    assert all(way.source and set(way.languages) <= {"zh", "en"} for way in OBFUSCATIONS.values())
    assert list(STRENGTHS.values()) == sorted(STRENGTHS.values())


def test_the_language_is_that_of_most_letters() -> None:
    assert (language_of([ZH, EN[:20]]), language_of([EN, ZH[:9]]), language_of(["123"])) == ("zh", "en", "en")
