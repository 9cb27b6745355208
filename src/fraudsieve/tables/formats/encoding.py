"""The content of a file: its first bytes, and its encoding, given, detected, or UTF-8 with some broken lines."""

import codecs
import gzip
import io
import math
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from itertools import filterfalse
from pathlib import Path
from typing import Final

import charset_normalizer
import pyarrow as pa

from fraudsieve._translation import tr
from fraudsieve.exceptions import SchemaError

from .loaded import MAX_BROKEN_SHARE, ReadOptions

SAMPLE: Final = 200_000
"""Bytes from which the encoding is found."""
CHINESE: Final = ("gb2312", "gbk", "hz")
"""Encodings that GB18030 contains."""
LANGUAGES: Final = {
    "cp1252": "üäößÜÄÖ€éà–„“ éèàçêùâôîûëïœÉÀÇ’€«»° íóáéñúü¿¡ÁÓÍÚÑªº€ ãçáéíóêõàúâôÃÇÁÉÓÊºª àèéùòìÈÀ’ øåæéØÅÆ äåöéÄÅÖ "
    "£€’‘“”–—…é°ïñ•·®™© ëïéèöüêç ðþáíéóúýæöÞÁÍÓ",
    "cp1250": "łąężóśćńźŁŻŚÓĆŹ íáéěřščžýůúťďňóŘŠČŽÚÁ áéöóőíüúűÁÉÖÓŐÜ áíéčšžúýľťôďňäŠČŽ čšžćđŠČŽĆĐ ăîâşţĂÎŞŢ",
    "cp1254": "ıişğüçöİŞÇÖÜĞâ",
    "cp1257": "ėšųįžūčąęŠŽ āēīšūņģļžķčĀŠ",
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё аіоинвтерслкумдпзяьбгйчїхцєжюшфщґ",
    "koi8-r": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё",
    "cp866": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё",
    "cp1253": "αοιετσνηυρπκμλωςίόάέγδήύχθφβξζώψΑΤΕΣΗΟΠΚ",
    "cp1255": "יוהלאתרבםמשנחדכפקעסטגצזןךףץ",
    "cp1256": "اليمنوتربعدهفسكقحجشصطخةضذثزءغىظ",
    "cp874": "านรอกเงมลยวสทตหปดคแพชจขใไะิี่้ัื",
}
"""Letters and signs of languages that are not ASCII, the most frequent first, by an encoding of one byte a letter."""
DOUBTS, DOUBT, TRUST = {"cp1252": 0.0, "cp1257": 0.9}, 0.4, -0.3
"""How much less a text must surprise in an encoding, in nats: less in the usual one and least in that of the training,
more in a rare one."""
OTHER, RARER, MAX_SURPRISE = 0.1, 1.5, 3.9
"""Probability of all other letters, how much more a capital surprises than a small letter, and the largest surprise of
a letter, on the mean, in nats: texts of these languages have up to 3.7, others 4.4 and more."""
MAX_CHAOS: Final = 0.1
"""Largest improbability of the characters of an encoding that no option names."""


BOM: Final = b"\xef\xbb\xbf"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
TEXT_FORMATS: Final = ("CSV", "JSON Lines")
_SIGNATURES: Final = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive or a workbook",
    b"[": "one JSON array",
    b"{": "JSON Lines",
}


def check_format(head: bytes, expected: str, origin: str) -> None:
    """Raise SchemaError if the first bytes of a file are of another format."""
    head = head.removeprefix(BOM).lstrip()
    if not head:
        raise SchemaError(origin, f"expected {expected}, got an empty file", "Write it again with rows.")
    seen = next((name for sign, name in _SIGNATURES.items() if head.startswith(sign)), "something else")
    is_text = expected in TEXT_FORMATS and (seen == "something else" or head.startswith(UTF_16))
    if seen != expected and not is_text:
        raise SchemaError(origin, f"expected {expected}, got {seen}", "Rename or convert the file.")


