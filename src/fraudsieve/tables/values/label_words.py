"""The words of labels: those for legitimate records and for fraud, and those for a missing label. Needs no pandas."""

from collections.abc import Collection, Mapping
from typing import Final

from .reading import MISSING_NUMBERS, normalise_label

LEGITIMATE: Final = "legitimate"
FRAUD: Final = "fraud"
UNLABELLED: Final = "-1"
NONE: Final = "none"
"""A word for a missing label, and the setting with which no label is legitimate, unless there is such a label."""
NO_LABELS: Final = {*map(normalise_label, MISSING_NUMBERS), "#n/a", "#nv", "-"} - {NONE}
"""Words that programs write for a missing label, such as Excel for a look-up that fails."""
FLAGS: Final = {
    **dict.fromkeys(("0", "false", "f", "no", "n", "否"), LEGITIMATE),
    **dict.fromkeys(("1", "true", "t", "yes", "y", "是"), FRAUD),
}
"""Answers to the question whether a record is fraud, and the classes that they stand for."""
NOT_FRAUD: Final = {answer for answer, kind in FLAGS.items() if kind == LEGITIMATE}
CRIMES: Final = ("fraud", "fraudulent", "spam", "scam", "phishing", "smishing", "suspicious", "malicious")
CHINESE_CRIMES: Final = ("诈骗", "欺诈", "垃圾", "詐騙", "詐欺", "垃圾短信", "垃圾邮件")

_OPPOSITES: Final = {
    *(f"{no}{crime}" for no in ("no ", "non ", "non", "not ", "not a ") for crime in CRIMES),
    *(f"{no}{crime}" for no in ("非", "不是") for crime in CHINESE_CRIMES),
}
WORDS: Final = frozenset(
    _OPPOSITES
    | {"legitimate", "legit", "licit", "ham", "normal", "benign", "good", "genuine", "clean", "safe", "honest", "no"}
    | {"ok", "okay", "valid", "approved", "real", "harmless", "trusted"}
    | {"正常", "合法", "良性", "真实", "正常短信", "正常邮件"}
    | {"legitim", "gutartig", "unbedenklich", "kein betrug", "nein"}
    | {"légitime", "legitime", "bénin", "non frauduleux", "non fraude", "non"}
    | {"legítimo", "legítima", "legitimo", "legitima", "benigno", "no fraude", "não fraude", "não"}
    | {"legittimo", "legittima", "normale", "non frode"}
    | {"нормальный", "нормальное", "норма", "легитимный", "не мошенничество", "не спам", "нет"}
    | {"正規", "通常", "정상", "bình thường", "hợp pháp", "meşru"}
)
"""Usual words for legitimate records, as `normalise_label` returns them."""


def missing_labels(names: Collection[str], legitimate: str | None, classes: Collection[str]) -> dict[str, str | None]:
    """Return the labels that mean that a record has no label, except those that are classes."""
    missing = NO_LABELS & set(names)
    if {"0", "1"} <= set(names):
        missing |= {UNLABELLED}
    # Alone, "none" may be a word for legitimate records: no type of fraud.
    if not (WORDS | NOT_FRAUD | {normalise_label(legitimate or LEGITIMATE)}).isdisjoint(set(names) - {NONE}):
        missing |= {NONE}
    return {label: None for label in names if label in missing - set(map(normalise_label, classes))}


def class_of_label(
    label: str, read_as: Mapping[str, str | None], classes: Collection[str], legitimate: str | None
) -> str | None:
    """Return the class of a single label, as `read_labels_for` reads a table of such labels."""
    name = normalise_label(label)
    known = {*read_as, *map(normalise_label, classes)}
    read: dict[str, str | None] = {**missing_labels({name, *known}, legitimate, classes), **read_as}
    found = read.get(name, label)
    if found is None or found in classes or legitimate is None:
        return found
    if name in NOT_FRAUD or name in WORDS:
        return legitimate
    others = [one for one in classes if one != legitimate]
    return others[0] if len(others) == 1 and (name == FRAUD or name in FLAGS) else found
