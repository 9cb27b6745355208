"""Names of columns, entities and views in words."""

from collections.abc import Mapping
from typing import Final

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
