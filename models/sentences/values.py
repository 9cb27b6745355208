"""Values in words: counts, amounts, lengths of time, shares and days of the week, in English and in Chinese."""

from typing import Final, get_args

from fraudsieve._translation import Language

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
