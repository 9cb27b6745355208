"""Custom lists of a user: words, brands with their domains, hotlines, and hosts of link shorteners.

They join the tables that are built in. Entries are normalised as messages are, so that obfuscated text is found too.
The lists are part of a model: scoring uses those that it was trained with.

The words that are counted for everyone are in ``data/words.txt``, which has a category, a tab and a word per line.

Look-alikes of brands in messages with a link: ``paypal-login.com``, ``paypa1.com``, ``icbc.shop.com``.

The user supplies the brands. The domains of a brand and their subdomains are not look-alikes; without declared domains,
its name under any public suffix is its own.
The time is bounded by the length of the messages with a host, times the number of brands.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Final, Self, TypeAlias

import numpy as np

from fraudsieve._compiled import INT_0, compile_kernel, compile_part
from fraudsieve._typing import Array, JsonObject
from fraudsieve.features.text.automaton import Automaton, build_automaton, is_bounded, read_words
from fraudsieve.features.text.characters import is_alnum
from fraudsieve.features.text.codepoints import BEGIN, END, KIND, TEXT, CodePoints, pack
from fraudsieve.features.text.fold import fold_codes, fold_text

from .links import HOST, shortener_table
from .numbers import number_key
from .suffixes import Suffixes, find_rule, hash_host, hash_span, registered_domain, split_host

BrandTables: TypeAlias = tuple[Array, Array, Array, Array]
"""The names of brands, packed, and where they end; whether each owns its name under every suffix; and their domains."""
BRANDS = ("lookalike_brands",)
DOT, HYPHEN, S = map(ord, ".-s")
SHORTEST_WORD = 5
"""Minimum length of brands that words are compared with: too many words are one edit from shorter ones."""
VALID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])")


def check_brands(brands: Sequence[str]) -> tuple[str, ...]:
    """Fold and check brands."""
    if isinstance(brands, str) or not all(isinstance(brand, str) for brand in brands):
        raise TypeError("Expected a sequence of brands as strings. Pass a tuple: brands=('paypal', 'icbc').")
    folded = tuple(dict.fromkeys(fold_text(brand) for brand in brands))
    invalid = [brand for brand in folded if len(brand) < 3 or not VALID.fullmatch(brand)]
    if invalid:
        form = "3 to 63 characters a-z, 0-9 and hyphens, as in a host without its suffix"
        raise ValueError(f"Expected brands of {form}; {len(invalid)} of {len(folded)} are not. Remove these brands.")
    return folded


@compile_part()
def _is_brand(codes: Array, begin: int, end: int, brand: Array) -> bool:
    if end - begin != brand.size:
        return False
    for k in range(brand.size):  # noqa: SIM110 - a generator does not compile
        if codes[begin + k] != brand[k]:
            return False
    return True


@compile_part()
def _one_edit(codes: Array, begin: int, end: int, brand: Array) -> bool:
    """Return whether a span becomes the brand by one inserted, deleted or replaced character."""
    # What is equal from the left and from the right leaves one character of the longer one:
    #
    #   span    p a y p a 1        p a y p a a l
    #   brand   p a y p a l        p a y p a l
    #   head    5                  5                 tail 0, and 1; 6 - 5 - 0 = 1, and 7 - 5 - 1 = 1
    size, other = end - begin, brand.size
    if abs(size - other) > 1:
        return False
    head = 0
    while head < min(size, other) and codes[begin + head] == brand[head]:
        head += 1
    tail = 0
    while tail < min(size, other) - head and codes[end - 1 - tail] == brand[other - 1 - tail]:
        tail += 1
    return max(size, other) - head - tail == 1


@compile_part()
def _label_resembles(codes: Array, begin: int, end: int, brand: Array) -> bool:
    """Return whether a label contains the brand, or a part of it between hyphens is one edit from the brand."""
    for position in range(begin, end - brand.size + 1):
        if _is_brand(codes, position, position + brand.size, brand):
            return True
    position = begin
    for k in range(begin, end + 1):
        if k == end or codes[k] == HYPHEN:
            if _one_edit(codes, position, k, brand):
                return True
            position = k + 1
    return False


@compile_part()
def _host_resembles(codes: Array, begin: int, registered: int, suffix: int, brand: Array) -> bool:
    position = begin
    for k in range(begin, suffix):
        if codes[k] == DOT:
            if _label_resembles(codes, position, k, brand):
                return True
            position = k + 1
    return False


@compile_part()
def _is_lookalike(codes: Array, begin: int, end: int, suffixes: Suffixes, listed: BrandTables) -> bool:
    """Return whether a host resembles a brand and does not belong to any brand."""
    brands, ends, any_suffix, domains = listed
    registered, suffix = split_host(codes, begin, end, suffixes)
    if domains.size and find_rule(hash_span(codes, registered, end), domains) >= 0:
        return False
    for b in range(ends.size - 1):
        if any_suffix[b] and _is_brand(codes, registered, suffix - 1, brands[ends[b] : ends[b + 1]]):
            return False
    for b in range(ends.size - 1):
        if _host_resembles(codes, begin, registered, suffix, brands[ends[b] : ends[b + 1]]):
            return True
    return False


@compile_part()
def _word_resembles(codes: Array, begin: int, end: int, brands: Array, ends: Array) -> bool:
    """Return whether a word is one edit from a brand, except its plural."""
    for b in range(ends.size - 1):
        brand = brands[ends[b] : ends[b + 1]]
        if _is_brand(codes, begin, end, brand):
            return False
    for b in range(ends.size - 1):
        brand = brands[ends[b] : ends[b + 1]]
        plural = codes[end - 1] == S and _is_brand(codes, begin, end - 1, brand)
        if brand.size >= SHORTEST_WORD and not plural and _one_edit(codes, begin, end, brand):
            return True
    return False


@compile_part()
def _count_words(codes: Array, start: int, stop: int, brands: Array, ends: Array) -> int:
    """Count the words between two positions that resemble a brand."""
    count, position = 0, start
    while position < stop:
        begin = position
        while position < stop and is_alnum(codes[position]):
            position += 1
        count += position > begin and _word_resembles(codes, begin, position, brands, ends)
        position += 1
    return count


@compile_kernel()
def brand_kernel(
    codes: Array, offsets: Array, spans: Array, suffixes: Suffixes, listed: BrandTables, out: Array
) -> None:
    brands, ends = listed[:2]
    counted_to = INT_0
    for k in range(spans.shape[0]):
        i = spans[k, TEXT]
        last = k + 1 == spans.shape[0] or spans[k + 1, TEXT] != i
        first = k == 0 or spans[k - 1, TEXT] != i
        if first:
            counted_to, hosts, words = offsets[i], 0, 0
        hosts += spans[k, KIND] == HOST
        words += _count_words(codes, counted_to, spans[k, BEGIN], brands, ends)
        if spans[k, KIND] == HOST:
            begin, end = spans[k, BEGIN], spans[k, END]
            out[i, 0] += _is_lookalike(codes, begin, end, suffixes, listed)
        counted_to = spans[k, END]
        if last:
            words += _count_words(codes, counted_to, offsets[i + 1], brands, ends)
            out[i, 0] += words if hosts else 0


Words: TypeAlias = Mapping[str, Sequence[str]]
ListTables: TypeAlias = tuple[BrandTables, Array, Array]
Brands: TypeAlias = Mapping[str, Sequence[str]] | Sequence[str]

GROUP: Final = re.compile(r"\w{1,40}")
HOST_NAME: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
MAX_GROUPS, MAX_BRANDS, MAX_ENTRIES = 100, 1000, 100_000
"""Limits of the numbers of groups, of brands (each message with a host is compared with all of them), and of a list."""
MAX_LENGTH: Final = 64
"""Maximum length of a word, in characters."""
MAX_CELLS: Final = 1 << 26
"""Maximum size of the automaton of the words: 256 MB, some 10,000 Chinese words."""
MIN_DIGITS, MAX_DIGITS = 3, 15
"""Digits of a hotline; a telephone number has at most 15 (ITU-T E.164)."""
MAX_SHOWN: Final = 40


WORDS = files("fraudsieve.features.cues") / "data" / "words.txt"
CATEGORIES = (
    "urgency",
    "authority",
    "reward",
    "threat",
    "secrecy",
    "payment",
    "verification",
    "contact_me",
    "loan",
    "gambling",
    "adult",
    "job",
    "invoice",
)


@cache
def word_automaton() -> Automaton:
    """Return the automaton of the words of ``data/words.txt``, built once per process."""
    return build_automaton(read_words(WORDS, CATEGORIES))


@compile_kernel()
def word_kernel(codes: Array, offsets: Array, tables: tuple[Array, ...], out: Array) -> None:
    letters, steps, ends, shorter, lengths, kinds, bounded = tables
    for i in range(offsets.size - 1):
        start, stop = offsets[i], offsets[i + 1]
        state = 0
        for position in range(start, stop):
            code = codes[position]
            state = steps[state, letters[code] if code < letters.size else 0]
            end = state if ends[state] >= 0 else 0
            while end:
                word = ends[end]
                if not bounded[word] or is_bounded(codes, position + 1 - lengths[word], position + 1, start, stop):
                    out[i, kinds[word]] += 1
                end = shorter[end]


def count_words(texts: CodePoints) -> Array:
    """Count the words of each of `CATEGORIES`, including words within other words."""
    return count_groups(texts, word_automaton(), len(CATEGORIES))


def count_groups(texts: CodePoints, automaton: Automaton, n_groups: int) -> Array:
    """Count the words of an automaton by their kinds, from 0 to `n_groups`; returns shape (n_texts, n_groups)."""
    out = np.zeros((len(texts), n_groups))
    word_kernel(texts.codes, texts.offsets, automaton.tables, out)
    return out


@dataclass(frozen=True)
class CustomLists:
    """Your own lists, normalised and checked. Create them with `of`."""

    # Words by group; the words of a group are counted in a column of its own.
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # The domains of each brand. A host that has the name of a brand, and is not one of its domains, is a look-alike. A
    # brand without domains owns its name under every public suffix.
    brands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Digits of telephone numbers that are counted as hotlines.
    hotlines: tuple[str, ...] = ()
    # Registered domains that are counted as link shorteners.
    short_hosts: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        words: Words | None = None,
        brands: Brands = (),
        hotlines: Sequence[str] = (),
        short_hosts: Sequence[str] = (),
    ) -> Self:
        """Normalise and check lists."""
        groups = {name: _check_words(name, list_) for name, list_ in (words or {}).items()}
        _check_groups(groups)
        named = brands if isinstance(brands, Mapping) else dict.fromkeys(check_brands(brands), ())
        domains = {name: _check_hosts(f"brands.{name}", hosts) for name, hosts in named.items()}
        folded = check_brands(list(domains))
        if len(domains) > MAX_BRANDS:
            raise ValueError(f"brands: expected at most {MAX_BRANDS} brands, got {len(domains)}. Use fewer.")
        if len(folded) < len(domains):
            raise ValueError("brands: expected every brand once, got one in two spellings. Keep one.")
        return cls(
            groups,
            dict(zip(folded, domains.values(), strict=True)),
            _distinct("hotlines", hotlines, _digits),
            _check_hosts("short_hosts", short_hosts),
        )

    def __bool__(self) -> bool:
        """Return whether there is any list."""
        return bool(self.words or self.brands or self.hotlines or self.short_hosts)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the counts of the groups of words."""
        return tuple(f"own_{name}" for name in self.words)

    @cached_property
    def tables(self) -> ListTables:
        """The brands, the hotlines, and the short hosts with the built-in shorteners, as the kernels read them.

        Brands are their packed names, whether each owns its name under every suffix, and hashes of their domains. These
        are plain tuples: named ones would cost 14 microseconds a call.
        """
        names = pack(tuple(self.brands))
        any_suffix = np.array([not hosts for hosts in self.brands.values()], np.bool_)
        domains = _hashes(host for hosts in self.brands.values() for host in hosts)
        hotlines = np.array(sorted(number_key(digits) for digits in self.hotlines), np.uint64)
        shorteners = np.union1d(shortener_table(), _hashes(self.short_hosts))
        return (names.codes, names.offsets, any_suffix, domains), hotlines, shorteners

    @cached_property
    def automaton(self) -> Automaton:
        """The automaton of the words, whose kinds are positions of groups."""
        groups = {word: place for place, list_ in enumerate(self.words.values()) for word in list_}
        automaton = build_automaton(groups)
        # Boundaries are between letters or digits: "t.me/" has none at its end.
        bounded = [word.isascii() and word[0].isalnum() and word[-1].isalnum() for word in groups]
        return replace(automaton, bounded=np.array(bounded))

    def count_words(self, folded: CodePoints) -> Array:
        """Count the words of each group in texts."""
        return count_groups(folded, self.automaton, len(self.words))

    def to_dict(self) -> JsonObject:
        """Return the lists in plain JSON types."""
        return {
            "words": {name: list(list_) for name, list_ in self.words.items()},
            "brands": {name: list(hosts) for name, hosts in self.brands.items()},
            "hotlines": list(self.hotlines),
            "short_hosts": list(self.short_hosts),
        }


