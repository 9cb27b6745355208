"""Workbooks of Excel with damaged bytes or XML: undefined and nested entities, wrong numbers, missing parts."""

import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import openpyxl

from tests.attack.changes import change_bytes
from tests.attack.outcomes import SECRET, Attempt, Outcome, judge

from .files import reads_equally

CELLS = (
    f"hello {SECRET}", f"{SECRET}\n", "", None, 7, 1e300, True, "_x000D_", "免费领奖" + SECRET, "=1+1", "&", "x" * 3000,
)  # fmt: skip
TIMES = ("2026-01-01T00:00:00Z", 46000.5, "yesterday", None)
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else SECRET}">' for n in range(9)).encode()
INSERTED = (
    b"&undefined;", b"&#0;", b"&#x110000;", b"&e8;", b"<", b"<row>", b"</row>", b"<!--", b"]]>", b"<c r='A0'/>",
    b"<c r='ZZZZ9'><v>1</v></c>", b"<c t='s'><v>99999</v></c>", b"<c t='s'><v>-1</v></c>", b"<c t='d'><v>x</v></c>",
    b"<c t='n'><v>1e999</v></c>", b"<c s='999'><v>1</v></c>", b"<row r='0'/>", b"<row r='1048577'/>", b"<row r='x'/>",
    b"<row r='2'/>", b"\xff\xfe", b"\x00", b"<a>" * 5000, b"<sheets/>", SECRET.encode(),
)  # fmt: skip


def prepare(folder: Path) -> Attempt:
    """Return a function that writes a workbook of messages, damages it, and reads it."""
    return partial(_attempt, folder / "m.xlsx")


def _attempt(file: Path, rng: np.random.Generator) -> Outcome:
    content = _written(rng)
    way = rng.random()
    if way < 0.6:
        content = _with_other_part(content, rng)
    elif way < 0.9:
        content = change_bytes(content, rng)
    file.write_bytes(content)
    return judge(lambda: reads_equally(file))


def _written(rng: np.random.Generator) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["message_id", "text", "sent_at"])
    for number in range(int(rng.integers(1, 8))):
        text, time = (values[int(rng.integers(len(values)))] for values in (CELLS, TIMES))
        sheet.append([f"{SECRET}-{number}", text, time])
    book.save(stream)
    return stream.getvalue()


def _with_other_part(content: bytes, rng: np.random.Generator) -> bytes:
    """Change, drop, empty or repeat a part of a workbook."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(stream, "w") as after:
        names = before.namelist()
        likely = [name for name in names if "sheet1" in name or "sharedStrings" in name]
        chosen = str(rng.choice(likely if likely and rng.random() < 0.7 else names))
        dropped = rng.random() < 0.1
        for name in names:
            part = before.read(name)
            if name != chosen:
                after.writestr(name, part)
            elif not dropped:
                after.writestr(name, _changed(part, rng))
    return stream.getvalue()


def _changed(part: bytes, rng: np.random.Generator) -> bytes:
    way = int(rng.integers(4))
    if way == 0:
        return change_bytes(part, rng, likely=b'<>/&"=rcs0123456789')
    if way == 1:
        return b"" if rng.random() < 0.3 else part + part
    places = [at + 1 for at, byte in enumerate(part) if byte == ord(">")] or [0]
    at = places[int(rng.integers(len(places)))]
    inserted = INSERTED[int(rng.integers(len(INSERTED)))]
    head = b"<!DOCTYPE x [" + ENTITIES + b"]>" if way == 2 or inserted == b"&e8;" else b""
    start = part.find(b"?>") + 2 if part.startswith(b"<?xml") else 0
    at = max(at, start)
    return part[:start] + head + part[start:at] + inserted + part[at:]
