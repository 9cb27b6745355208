"""Floods of all readers: long repetitions of odd pieces, and numbers and strings whose hashes collide.

Each input is made in three sizes: one, twice and four times as large. It is read in time that grows with its size, or
refused in such time. Most inputs are small, so that there are many; only of the large ones is the growth seen.
"""

import gc
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from fraudsieve.exceptions import FraudsieveError
from fraudsieve.live.state import LiveState
from fraudsieve.models import Scorer
from fraudsieve.models.rules.files import read_rules
from fraudsieve.service.bodies import RejectedRequest, decode_json
from fraudsieve.tables.reader import read_table
from fraudsieve.training.recipe.recipe import Recipe
from tests.attack.outcomes import Attempt, Outcome, judge
from tests.live.small_models import account_scorer, message_scorer

Read = Callable[[Any], object]
Input = tuple[Read, Callable[[int], Any]]
"""A reader, and what it reads in a size."""

CHARACTERS, ITEMS, RULES = 500, 100, 6
"""Those of size 1."""
SIZES: Final = (1, 4, 16)
SLOWER: Final = 3.0
"""How much longer twice the size may take; a time that grows with the square takes 4 times as long."""
NOISE: Final = 0.02
"""Seconds that do not count."""
REPEATS: Final = 3
PIECES: Final = (
    *"a1.,-+:/ @\"'\\_=[{(#TZe%",
    *("1,", "1.", "1e", "0x", "a.", "a@", "://", "www.", ".com", "12:", "2026-", "微", "信", "\u200b", "\u0301", "ﷺ"),
)
SUFFIXES: Final = ("", "!", "x", "1", "\n", '"', " ", "]", "=1")
COLLIDING: Final = 2**61 - 1
"""Python's hash of all multiples of this number is 0."""


def prepare(folder: Path) -> Attempt:
    """Return a function that floods a reader."""
    readers = (_json, _table, _rules, _recipe, _message, _events)
    models = message_scorer(), account_scorer()
    return lambda rng: _attempt(readers[int(rng.integers(len(readers)))](rng, folder, *models), int(rng.choice(SIZES)))


def _attempt(flood: Input, size: int) -> Outcome:
    read, make = flood
    return judge(lambda: grows_with_the_size(read, make, size))


def grows_with_the_size(read: Read, make: Callable[[int], Any], size: int) -> bool:
    """Return whether the time grows with the size, at the first or another measurement; raise what is refused."""
    large = make(4 * size)
    seconds, error = _seconds(read, large)  # what is compiled or imported first does not count below
    if seconds > NOISE:
        _measure_growth(read, make(size), make(2 * size), large)
    if error is not None:
        raise error
    return True


def _measure_growth(read: Read, small: Any, middle: Any, large: Any) -> None:
    for _ in range(REPEATS):
        (first, _), (second, _), (last, _) = (_seconds(read, content) for content in (small, middle, large))
        if last < SLOWER**2 * first + NOISE and last < SLOWER * second + NOISE:
            break
    else:
        raise AssertionError(f"{first:.3f}, {second:.3f}, {last:.3f} s for sizes 1, 2, 4")


def _seconds(read: Read, content: Any) -> tuple[float, FraudsieveError | None]:
    """Return the time of this thread, and the error by which an input was refused."""
    refused = None
    gc.disable()  # a collection takes as long as all objects of the process need, whatever is read
    start = time.thread_time()
    try:
        read(content)
    except FraudsieveError as error:
        refused = error
    finally:
        seconds = time.thread_time() - start
        gc.enable()
    return seconds, refused


