"""How fraudsters write past a filter.

The tables are the simulator's own, so that the folding of texts is not tested against itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from numpy.random import Generator

__all__ = ["KINDS", "apply_obfuscations"]

_Edit = Callable[[str, Generator, float], str]

_LINK: Final = re.compile(r"((?:https?://)?[A-Za-z0-9.-]+\.example(?:/[A-Za-z0-9/]*)?)")
_ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff"
_SYMBOLS: Final = "*.·_|-"
_DIGITS: Final = ("０１２３４５６７８９", "⓪①②③④⑤⑥⑦⑧⑨")
_SPELLED: Final = ("零一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖")
_LOOKALIKES: Final = {
    "a": "а", "c": "с", "e": "е", "i": "і", "j": "ј", "o": "оο", "p": "рρ", "s": "ѕ", "u": "υ", "v": "ν",
    "x": "х", "y": "у", "A": "АΑ", "B": "ВΒ", "C": "С", "E": "ЕΕ", "H": "НΗ", "I": "ІΙ", "K": "КΚ",
    "M": "МΜ", "N": "Ν", "O": "ОΟ", "P": "РΡ", "S": "Ѕ", "T": "ТΤ", "X": "ХΧ", "Y": "ΥҮ", "Z": "Ζ",
}  # fmt: skip
_TRADITIONAL: Final = dict(
    zip(
        "万与东业个为么买习书云亲产仅仓价优会传伪体余侧内军冻刘则办务动劳势区医华单卖厅厉压参双发变号员响团国图"
        "圆场块处备复够头奖妈娱学实宝审宽对导将尔尽层岁币师带帮广库应开异归当录径总户执扫报护担拥择换损据断无"
        "时显晓术机权条来极构样欢气汇没沟泽洁济浏测满灵点热爱状现电画疗监盘码礼离积稳笔签简红约级纳纪纸线组细"
        "终绍经结绝统继续绿网罗联脑节药营蓝虚补见规觉视观计订认讨训议讯记许论设访证评识诈诉词试话询该详语误说请"
        "诺读谁调谈谢账货质贩费贷贺资赌赔赢赠赶车转轮软轻载达过运还进远连适选递邮释里钟钱铁银链销锁错键镜长门问间"
        "闻际险随难页项顺须顾预领频题额风飞饭馆验鱼龙",
        "萬與東業個為麼買習書雲親產僅倉價優會傳偽體餘側內軍凍劉則辦務動勞勢區醫華單賣廳厲壓參雙發變號員響團國圖"
        "圓場塊處備複夠頭獎媽娛學實寶審寬對導將爾盡層歲幣師帶幫廣庫應開異歸當錄徑總戶執掃報護擔擁擇換損據斷無"
        "時顯曉術機權條來極構樣歡氣匯沒溝澤潔濟瀏測滿靈點熱愛狀現電畫療監盤碼禮離積穩筆簽簡紅約級納紀紙線組細"
        "終紹經結絕統繼續綠網羅聯腦節藥營藍虛補見規覺視觀計訂認討訓議訊記許論設訪證評識詐訴詞試話詢該詳語誤說請"
        "諾讀誰調談謝賬貨質販費貸賀資賭賠贏贈趕車轉輪軟輕載達過運還進遠連適選遞郵釋裡鐘錢鐵銀鏈銷鎖錯鍵鏡長門問間"
        "聞際險隨難頁項順須顧預領頻題額風飛飯館驗魚龍",
        strict=True,
    )
)
_HOMOPHONES: Final = {
    "加微": ("家薇", "伽威", "➕薇"), "兼职": ("煎直", "兼值"), "贷款": ("代款", "贷宽"),
    "转账": ("转帐", "砖账"),
    "银行": ("银航", "垠行"), "提现": ("提线", "题现"), "佣金": ("拥金", "佣巾"), "联系": ("连系", "联細"),
    "赌场": ("堵场", "赌厂"), "彩票": ("采票", "彩飘"), "发货": ("发祸", "法货"), "返佣": ("反佣", "返拥"),
    "私聊": ("思聊", "私廖"), "客服": ("客付", "刻服"), "资料": ("姿料", "资廖"), "视频": ("示频", "视屏"),
    "照片": ("赵片", "照騙"), "现货": ("线货", "现祸"), "充值": ("冲值", "充直"), "冻结": ("动结", "冻洁"),
    "身份证": ("身份正", "申份证"), "账户": ("帐户", "账护"), "注册": ("住册", "主册"),
    "刷单": ("唰单", "刷丹"),
    "百家乐": ("百佳乐", "百家勒"), "红包": ("紅苞", "洪包"), "加": ("➕", "伽"),
}  # fmt: skip


def _insert(text: str, rng: Generator, rate: float, marks: str) -> str:
    """Put a mark between two letters or digits, at every place with chance `rate`."""
    draws = rng.random(len(text))
    picks = rng.integers(len(marks), size=len(text))
    pieces = [
        char + marks[picks[i]] if draws[i] < rate and char.isalnum() and text[i + 1 : i + 2].isalnum() else char
        for i, char in enumerate(text)
    ]
    return "".join(pieces)


def _replace(text: str, rng: Generator, rate: float, table: dict[str, str]) -> str:
    """Replace characters of `table`, each with chance `rate`, by one of its variants."""
    draws = rng.random(len(text))
    pieces = [
        table[char][rng.integers(len(table[char]))] if char in table and draws[i] < rate else char
        for i, char in enumerate(text)
    ]
    return "".join(pieces)


def _digits(text: str, rng: Generator, rate: float, *, alphabets: tuple[str, ...]) -> str:
    """Write digits in one of the alphabets; whoever does so does it to most of them."""
    alphabet = alphabets[rng.integers(len(alphabets))]
    return _replace(text, rng, min(1.0, 0.5 + rate), dict(zip("0123456789", alphabet, strict=True)))


def _homophones(text: str, rng: Generator, rate: float) -> str:
    for word, variants in _HOMOPHONES.items():
        if word in text and rng.random() < 0.4 + rate:
            text = text.replace(word, variants[rng.integers(len(variants))])
    return text


KINDS: Final[dict[str, dict[str, _Edit]]] = {
    "en": {
        "zero_width": lambda text, rng, rate: _insert(text, rng, rate, _ZERO_WIDTH),
        "symbols": lambda text, rng, rate: _insert(text, rng, rate, _SYMBOLS[rng.integers(len(_SYMBOLS))]),
        "spacing": lambda text, rng, rate: _insert(text, rng, rate, " "),
        "digits": lambda text, rng, rate: _digits(text, rng, rate, alphabets=_DIGITS),
        "lookalikes": lambda text, rng, rate: _replace(text, rng, rate, _LOOKALIKES),
    }
}
"""For each language the names of the disguises and what they do."""
KINDS["zh"] = KINDS["en"] | {
    "spelled": lambda text, rng, rate: _digits(text, rng, rate, alphabets=_SPELLED),
    "traditional": lambda text, rng, rate: _replace(text, rng, 2 * rate, _TRADITIONAL),
    "homophones": _homophones,
}


def apply_obfuscations(text: str, *, rng: Generator, language: str, kinds: Sequence[str], rate: float) -> str:
    """Disguise a text, leaving its links alone so that they can still be followed.

    Parameters
    ----------
    text : str
    rng : numpy.random.Generator
    language : {"zh", "en"}
    kinds : sequence of str
        Names from ``KINDS[language]``, applied in this order.
    rate : float
        Chance that a character is touched, from 0 to 1.

    Returns
    -------
    str
        The text itself where the kinds find nothing to do.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> apply_obfuscations("call 555-0100 or s.example/ka1", rng=rng, language="en", kinds=["digits"], rate=0.5)
    'call ⑤⑤⑤-⓪①⓪⓪ or s.example/ka1'
    """
    parts = _LINK.split(text)
    for kind in kinds:
        edit = KINDS[language][kind]
        parts[::2] = [edit(part, rng, rate) for part in parts[::2]]
    return "".join(parts)
