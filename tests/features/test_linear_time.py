"""Readers of text take time in proportion to its length, whatever it repeats, also what is worst for one of them.

The reference is a regular expression that takes each character once. Both are timed by the time of their thread, so
that other work on the machine does not count. Readers take up to 3 times the reference, those of contacts 20 times (a
digest of each of 8,000 links in Python). A compiled loop that compares each character with all before takes 30 times.
"""

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from fraudsieve.features.cues.contacts import find_contacts, find_handles
from fraudsieve.features.cues.crypto import count_crypto
from fraudsieve.features.cues.custom_lists import CustomLists, count_words
from fraudsieve.features.cues.links import measure_links
from fraudsieve.features.cues.matrix import cues_and_shape
from fraudsieve.features.cues.numbers import find_numbers
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import undo_by_context

LENGTH: Final = 50_000
BOUND: Final = 10.0
"""Times the reference."""
CONTACTS_BOUND: Final = 60.0
BRANDS: Final = CustomLists.of(brands=[f"paybird{k}" for k in range(10)])
READERS: Final[dict[str, Callable[[CodePoints], object]]] = {
    "brands": partial(cues_and_shape, lists=BRANDS),
    "contacts": lambda texts: find_contacts(texts.unpack(), b"a key for tests"),
    "context": lambda texts: undo_by_context(texts.codes.copy(), texts.offsets),
    "crypto": count_crypto,
    "cues": cues_and_shape,
    "handles": find_handles,
    "links": measure_links,
    "numbers": find_numbers,
    "words": count_words,
}
LINKS: Final = ".|a.|a.com|a.com |a@a.com |a.com/?|-.-|a@|1.2.3.4/ |xn--a.com |a.b|www.|://|w"
BRANDED: Final = "paybird-login.com |paybir.|paybi1d "
ACCOUNTS: Final = "@|@a|@abcdef|微信|微信号:|vx:vx|qq1|微信abcdef|0x|1A1zP1eP5 |1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa "
NUMBERS: Final = "1|1 |+1-|4000 |86 |138 |110105 19491231 |91350100m0|4111 |1,111|1.|$1|1234 |1元|验证码1234"
WORDS: Final = "a|ab|a1|a-|-|a b|ab1|ab1c |urgent |verification cod|中|立|公安|代开发票|【|加*|加**|*|一"
LONG: Final = ("a" * 60 + ".", "p" * 60 + ".com ", "a" * 40 + " ", "".join(map(chr, range(0x4E00, 0x9E00))))
WALLETS: Final = ("0x" + "1" * 40 + " ", "1" * 26 + " ", "bc1" + "q" * 87 + " ", "0x" + "aB" * 20 + " ")
UNITS: Final = (*"|".join((LINKS, BRANDED, ACCOUNTS, NUMBERS, WORDS)).split("|"), *LONG, *WALLETS)


def seconds(use: Callable[[], object]) -> float:
    start = time.thread_time()
    use()
    return time.thread_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_the_time_is_in_proportion_to_the_length(name: str) -> None:
    read, bound = READERS[name], CONTACTS_BOUND if name == "contacts" else BOUND
    read(pack(["warm"]))
    for unit in UNITS:
        text = (unit * (LENGTH // len(unit) + 1))[:LENGTH]
        # Up to three times: collecting the garbage of earlier tests falls into one of them, and takes as long.
        takes_longer = (
            seconds(partial(read, pack([text]))) > bound * seconds(partial(re.findall, r"(?s).", text))
            for _ in range(3)
        )
        assert not all(takes_longer), unit[:20]
