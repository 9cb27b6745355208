"""Rules files: TOML with a table ``[[rule]]`` for each rule, and text files with lists of values."""

from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from fraudsieve._io import read_file, read_toml
from fraudsieve.exceptions import SchemaError

from .rule import Rule
from .rule_set import RuleSet

_KEYS: Final = ("id", "field", "values", "file", "action", "reason", "until")
_REQUIRED: Final = ("id", "field", "action", "reason")
MAX_BYTES: Final = 64 << 20
"""Size limit of a rules file, and of a list of values."""
_EXAMPLE: Final = 'Write a table [[rule]] with id, field, values or file, action = "flag" or "pass", and reason.'


def read_rules(path: str | Path) -> RuleSet:
    """Read a rules file, and the lists of values that it names.

    Parameters
    ----------
    path : str or Path
        A TOML file. A rule has ``values``, a list, or ``file``, a text file with one value per line next to the rules
        file; blank lines and lines that begin with ``#`` are skipped. Without rules, write ``rule = []`` in place of
        the tables. A list without values needs a line that begins with ``#``: an empty file is an error, because it may
        be in the middle of being written. Each file has at most 64 MiB.

    Returns
    -------
    RuleSet
        The rules, with the digest of the files.

    Raises
    ------
    SchemaError
        If a file cannot be read, or a rule is not as expected. The error names files, rules and positions, but
        never values.

    Examples
    --------
    ::

        [[rule]]
        id = "mules"
        field = "account_id"
        values = ["a1", "a2"]
        action = "flag"
        reason = "accounts of case 17"
        until = 2026-12-31

        [[rule]]
        id = "partners"
        field = "host"
        file = "partners.txt"
        action = "pass"
        reason = "our own shops"
    """
    path, digest = Path(path), sha256()
    content = _read(path)
    digest.update(content)
    try:
        tables = read_toml(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        where = f" ({error})" if not isinstance(error, UnicodeDecodeError | RecursionError) else ""
        raise SchemaError(str(path), f"expected TOML in UTF-8{where}", _EXAMPLE) from None
    if not tables:  # perhaps it is being written
        raise SchemaError(str(path), "expected rules, got an empty file", "To have no rules, write: rule = [].")
    entries = tables.get("rule", [])
    if set(tables) - {"rule"} or not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise SchemaError(str(path), "expected tables [[rule]] and nothing else", _EXAMPLE)
    rules = []
    for number, entry in enumerate(entries, 1):
        try:
            lines = _read_values(path, entry)
            digest.update(b"%d %d\n%b\n" % (number, len(lines), b"\n".join(lines)))  # a value may move to another list
            rules.append(_rule(entry, lines))
        except ValueError as error:
            raise _located(path, f"rule {number}", error) from None
    try:
        lists = [path.parent / entry["file"] for entry in entries if "file" in entry]
        return RuleSet(rules, digest=digest.hexdigest(), files=[path, *lists])
    except ValueError as error:
        raise _located(path, "rules", error) from None


def _located(path: Path, where: str, error: ValueError) -> SchemaError:
    return error if isinstance(error, SchemaError) else SchemaError(str(path), f"{where}: {error}", _EXAMPLE)


def _rule(entry: Mapping[str, Any], lines: list[bytes]) -> Rule:
    unknown = set(entry) - {*_KEYS}
    if unknown:
        near = [close[0] for key in sorted(unknown) if (close := get_close_matches(key, _KEYS, 1))]
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"expected {', '.join(_KEYS)}, got an unknown key{hint}")
    missing = [name for name in _REQUIRED if name not in entry]
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    if ("values" in entry) == ("file" in entry):
        raise ValueError("expected either values or file")
    values = [line.decode("utf-8") for line in lines] if "file" in entry else entry["values"]
    if not isinstance(values, list):
        raise ValueError("values: expected a list")
    about = {name: entry[name] for name in _REQUIRED}
    return Rule(**about, values=values, until=entry.get("until"))


def _read_values(path: Path, entry: Mapping[str, Any]) -> list[bytes]:
    """Return the lines of the file of a rule; an empty list for a rule without a file."""
    name = entry.get("file")
    if name is None:
        return []
    if not isinstance(name, str):
        raise ValueError("file: expected the name of a file")
    content = _read(path.parent / name)
    if not content.strip():  # perhaps it is being written
        raise SchemaError(name, "expected values, got an empty file", "To have none, write a line that begins with #.")
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SchemaError(name, "expected UTF-8", "Write one value per line, in UTF-8.") from None
    lines = [line.strip() for line in content.removeprefix(b"\xef\xbb\xbf").splitlines()]
    return [line for line in lines if line and not line.startswith(b"#")]


def _read(path: Path) -> bytes:
    return read_file(path, MAX_BYTES, SchemaError, "Name a rules file, and lists beside it, that can be read.")
