"""The tree of a release: its version, and the date in the changelog."""

from datetime import date
from pathlib import Path

import pytest

from scripts.imports import ROOT
from scripts.release.tree import stamp, version_of

DAY = date(2026, 12, 1)
LOG = "# Changelog\n\n## [0.2.0] - unreleased\n\n- New.\n\n## [0.1.0] - 2026-01-02\n\n- Old.\n"


def test_the_first_heading_gets_the_date() -> None:
    stamped = stamp(LOG, "0.2.0", DAY)
    assert stamped == LOG.replace("unreleased", "2026-12-01")
    assert stamp(stamped, "0.2.0", date(2027, 1, 1)) == stamped


@pytest.mark.parametrize(
    ("log", "message"),
    [
        (LOG.replace("0.2.0", "0.3.0"), r"expected the first heading '## \[0.2.0\] - unreleased', got ## \[0.3.0\]"),
        ("# Changelog\n", "got none"),
        (LOG.replace("unreleased", "soon"), "Invalid isoformat string"),
    ],
)
def test_another_heading_is_an_error(log: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stamp(log, "0.2.0", DAY)


def test_all_files_name_one_version(tmp_path: Path) -> None:
    stamp((ROOT / "CHANGELOG.md").read_text("utf-8"), version_of(ROOT), DAY)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    (tmp_path / "CITATION.cff").write_text("title: x\nversion: 0.1.0\n")
    with pytest.raises(ValueError, match=r"expected 'version: 0\.2\.0'"):
        version_of(tmp_path)