def _check_words(name: str, words: Sequence[str]) -> tuple[str, ...]:
    if not GROUP.fullmatch(name):
        raise ValueError(
            f"words: expected groups named by letters, digits and _, got {_quote(name)}. Rename the group."
        )
    folded = _distinct(f"words.{name}", words, _word)
    if not folded:
        raise ValueError(f"words.{name}: expected at least one word, got none. Add words or remove the group.")
    return folded


def _word(folded: str) -> str:
    """Return a normalised word, or raise ValueError that says what was expected."""
    if not folded:
        raise ValueError("expected words that normalisation does not remove")
    if len(folded) < 2 and folded.isascii():
        raise ValueError("expected words of two or more letters, digits or signs")
    if len(folded) > MAX_LENGTH:
        raise ValueError(f"expected words of at most {MAX_LENGTH} characters")
    return folded


def _check_groups(groups: Mapping[str, tuple[str, ...]]) -> None:
    """Check that no word is in two groups, and that the automaton is not too large."""
    if len(groups) > MAX_GROUPS:
        raise ValueError(f"words: expected at most {MAX_GROUPS} groups, got {len(groups)}. Join groups.")
    homes: dict[str, str] = {}
    for name, words in groups.items():
        for word in words:
            other = homes.setdefault(word, name)
            if other != name:
                problem = f"words: expected every word in one group, got {_quote(word)} in {other} and {name}"
                raise ValueError(f"{problem}. Keep it in one.")
    characters = sum(map(len, homes))
    if (characters + 1) * (len({char for word in homes for char in word}) + 1) > MAX_CELLS:
        problem = f"words: expected lists whose table fits into 256 MB, got {len(homes):,} words"
        raise ValueError(f"{problem} of {characters:,} characters. Use fewer words.")


