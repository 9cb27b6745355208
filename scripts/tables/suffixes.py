"""Build ``features/cues/data/suffixes.npz``: the rules of the public suffix list, hashed.

Run ``python scripts/tables/suffixes.py`` in the root of the repository, with ``pip install "fraudsieve[tables]"``.
Scoring reads the file and does not need the package. Names that are not ASCII are stored in their ``xn--`` form.

Source: the Public Suffix List (MPL 2.0, publicsuffix.org) in the package publicsuffixlist. Both of its sections are
used, since names under ``github.io`` also belong to different people. The versions of the list and the package are
stored.
"""

import re
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from fraudsieve.features.cues.suffixes import EXCEPTION, NORMAL, TABLE, WILD, hash_host


def read_rules(listed: str) -> dict[str, int]:
    """Return the bits of the rules, by name."""
    rules: dict[str, int] = {}
    for line in listed.splitlines():
        rule = line.strip()
        if not rule or rule.startswith("//"):
            continue
        bit = EXCEPTION if rule.startswith("!") else WILD if rule.startswith("*.") else NORMAL
        name = rule.removeprefix("!").removeprefix("*.").encode("idna").decode()
        rules[name] = rules.get(name, 0) | bit
        rules.setdefault(name.rpartition(".")[2], 0)  # "ac.za" is a rule but "za" is not: the look-up must continue
    return rules


def build() -> dict[str, np.ndarray]:
    """Return the arrays of the table: hashes, ascending; bits; and the source."""
    listed = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    rules = read_rules(listed)
    date = re.search(r"VERSION: (\S+)", listed)
    pairs = sorted((int(hash_host(name)), bits) for name, bits in rules.items())
    hashes = np.array([value for value, _ in pairs], np.uint64)
    if len(np.unique(hashes)) != len(hashes):
        raise ValueError(
            "Expected a different hash for each rule, got a collision. Change SEED in features/cues/suffixes.py."
        )
    package = f"publicsuffixlist {version('publicsuffixlist')}"
    return {
        "hash": hashes,
        "rule": np.array([bits for _, bits in pairs], np.uint8),
        "source": np.array(f"{package}, list of {date.group(1) if date else 'unknown date'}"),
    }


if __name__ == "__main__":
    table = build()
    np.savez_compressed(Path(str(TABLE)), **table)
    sys.stdout.write(f"{table['source']}: {len(table['hash'])} rules\n")
