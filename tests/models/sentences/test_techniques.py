"""Tests of the table of MITRE F3 techniques."""

import re

from fraudsieve.models.sentences.templates import _techniques, techniques_of
from fraudsieve.training.simulation.text import CRIMES


def test_the_table_has_valid_ids_with_one_name_each() -> None:
    pairs = {pair for techniques in _techniques().values() for pair in techniques}
    assert all(re.fullmatch(r"[FT]\d{4}(\.\d{3})?", technique) and name for technique, name in pairs)
    assert len({technique for technique, _ in pairs}) == len(pairs)


def test_usual_classes_have_techniques() -> None:
    assert techniques_of("phishing")[0] == {"id": "T1660", "name": "Phishing"}
    assert {name for name in CRIMES if techniques_of(name)} >= {"phishing", "telecom_scam", "illegal_gambling"}
    assert techniques_of("legitimate") == []
