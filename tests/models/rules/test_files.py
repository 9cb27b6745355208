"""Rules files: what is read, what is refused, and that no value is named."""

import os
from datetime import date
from pathlib import Path

import pytest

from fraudsieve.exceptions import SchemaError
from fraudsieve.models.rules import files, read_rules
from tests.messages import refused

MULES = """
[[rule]]
id = "mules"
field = "account_id"
values = ["a1", 77]
action = "flag"
reason = "case 17"
until = 2026-12-31
"""
SHOPS = """
[[rule]]
id = "shops"
field = "host"
file = "shops.txt"
action = "pass"
reason = "our own"
"""


def write(folder: Path, content: str, shops: bytes = b"# none") -> Path:
    (folder / "shops.txt").write_bytes(shops)
    (folder / "rules.toml").write_text(content, "utf-8")
    return folder / "rules.toml"


def test_rules_and_their_lists_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, MULES + SHOPS, b"\xef\xbb\xbf# ours\r\nshop.example.com\r\n\r\n  example.org \n")
    rules = read_rules(path)
    mules, shops = rules.rules
    assert (mules.id, mules.values, mules.action, mules.until) == ("mules", ("a1", "77"), "flag", date(2026, 12, 31))
    assert (shops.values, shops.until) == (("shop.example.com", "example.org"), None)
    assert rules.files == (path, tmp_path / "shops.txt")
    assert rules.match({"text": ["see a.example.org"], "account_id": ["b"]}, 1).tolist() == [1]
    assert len(read_rules(write(tmp_path, "rule = []"))) == 0
    assert len(read_rules(write(tmp_path, SHOPS, b"# none yet")).rules[0].values) == 0


def test_the_digest_changes_with_the_file_and_with_its_lists(tmp_path: Path) -> None:
    digests = [
        read_rules(write(tmp_path, content, shops)).digest
        for content, shops in ((MULES + SHOPS, b"a.com\nb.com"), (MULES + SHOPS, b"a.com\nc.com"), (MULES, b"#"))
    ]
    assert len(set(digests)) == 3
    assert read_rules(write(tmp_path, MULES)).digest == digests[2]


def test_a_value_that_moves_to_another_list_changes_the_digest(tmp_path: Path) -> None:
    rule = "[[rule]]\nid = '{0}'\nfield = 'account_id'\nfile = '{0}.txt'\naction = '{1}'\nreason = 'r'\n"
    (tmp_path / "rules.toml").write_text(rule.format("blocked", "flag") + rule.format("allowed", "pass"), "utf-8")
    digests = []
    for blocked, allowed in (("#", "a1"), ("a1", "#"), ("a1\na2", "#"), ("a1", "a2")):
        (tmp_path / "blocked.txt").write_text(blocked, "utf-8")
        (tmp_path / "allowed.txt").write_text(allowed, "utf-8")
        digests.append(read_rules(tmp_path / "rules.toml").digest)
    assert len(set(digests)) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected rules, got an empty file. To have no rules, write: rule = "),
        ("# all rules\n", "expected rules, got an empty file"),
        ("rule = " + "[" * 100_000, "expected TOML in UTF-8"),
        (f"rule = {'1' * 5000}", "expected TOML in UTF-8"),
        ("[[rule]\nid = 'x'", "expected TOML in UTF-8"),
        ("x = " + "[" * 5000, "expected TOML in UTF-8"),
        ("[rules]", "expected tables .*rule.* and nothing else"),
        ("rule = 5", "expected tables"),
        (MULES.replace('id = "mules"', ""), "rule 1: id is missing"),
        (MULES.replace("reason", "why"), "rule 1: expected id, field, .* got an unknown key"),
        (MULES + SHOPS.replace("file", "values = ['x.com']\nfile"), "rule 2: expected either values or file"),
        (MULES.replace('values = ["a1", 77]', ""), "rule 1: expected either values or file"),
        (MULES.replace("77", "7.5"), "rule 1: values, position 1: expected a string or a whole number, got float"),
        (MULES.replace('["a1", 77]', '"a1"'), "rule 1: values: expected a list"),
        (MULES + MULES, "rules: expected one rule per id, got several with 'mules'"),
        (SHOPS.replace("shops.txt", "none.txt"), "none.txt: cannot be read .FileNotFoundError."),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        read_rules(write(tmp_path, content))
    assert "a1" not in str(caught.value).replace(str(tmp_path), "")


def test_wrong_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="shops: values, position 1: expected a host"):
        read_rules(write(tmp_path, SHOPS, b"a.com\nsecret"))
    with pytest.raises(SchemaError, match=r"shops.txt: expected UTF-8"):
        read_rules(write(tmp_path, SHOPS, b"\xff"))
    with refused(SchemaError, "shops.txt"):
        read_rules(write(tmp_path, SHOPS, b"\n"))
    with pytest.raises(SchemaError, match="cannot be read"):
        read_rules(tmp_path / "nothing.toml")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("name", ["rules.toml", "shops.txt"])
def test_files_that_never_end_are_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, SHOPS, b"a.com")
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(SchemaError, match=f"{name}: expected a regular file"):
        read_rules(path)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(SchemaError, match=f"{name}: expected a regular file"):
        read_rules(path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 200)
    with refused(SchemaError, "shops.txt"):
        read_rules(write(tmp_path, SHOPS, b"#" * 201))
