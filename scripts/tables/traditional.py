"""Build ``features/text/data/traditional.txt``: traditional and variant Chinese characters, and the simplified ones.

Run ``python scripts/tables/traditional.py`` in the root of the repository, with ``pip install "fraudsieve[tables]"``.
Then run ``scripts/tables/fold.py``, which reads the file. If a character has several simplified forms, the first
one is used.

Source: the dictionary TSCharacters of OpenCC (Apache License 2.0) in the package opencc-python-reimplemented.
"""

import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

TARGET = Path(__file__).parents[2] / "features" / "text" / "data" / "traditional.txt"
PACKAGE = "opencc-python-reimplemented"


def read_pairs() -> dict[str, str]:
    """Return the simplified character of every traditional one that differs."""
    text = files("opencc").joinpath("dictionary/TSCharacters.txt").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line)
    pairs = {source: targets.split(" ")[0] for source, targets in rows}
    return {source: target for source, target in pairs.items() if source != target and len(source) == len(target) == 1}


if __name__ == "__main__":
    pairs = read_pairs()
    origin = f"TSCharacters of OpenCC (Apache License 2.0), {PACKAGE} {version(PACKAGE)}"
    head = f"# traditional TAB simplified. Source: {origin}"
    lines = [f"{source}\t{target}" for source, target in sorted(pairs.items())]
    TARGET.write_text("\n".join([head, *lines]) + "\n", "utf-8", newline="\n")
    sys.stdout.write(f"{len(pairs)} characters\n")