def _text(rng: np.random.Generator) -> Callable[[int], str]:
    """Return a repetition of a few pieces, whose end often does not fit."""
    unit = "".join(rng.choice(PIECES, int(rng.integers(1, 4))))
    head, suffix = str(rng.choice(["", "1", "a", "+", '"', "2026-01-01"])), str(rng.choice(SUFFIXES))
    return lambda size: head + unit * (CHARACTERS * size // len(unit)) + suffix


def _numbers(rng: np.random.Generator) -> Callable[[int], list[Any]]:
    """Return numbers or strings that a table of hashes with a known function would put into one place."""
    step = int(rng.choice([COLLIDING, 2**32, 2**16, 1, -1]))
    offset, as_text = int(rng.integers(3)), bool(rng.random() < 0.3)
    if rng.random() < 0.2:
        return lambda size: of_one_place(ITEMS * size).tolist()
    return lambda size: [str(n * step + offset) if as_text else n * step + offset for n in range(1, ITEMS * size)]


def of_one_place(n: int) -> Any:
    """Return numbers that pandas puts into one place of its table: their hash, key >> 33 ^ key ^ key << 11, is 0."""
    high = np.arange(1, n + 1, dtype=np.uint64)
    low = (high ^ (high << np.uint64(11)) ^ (high << np.uint64(22))) & np.uint64(2**32 - 1)
    return ((high << np.uint64(33)) | low).astype(np.int64)


def _json(rng: np.random.Generator, folder: Path, *_: Scorer) -> Input:
    text, numbers = _text(rng), _numbers(rng)
    ways: list[Callable[[int], str]] = [
        text,
        lambda size: json.dumps({"text": text(size)}),
        lambda size: json.dumps(numbers(size)),
        lambda size: json.dumps({str(number): number for number in numbers(size)}),
        lambda size: '{"a":1,' * 20 + text(size),
        lambda size: "[" + "1" * (CHARACTERS * size) + "]",
        lambda size: "[" + "1." + "1" * (CHARACTERS * size) + "e-7]",
    ]
    way = ways[int(rng.integers(len(ways)))]
    return _decode, lambda size: way(size).encode("utf-8", "surrogatepass")


def _decode(body: bytes) -> object:
    try:
        return decode_json(body, 1_000_000)
    except RejectedRequest:
        return None


def _table(rng: np.random.Generator, folder: Path, *_: Scorer) -> Input:
    """Return a table in which a column of many rows, a long cell, or the header is flooded."""
    text, numbers, ending = _text(rng), _numbers(rng), str(rng.choice(["csv", "jsonl", "parquet"]))
    column = str(rng.choice(["message_id", "text", "account_id", "sent_at", "amount", "channel"]))
    is_long = rng.random() < 0.5

    def make(size: int) -> Path:
        cells = [text(size)] * 3 if is_long else numbers(size)
        rows = [{"message_id": f"m{at}", "text": "hello", column: cell} for at, cell in enumerate(cells)]
        file = folder / f"{size}.{ending}"
        if ending == "parquet":
            parts = {name: pd.Series([row[name] for row in rows]) for name in rows[0]}
            try:
                pd.DataFrame(parts).to_parquet(file)
            except (OverflowError, pa.ArrowInvalid):  # larger than any whole number of Parquet
                pd.DataFrame(parts).astype(str).to_parquet(file)
        elif ending == "jsonl":
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        else:
            names = list(rows[0])
            lines = [",".join(str(row[name]) for name in names) for row in rows]  # quotes and commas as they come
            file.write_text("\n".join([",".join(names), *lines]), "utf-8")
        return file

    return lambda file: read_table(file, "messages"), make


def _toml(rng: np.random.Generator) -> Callable[[int], str]:
    text, numbers = _text(rng), _numbers(rng)
    ways: list[Callable[[int], str]] = [
        text,
        lambda size: ".".join("a" * (CHARACTERS * size // 4)) + " = 1",
        lambda size: "[" + ".".join("a" * (CHARACTERS * size // 4)) + "]\nb = 1",
        lambda size: "x = {" + '."a b"'.join("a" * (CHARACTERS * size // 8)) + " = 1}",
        lambda size: "\n".join(f"[a{number}]" for number in numbers(size)),
        lambda size: "\n".join(f"'{number}' = {number}" for number in numbers(size)),
        lambda size: f'x = "{text(size)}',
        lambda size: f"x = '''{text(size)}",
        lambda size: f"x = [{text(size)}",
    ]
    return ways[int(rng.integers(len(ways)))]


def _recipe(rng: np.random.Generator, folder: Path, *_: Scorer) -> Input:
    return Recipe.read, partial(_write, folder / "recipe", _toml(rng))


def _rules(rng: np.random.Generator, folder: Path, *_: Scorer) -> Input:
    field = rng.choice(["account_id", "host", "phone", "text"])
    rule = f'field = "{field}"\naction = "flag"\nreason = "r"\n'
    text, numbers = _text(rng), _numbers(rng)
    ways: list[Callable[[int], str]] = [
        _toml(rng),
        lambda size: f'[[rule]]\nid = "a"\n{rule}values = {json.dumps([str(number) for number in numbers(size)])}',
        lambda size: f'[[rule]]\nid = "a"\n{rule}values = {json.dumps([text(size)])}',
        lambda size: "".join(f'[[rule]]\nid = "a{at}"\n{rule}values = ["v{at}"]\n' for at in range(RULES * size)),
    ]
    return read_rules, partial(_write, folder / "rules", ways[int(rng.integers(len(ways)))])


def _write(file: Path, way: Callable[[int], str], size: int) -> Path:
    path = file.with_name(f"{file.name}{size}.toml")
    path.write_text(way(size), "utf-8")
    return path


def _message(rng: np.random.Generator, folder: Path, messages: Scorer, _: Scorer) -> Input:
    text, field = _text(rng), str(rng.choice(["text", "text", "account_id", "sent_at"]))

    def make(size: int) -> dict[str, Any]:
        return {"text": "Your parcel is held", "sent_at": "2024-05-01T10:00:00Z", field: text(size)}

    return messages.score, make


def _events(rng: np.random.Generator, folder: Path, _: Scorer, accounts: Scorer) -> Input:
    numbers, column = _numbers(rng), str(rng.choice(["event_id", "account_id", "counterparty_id", "amount"]))

    def make(size: int) -> list[dict[str, Any]]:
        about = {"account_id": "a", "occurred_at": "2024-05-01T10:00:00Z", "kind": "message"}
        few = numbers(max(size // 4, 1))  # each takes as long as four cells of a table
        return [{"event_id": f"e{at}", **about, column: number} for at, number in enumerate(few)]

    return lambda events: LiveState(accounts).update(events), make