def _digits(folded: str) -> str:
    digits = "".join(char for char in folded if char.isascii() and char.isdigit())
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        raise ValueError(f"expected numbers of {MIN_DIGITS} to {MAX_DIGITS} digits")
    return digits


def _check_hosts(name: str, hosts: Sequence[str]) -> tuple[str, ...]:
    return _distinct(name, hosts, _host)


def _host(folded: str) -> str:
    try:
        folded = folded.encode("idna").decode() if not folded.isascii() else folded
        registered = registered_domain(folded) if HOST_NAME.fullmatch(folded) else None
    except UnicodeError:
        registered = None
    if registered is None:
        raise ValueError("expected domains under a public suffix, such as bit.ly or icbc.com.cn")
    if registered != folded:
        raise ValueError(f"expected registered domains, such as {registered}")
    return folded


def _distinct(name: str, entries: Sequence[str], check: Callable[[str], str]) -> tuple[str, ...]:
    """Return the checked entries of a list; none may be repeated."""
    if isinstance(entries, str) or not all(isinstance(entry, str) for entry in entries):
        raise TypeError(f"{name}: expected a list of strings, got {type(entries).__name__}. Put the entries in a list.")
    if len(entries) > MAX_ENTRIES:
        raise ValueError(f"{name}: expected at most {MAX_ENTRIES:,} entries, got {len(entries):,}. Use fewer.")
    first: dict[str, str] = {}
    for entry, folded in zip(entries, fold_codes(pack(list(entries)))[0].unpack(), strict=True):
        try:
            checked = check(folded.strip())
        except ValueError as error:
            raise ValueError(f"{name}: {error}, got {_quote(entry)}. Correct or remove it.") from None
        if checked in first:
            both = f"{_quote(first[checked])} and {_quote(entry)}"
            raise ValueError(f"{name}: expected every entry once after normalisation, got {both}. Keep one.")
        first[checked] = entry
    return tuple(first)


def _quote(entry: str) -> str:
    return repr(entry if len(entry) <= MAX_SHOWN else f"{entry[:MAX_SHOWN]}...")


def _hashes(hosts: Iterable[str]) -> Array:
    return np.array(sorted({hash_host(host) for host in hosts}), np.uint64)