def check_exists(file: Path, origin: str) -> None:
    """Raise SchemaError if there is no such file."""
    if not file.is_file():
        problem = "expected a file, got a folder" if file.is_dir() else "there is no such file"
        raise SchemaError(origin, problem, "Check the path.")


def read_content(file: Path, expected: str, origin: str) -> bytes:
    """Return the unpacked bytes of a text file, which may be compressed by gzip or be the only file of a zip
    archive."""
    data, name = file.read_bytes(), file.name.lower()
    if name.endswith(".gz"):
        check_format(data[:64], "gzip", origin)
        data = gzip.decompress(data)
    elif name.endswith(".zip"):
        data = _only_member(data, origin)
    check_format(data[:4096], expected, origin)
    return data.removeprefix(BOM)


def _only_member(data: bytes, origin: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) == 1:
                return archive.read(members[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        problem = f"the archive cannot be read ({type(error).__name__})"
        raise SchemaError(origin, problem, "Pack it again, without a password.") from None
    raise SchemaError(origin, f"expected an archive of one file, got {len(members)}", "Unpack it, and name the file.")


def to_utf8(data: bytes, options: ReadOptions, origin: str) -> tuple[bytes, str | None, tuple[str, ...]]:
    """Return a text in UTF-8, its encoding (None if it is ASCII), and notes on its conversion."""
    encoding, likely = options.encoding, options.read_as.get("encoding")
    if encoding is not None:
        return _decode(data, encoding, origin), _usual(encoding), ()
    if data.startswith(UTF_16):
        return _decode(data, "utf-16", origin), "utf-16", _unlike("utf-16", likely)
    if _is_utf8(data):
        return (data, None, ()) if data.isascii() else (data, "utf-8", _unlike("utf-8", likely))
    lines = data.splitlines()[1:]
    broken = sum(not _is_utf8(line) for line in lines)
    # Few broken lines are damage, unless hardly a character is valid: then the text is in another encoding.
    signs = Counter(filterfalse(str.isascii, data.decode("utf-8", "replace")))
    is_damaged = any(not line.isascii() and _is_utf8(line) for line in lines)
    found = None if is_damaged or 2 * signs["\ufffd"] <= signs.total() else _find(data, likely)
    if found is None and broken < len(lines) and broken <= max(2, MAX_BROKEN_SHARE * len(lines)):
        note = tr(
            "{n} lines are not in UTF-8: their broken characters were replaced by U+FFFD; if the file is in another "
            "encoding, name it with --encoding",
            n=broken,
        )
        return data.decode("utf-8", "replace").encode(), "utf-8", (note, *_unlike("utf-8", likely))
    found = found or _find(data, likely)
    if found is None:
        problem = f"{broken} of {len(lines)} rows are not in UTF-8, nor in an encoding that can be found"
        raise SchemaError(origin, problem, "Save the file as UTF-8, or name its encoding with --encoding.")
    note = tr("read as {encoding}; if characters look wrong, name another with --encoding", encoding=found)
    return _decode(data, found, origin), found, (note, *_unlike(found, likely))


def _unlike(encoding: str, likely: str | None) -> tuple[str, ...]:
    """Return a note on an encoding that is not that of the training; none if it is, or if that is unknown."""
    note = tr("training data was read as {other}, not as {encoding}", other=likely, encoding=encoding)
    return () if likely in (None, encoding) else (note,)


def _decode(data: bytes, encoding: str, origin: str) -> bytes:
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode()
    except LookupError:
        problem = "--encoding: expected an encoding such as utf-8, gb18030 or utf-16, got an unknown one"
    except (UnicodeError, ValueError):  # the error quotes the text
        problem = f"the file is not in {encoding}"
    raise SchemaError(origin, problem, "Omit --encoding to detect it.")


def _find(data: bytes, likely: str | None) -> str | None:
    """Return the most likely encoding in which the whole text is valid; None if none is likely.

    That of the training is chosen unless another is clearly better.
    """
    odd = b"\n".join(line for line in data.splitlines() if not line.isascii())
    odd = odd[: odd.rfind(b"\n", 0, SAMPLE)] if len(odd) > SAMPLE and b"\n" in odd[:SAMPLE] else odd
    wide = _of_characters(odd)
    encoding = (wide if wide == likely else None) or _of_letters(odd, likely) or wide
    if encoding is None:
        best = charset_normalizer.from_bytes(odd).best()
        if best is None or best.chaos > MAX_CHAOS:
            return None
        encoding = _usual(best.encoding)
    try:
        data.decode(encoding)
    except (UnicodeError, LookupError):
        return None
    return encoding


def _usual(encoding: str) -> str:
    """Return the usual name of an encoding, or of the one that contains it."""
    return "gb18030" if (name := codecs.lookup(encoding).name) in CHINESE else name


@cache
def _surprises() -> list[tuple[str, dict[str, float]]]:
    """Return, for each language, its encoding and the negative log-probability of each of its letters.

    Letters have probabilities by their ranks (Zipf), capitals less than the small ones unless they are listed.
    """
    tables = []
    for encoding, alphabets in LANGUAGES.items():
        for letters in alphabets.split():
            weights = {letter: 1 / rank for rank, letter in enumerate(letters, 2)}
            total = sum(weights.values()) / (1 - OTHER)
            known = {letter: -math.log(weight / total) for letter, weight in weights.items()}
            tables.append((encoding, {letter.upper(): value + RARER for letter, value in known.items()} | known))
    return tables


def _of_letters(data: bytes, likely: str | None) -> str | None:
    """Return the encoding of one byte a letter in which the text is least surprising; None if it is in none of them.

    Only the letters that are not ASCII tell encodings apart, and a language has few of them. In tests with 1,000 files
    of 12 encodings, statistics of all characters (charset_normalizer) found half of the Western ones.
    """
    other, found = -math.log(OTHER / 128), dict[str, float]()
    texts = {encoding: _decoded(data, encoding) for encoding in (*LANGUAGES, *([likely] if likely else []))}
    counts = {encoding: Counter(filterfalse(str.isascii, text)) for encoding, text in texts.items() if text}
    others = [] if likely in (None, *LANGUAGES) else [(likely, letters) for _, letters in _surprises()]
    for encoding, surprises in _surprises() + others:
        if encoding in counts:
            surprise = sum(n * surprises.get(letter, other) for letter, n in counts[encoding].items())
            found[encoding] = min(found.get(encoding, math.inf), surprise / counts[encoding].total())
    best = min(found, key=lambda name: found[name] + {**DOUBTS, str(likely): TRUST}.get(name, DOUBT), default=None)
    return best if best is not None and found[best] <= MAX_SURPRISE else None


def _of_characters(data: bytes) -> str | None:
    """Return the encoding of two bytes a character in which enough of them are common in its language; None for none.

    A few lines are enough for this, but not for statistics of characters.
    """
    for encoding, (is_common, share) in COMMON.items():
        text = _decoded(data, encoding)
        wide = [] if text is None else [character for character in text if not character.isascii()]
        if sum(map(is_common, wide)) >= share * len(wide) > 0:
            return encoding
    return None


def _leads(encoding: str, last: int, trail: int) -> Callable[[str], bool]:
    """Return whether a character is punctuation or of the common ones of an encoding, which are first in it."""

    def is_common(character: str) -> bool:
        code = character.encode(encoding)
        return len(code) == 2 and 0xA1 <= code[0] <= last and code[1] >= trail

    return is_common


def _is_kana(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff"


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3" or "\u3000" <= character <= "\u303f"


COMMON: Final[Mapping[str, tuple[Callable[[str], bool], float]]] = {
    "euc_jp": (_is_kana, 0.3),
    "shift_jis": (_is_kana, 0.3),
    "euc_kr": (_is_hangul, 0.9),
    "gb18030": (_leads("gb18030", 0xD7, 0xA1), 0.9),
    "big5": (_leads("big5", 0xC6, 0x40), 0.9),
}
"""Which characters are common in the language of an encoding, and their least share. The order matters: the Hangul of
EUC-KR would be common Chinese characters in GB18030."""


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _is_utf8(data: bytes) -> bool:
    try:
        pa.array([data], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True
