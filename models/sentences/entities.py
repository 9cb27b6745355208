"""Names of columns, entities and views in words.

Values in words: counts, amounts, lengths of time, shares and days of the week, in English and in Chinese.
"""

from collections.abc import Mapping
from typing import Final, get_args

from fraudsieve._translation import Language, in_language, tr
from fraudsieve.features.history.declaration import History

CHINESE: Final[Mapping[str, str]] = {
    "account": "账户",
    "counterparty": "对手方",
    "device": "设备",
    "ip": "IP 地址",
    "card": "卡",
    "merchant": "商户",
    "terminal": "终端",
    "recipient": "接收者",
    "sender": "发送者",
    "amount": "金额",
    "channel": "渠道",
    "country": "国家",
    "kind": "类别",
    "email": "邮箱",
    "phone": "电话",
    "domain": "域名",
    "short_link": "短链接",
    "wechat": "微信号",
    "qq": "QQ 号",
    "telegram": "Telegram 账号",
    "whatsapp": "WhatsApp 账号",
    "bank_card": "银行卡号",
    "chinese_id": "身份证号",
    "company_number": "统一社会信用代码",
    "bitcoin": "比特币地址",
    "ethereum": "以太坊地址",
    "tron": "波场地址",
}
ENGLISH: Final[Mapping[str, str]] = {"ip": "IP address", "email": "e-mail address", "phone": "telephone number"}


def plain_words(name: str, language: Language = "en") -> str:
    """Return the name of a column in words."""
    word = name.removesuffix("_id")
    if language == "zh" and word in CHINESE:
        return CHINESE[word]
    return ENGLISH.get(word, word.replace("_", " ").strip())


def label_in_words(label: str, language: Language = "en") -> str:
    """Return a class in words: in Chinese for the types that the library knows."""
    with in_language(language):
        name = tr(label, sense="type")
    return label.replace("_", " ") if name == label else name


def partners_of(column: str, language: Language) -> str:
    """Return the plural of an entity."""
    word = plain_words(column, language)
    if language == "zh":
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


def events_of(view: History, language: Language, account: str = "account") -> str:
    """Return whose events a feature view measures."""
    names = [account if name == "account_id" else name for name in view.subjects]
    words = [plain_words(name, language) for name in names]
    is_received = tuple(view.entities) == ("counterparty_id",)
    if language == "zh":
        whose = "与".join(f"该{word}" for word in words)
        return f"{whose}之间的" if len(words) > 1 else f"{whose}{'收到的' if is_received else '的'}"
    whose = " and ".join(f"the {word}" for word in words)
    return f"between {whose}" if len(words) > 1 else f"{'received by' if is_received else 'of'} {whose}"


def measured_amounts(view: History, language: Language) -> str:
    """Return what the measures of amounts are computed on."""
    if language == "zh":
        return "金额" if view.amount == "amount" else f"{plain_words(view.amount, language)}的值"
    return "amounts" if view.amount == "amount" else f"values of {plain_words(view.amount)}"


LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
"""The languages of pages and of the sentences of reasons: English and Chinese."""
TIMES: Final = (
    (86_400.0, "day", "天"),
    (3_600.0, "hour", "小时"),
    (60.0, "minute", "分钟"),
    (1.0, "second", "秒"),
)
WINDOW_UNITS: Final = {"s": ("second", "秒"), "m": ("minute", "分钟"), "h": ("hour", "小时"), "d": ("day", "天")}
WINDOW_UNITS_OF_WEEKS: Final = ("week", "周")
WEEKDAYS: Final = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}


def in_words(value: float, unit: str, language: Language) -> str:
    """Return a value in its unit."""
    if unit == "share":
        return f"{_number(100 * value, 1)} %"
    if unit in ("seconds", "days"):
        return duration(value * (86_400 if unit == "days" else 1), language)
    if unit == "years":
        return f"{_number(value, 1)} 岁" if language == "zh" else f"{_number(value, 1)} years old"
    if unit == "hour":
        return f"{int(value)}:00"
    if unit == "weekday":
        return WEEKDAYS[language][int(value) % 7]
    if unit == "count" and value == 0 and language == "en":
        return "no"
    return _number(value, 2)


def _number(value: float, decimals: int) -> str:
    """Return a number with separators of thousands, without zeros at the end of its decimals."""
    if abs(value) >= 1e15 or 0 < abs(value) < 10.0**-decimals / 2:
        return f"{value:.2g}"
    text = f"{value:,.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def duration(seconds: float, language: Language) -> str:
    """Return a length of time in its largest unit."""
    length, english, chinese = next((unit for unit in TIMES if abs(seconds) >= unit[0]), TIMES[-1])
    amount = seconds / length
    text = _number(amount, 0 if amount >= 10 else 1)
    return f"{text} {chinese}" if language == "zh" else f"{text} {english}{'' if text == '1' else 's'}"


def window_words(window: str, language: Language) -> str:
    """Return a window in words."""
    if window in ("all", ""):
        return "all the time before" if language == "en" else "此前全部时间"
    number, unit = int(window[:-1]), WINDOW_UNITS.get(window[-1], WINDOW_UNITS_OF_WEEKS)
    if language == "zh":
        return f"过去 {number} {unit[1]}"
    return f"the last {unit[0]}" if number == 1 else f"the last {number} {unit[0]}s"
