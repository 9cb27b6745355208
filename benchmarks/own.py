"""Algorithms of our own next to a library's, alone and end to end: what gains less than a quarter is not worth it.

``python -m benchmarks.own``: the radix sort of events against ``np.lexsort``, the table of ids against PyArrow's
``dictionary_encode``, and the search for words against ``pyahocorasick``, which is measured if it is installed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.runner import Bar, Report, progress, run_command
from benchmarks.speed.timing import medians_in_turn
from fraudsieve._typing import Array
from fraudsieve.features.accounts import AccountFeatures
from fraudsieve.features.cues.custom_lists import count_words, word_automaton
from fraudsieve.features.history.columns.table import first_rows
from fraudsieve.features.history.declaration import History
from fraudsieve.features.history.kernels.categories import CodedStrings, code_strings
from fraudsieve.features.history.kernels.sorting import sort_events
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.text.codepoints import CodePoints, pack
from fraudsieve.features.text.fold import fold_codes
from fraudsieve.training.simulation.world import simulate

__all__ = ["main", "replaced", "run"]

EVENTS, MESSAGES, ROUNDS = 200_000, 20_000, 25
MIN_GAIN = 0.25
"""What an algorithm of our own must gain end to end: the library's time by ours, minus one."""
PROTOCOL = (
    "One core, medians of rounds in turn. sort and ids: {events:,} events in random order of time, of 40,000 accounts; "
    "end to end is AccountFeatures with one view and no network, on the same frame, with the function replaced by the "
    "library's. words: {messages:,} simulated messages; end to end is MessageMatrix without a text model, with the "
    "library's time in place of ours. gain: the library's time by ours, minus one."
)


def run(*, events: int = EVENTS, messages: int = MESSAGES, rounds: int = ROUNDS) -> Report:
    """Time every algorithm and its counterpart.

    Parameters
    ----------
    events : int, default=200_000
        Number of events.
    messages : int, default=20_000
        Number of messages.
    rounds : int, default=25
        Number of rounds.

    Returns
    -------
    Report
        Milliseconds of ours and of the library's, alone and end to end, and gains.
    """
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for name, seconds in (_event_times(events, rounds) | _word_times(messages, rounds)).items():
        algorithm, _, side = name.rpartition(".")
        (ours if side == "ours" else theirs)[f"{algorithm}_ms"] = seconds * 1e3
    gains = {f"{name.removesuffix('_ms')}_gain": theirs[name] / ours[name] - 1 for name in theirs}
    for name, gain in gains.items():
        progress(f"{name}: {gain:+.0%}")
    bars = [Bar.at_least(name, gain, MIN_GAIN) for name, gain in gains.items() if name.endswith(".end_to_end_gain")]
    protocol = PROTOCOL.format(events=events, messages=messages)
    return Report("own", "simulated", protocol, events, ours | gains, {"library": theirs}, bars)


@contextmanager
def replaced(function: Callable[..., Any], other: Callable[..., Any]) -> Iterator[None]:
    """Replace a function in every module of the library that has imported it.

    Parameters
    ----------
    function, other : callable
        The function, and what is called instead.
    """
    places = [
        (module, name)
        for path, module in list(sys.modules.items())
        if path.startswith("fraudsieve.")
        for name, value in vars(module).items()
        if value is function
    ]
    for module, name in places:
        setattr(module, name, other)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, function)


def sort_by_numpy(entities: Array, times: Array, n_entities: int) -> tuple[Array, Array, Array]:
    """Sort as `sort_events`, by ``np.lexsort``."""
    order = np.lexsort((times, entities)).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(np.bincount(entities, minlength=n_entities))])
    return starts, order, times[order]


def code_by_arrow(starts: Array, stops: Array, data: Array, valid: Array | None = None) -> CodedStrings:
    """Encode as `code_strings`, by ``dictionary_encode``; strings are in order, and none is odd."""
    n, ends = len(starts), np.append(starts, stops[-1:])
    has_gaps = not np.array_equal(ends[1:], stops)
    if has_gaps:  # which are strings too
        n, ends = 2 * n, np.append(np.stack([starts, stops], axis=1), stops[-1:])
    bitmap = None if valid is None else pa.array(valid).buffers()[1]
    strings = pa.Array.from_buffers(pa.large_binary(), n, [bitmap, pa.py_buffer(ends), pa.py_buffer(data)])
    encoded = (strings.take(np.arange(0, n, 2)) if has_gaps else strings).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return CodedStrings(codes, first_rows(codes), np.zeros(len(encoded.dictionary), np.bool_))


