"""Short messages in English and Chinese from templates, with words and numbers that differ."""

from typing import Any

import numpy as np
import pandas as pd

from tests.walk.zoo.rows import START, make_frauds

__all__ = ["make_messages"]

FRAUD = {
    "en": (
        "Your parcel {n} is held. Pay the {m} fee at http://{w}-post.example/{n} today",
        "URGENT: your {w} account is locked. Verify your card at http://{w}{m}.example now",
        "You have won {n} pounds! Call 0906{n} and quote code {w}{m} to claim the prize",
        "Mum, this is my new number, I broke my phone. Can you send {m}0 to {w}? I pay back {n}",
        "Tax refund of {m} is waiting, confirm your bank details: http://{w}.example/refund{n}",
    ),
    "zh": (
        "【{w}银行】您的账户{n}异常，请立即登录 http://{w}{m}.example 验证身份",
        "恭喜您中奖{n}元，请加微信{w}{m}领取，手续费{m}元",
        "您有包裹{n}无法派送，请点击 http://t{m}.example/{n} 补缴{m}元",
        "急用钱？无抵押贷款{n}元，秒到账，加QQ{n}{m}咨询{w}",
        "代开发票，税点{m}，联系{w}经理，电话1{n}",
    ),
}
USUAL = {
    "en": (
        "I will be there at {m}, wait for me near the {w}",
        "Can you buy {w} and milk on the way home? Room {n}",
        "The meeting about {w} moves to {m} o'clock, same room {n}",
        "Thanks for the {w}! See you on day {m}, number {n}",
        "Your order {n} of {w} was delivered. Rate it with {m} stars in the app",
    ),
    "zh": (
        "晚上{m}点在{w}门口见，别迟到，我在{n}路",
        "妈，今天买点{w}，我大概{m}点到家，房间{n}",
        "【快递】您的{w}已放在驿站，取件码{n}，请在{m}天内领取",
        "会议改到{m}点，资料{n}份记得带上{w}",
        "谢谢你的{w}，下次我请客，一共{n}",
    ),
}
WORDS = {
    "en": ("apple", "garden", "parcel", "green", "north", "market", "silver", "coffee", "tickets", "library"),
    "zh": ("苹果", "公园", "水果", "绿色", "北方", "市场", "白银", "咖啡", "车票", "图书"),
}


def make_messages(seed: int, n: int, language: str = "en", share: float = 0.2) -> tuple[Any, pd.DataFrame]:
    """Return messages in order of time, and the generator: columns ``fraud``, ``time``, ``sender`` and ``text``."""
    rng = np.random.default_rng(seed)
    fraud = make_frauds(rng, n, share)
    words = rng.choice(WORDS[language], n)
    texts = [
        str(rng.choice((FRAUD if is_fraud else USUAL)[language])).format(w=word, n=number, m=small)
        for is_fraud, word, number, small in zip(
            fraud, words, rng.integers(10_000, 99_999, n), rng.integers(2, 24, n), strict=True
        )
    ]
    time = START + pd.to_timedelta(np.sort(rng.integers(0, 60 * 86_400, n)), unit="s")
    return rng, pd.DataFrame({"fraud": fraud, "time": time, "sender": rng.integers(0, 200, n), "text": texts})
