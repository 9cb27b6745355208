"""Build ``features/cues/data/suffixes.npz``: the rules of the public suffix list, hashed.

Run it from the root of the repo, with ``pip install "fraudsieve[tables]"``: ``python scripts/build_suffix_table.py``.
The scoring path reads the file and needs no package. Names that are not ASCII are stored in their ``xn--`` form.

Source: the Public Suffix List (MPL 2.0, publicsuffix.org) as the package publicsuffixlist carries it, of which both
sections count: names under ``github.io`` belong to different people too. Both versions are stored.
"""

import re
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

from fraudsieve.features.cues.suffixes import EXCEPTION, NORMAL, TABLE, WILD, hash_host


def read_rules(listed: str) -> dict[str, int]:
    """Return what the rules say, as bits, by the name that they speak of."""
    rules: dict[str, int] = {}
    for line in listed.splitlines():
        rule = line.strip()
        if not rule or rule.startswith("//"):
            continue
        bit = EXCEPTION if rule.startswith("!") else WILD if rule.startswith("*.") else NORMAL
        name = rule.removeprefix("!").removeprefix("*.").encode("idna").decode()
        rules[name] = rules.get(name, 0) | bit
        rules.setdefault(name.rpartition(".")[2], 0)  # "ac.za" is a rule and "za" none: a walk must not end there
    return rules


def build() -> dict[str, np.ndarray]:
    """Return the arrays of the table: hashes, ascending; bits; and where it is from."""
    listed = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text(encoding="utf-8")
    rules = read_rules(listed)
    dated = re.search(r"VERSION: (\S+)", listed)
    pairs = sorted((int(hash_host(name)), bits) for name, bits in rules.items())
    hashes = np.array([value for value, _ in pairs], np.uint64)
    if len(np.unique(hashes)) != len(hashes):
        raise ValueError("two rules have the same hash: change the seed of features/cues/suffixes.py")
    package = f"publicsuffixlist {version('publicsuffixlist')}"
    return {
        "hash": hashes,
        "rule": np.array([bits for _, bits in pairs], np.uint8),
        "source": np.array(f"{package}, list of {dated.group(1) if dated else 'unknown date'}"),
    }


if __name__ == "__main__":
    table = build()
    np.savez_compressed(Path(str(TABLE)), allow_pickle=False, **table)
    sys.stdout.write(f"{table['source']}: {len(table['hash'])} rules\n")