def _event_times(n: int, rounds: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    accounts, other = (rng.zipf(1.3, n) % 40_000 for _ in range(2))
    events = pd.DataFrame({"account_id": [f"account{number:05}" for number in accounts]})
    events["counterparty_id"] = [f"account{number:05}" for number in other]
    events["occurred_at"] = pd.Timestamp("2026-05-01") + pd.to_timedelta(rng.integers(0, 30 * 86_400, n), "s")
    events["amount"] = rng.random(n)
    subjects = pd.DataFrame({"account_id": events["account_id"].unique()})
    subjects["as_of"] = pd.Timestamp("2026-06-01")
    view = History(("1d", "7d"), measures=("count", "sum"), identifiers=("counterparty_id",))
    encoded = pa.array(events["account_id"], pa.large_binary()).buffers()
    offsets, letters = np.frombuffer(encoded[1], np.int64, n + 1), np.frombuffer(encoded[2], np.uint8)
    rows = accounts.astype(np.int32), events["occurred_at"].to_numpy().astype(np.int64), 40_000

    def build() -> None:
        AccountFeatures(events, history=view, network=False).fit_transform(subjects)

    def build_with(function: Callable[..., Any], other: Callable[..., Any]) -> None:
        with replaced(function, other):
            build()

    calls: dict[str, Callable[[], object]] = {
        "sort.alone.ours": lambda: sort_events(*rows),
        "sort.alone.library": lambda: sort_by_numpy(*rows),
        "ids.alone.ours": lambda: code_strings(offsets[:-1], offsets[1:], letters),
        "ids.alone.library": lambda: code_by_arrow(offsets[:-1], offsets[1:], letters),
        "sort.end_to_end.ours": build,
        "sort.end_to_end.library": lambda: build_with(sort_events, sort_by_numpy),
        "ids.end_to_end.library": lambda: build_with(code_strings, code_by_arrow),
    }
    medians = medians_in_turn(calls, rounds=rounds)
    return medians | {"ids.end_to_end.ours": medians["sort.end_to_end.ours"]}


def _word_times(n: int, rounds: int) -> dict[str, float]:
    texts = simulate(days=30, n_accounts=100, messages_per_day=max(67, -(-n // 30))).messages["text"].tolist()[:n]
    matrix, folded = MessageMatrix(None), fold_codes(pack(texts))[0]
    calls: dict[str, Callable[[], object]] = {
        "words.alone.ours": lambda: count_words(folded),
        "words.end_to_end.ours": lambda: matrix.compute(texts),
    }
    if find_spec("ahocorasick"):
        search = library_search()
        calls["words.alone.library"] = lambda: search(folded)
    else:
        progress("pyahocorasick is not installed: the search for words is not compared")
    medians = medians_in_turn(calls, rounds=rounds)
    if "words.alone.library" in medians:
        added = medians["words.alone.library"] - medians["words.alone.ours"]
        medians["words.end_to_end.library"] = medians["words.end_to_end.ours"] + added
    return medians


def library_search() -> Callable[[CodePoints], Array]:
    """Return a function that counts the words of texts as `count_words`, by ``pyahocorasick``."""
    import ahocorasick

    from fraudsieve.features.cues.custom_lists import CATEGORIES, WORDS
    from fraudsieve.features.text.automaton import read_words

    automaton = ahocorasick.Automaton()
    for word, kind in read_words(WORDS, CATEGORIES).items():
        automaton.add_word(word, (len(word), kind, word.isascii()))
    automaton.make_automaton()
    assert len(automaton) == len(word_automaton().lengths)

    def is_bounded(text: str, begin: int, end: int) -> bool:
        around = text[max(begin - 1, 0) : begin] + text[end : end + 1]
        return not any(char.isascii() and char.isalnum() for char in around)

    def search(texts: CodePoints) -> Array:
        counts = np.zeros((len(texts), len(CATEGORIES)))
        for row, text in enumerate(texts.unpack()):
            for last, (length, kind, bounded) in automaton.iter(text):
                counts[row, kind] += not bounded or is_bounded(text, last + 1 - length, last + 1)
        return counts

    return search


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code, 0."""
    return run_command("own", lambda options: run(), __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
