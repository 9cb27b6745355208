"""The lock as constraints, and as a bill of materials."""

import json
from pathlib import Path

import pytest

from scripts.imports import ROOT
from scripts.release.lock import constraints_of, only, write_bill
from tests.messages import refused

LOCK = (ROOT / "requirements.lock").read_text("utf-8")
NAMES = {"numpy", "numba", "LightGBM", "charset_normalizer"}


def test_constraints_have_no_hashes_and_lose_no_package() -> None:
    lines = constraints_of(LOCK).splitlines()
    assert len(lines) == sum(line[:1].isalnum() for line in LOCK.splitlines())
    assert not any("hash" in line or line.endswith("\\") for line in lines)
    assert "numba" in {line.partition("==")[0] for line in lines}


def test_only_some_packages_stay_with_their_hashes() -> None:
    kept = only(NAMES, LOCK)
    assert {line.partition("==")[0] for line in kept.splitlines() if line[:1].isalnum()} == {
        *("numpy", "numba", "lightgbm", "charset-normalizer")
    }
    assert kept.count("--hash=sha256:") > 4
    with refused(ValueError, "requirements.lock"):
        only({*NAMES, "nonsense"}, LOCK)


@pytest.mark.slow
def test_the_bill_names_the_packages_with_their_hashes(tmp_path: Path) -> None:
    requirements, bill = tmp_path / "requirements.txt", tmp_path / "a.cdx.json"
    requirements.write_text(only(NAMES, LOCK), "utf-8")
    write_bill(requirements, ROOT, bill)
    content = json.loads(bill.read_text("utf-8"))
    assert content["bomFormat"] == "CycloneDX"
    assert content["metadata"]["component"]["name"] == "fraudsieve"
    assert {component["name"] for component in content["components"]} == {
        *("numpy", "numba", "lightgbm", "charset-normalizer")
    }
    assert all(reference["hashes"] for part in content["components"] for reference in part["externalReferences"])
