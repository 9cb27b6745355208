"""Public suffixes: handmade hosts, and every rule compared with the package that the table is built from."""

import importlib.util
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.suffixes import TABLE, hash_host, hash_left, registered_domain, suffix_table

SCRIPT = Path(__file__).parents[3] / "scripts" / "tables" / "suffixes.py"
HAS_LIST = importlib.util.find_spec("publicsuffixlist") is not None
needs_list = pytest.mark.skipif(not HAS_LIST, reason="publicsuffixlist of fraudsieve[tables] is not installed")


@pytest.mark.parametrize(
    ("host", "registered"),
    [
        ("shop.com", "shop.com"),
        ("www.a.shop.com", "shop.com"),
        ("shop.com.cn", "shop.com.cn"),
        ("pay.shop.co.uk", "shop.co.uk"),
        ("me.github.io", "me.github.io"),
        ("x.me.github.io", "me.github.io"),
        ("a.b.ck", "a.b.ck"),  # *.ck
        ("b.ck", None),
        ("www.ck", "www.ck"),  # !www.ck
        ("x.www.ck", "www.ck"),
        ("x.city.kobe.jp", "city.kobe.jp"),  # !city.kobe.jp
        ("x.y.kobe.jp", "x.y.kobe.jp"),
        ("shop.co.za", "shop.co.za"),  # za itself is not a rule
        ("shop.za", None),
        ("y.kobe.jp", None),
        ("shop.xn--fiqs8s", "shop.xn--fiqs8s"),
        # .example is not a public suffix: it is reserved for examples.
        *((host, None) for host in ("com", "com.cn", "shop.example", "", ".", ".com", "..com", "a..com", "com.")),
        ("a" * 300 + ".com", None),
    ],
)
def test_the_registered_name_of_a_host(host: str, registered: str | None) -> None:
    assert registered_domain(host) == registered


def test_the_compiled_hash_equals_the_plain_one() -> None:
    value = np.uint64(0xCBF29CE484222325)
    for char in reversed("shop.co.uk"):
        value = np.uint64(hash_left(value, np.uint32(ord(char))))
    assert value == hash_host("shop.co.uk")


@given(st.text(st.sampled_from("ackwjpuo.-m"), max_size=20))
def test_a_registered_name_is_the_end_of_its_host_at_a_dot(host: str) -> None:
    found = registered_domain(host)
    assert found is None or ("." + host).endswith("." + found)
    assert found is None or registered_domain(found) == found


def test_the_table_is_sorted_and_names_its_source() -> None:
    hashes, rules = suffix_table()
    assert (np.diff(hashes.astype(object)) > 0).all()
    assert len(hashes) == len(rules) > 9000
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        assert re.fullmatch(r"publicsuffixlist [0-9.]+, list of 20\S+", str(stored["source"]))


@needs_list
def test_every_rule_gives_the_result_of_the_package() -> None:
    from publicsuffixlist import PublicSuffixList

    listed = PublicSuffixList(accept_unknown=False)
    data = Path(sys.modules["publicsuffixlist"].__file__ or "").parent / "public_suffix_list.dat"
    lines = [line.strip() for line in data.read_text(encoding="utf-8").splitlines()]
    names = [line.lstrip("!*.") for line in lines if line and not line.startswith("//")]
    for name in names:
        plain = name.encode("idna").decode()
        for host in (plain, f"a.{plain}", f"c.b.a.{plain}"):
            assert registered_domain(host) == listed.privatesuffix(host), host


@needs_list
def test_rebuilding_gives_the_stored_table(tmp_path: Path) -> None:
    with TABLE.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        kept = {name: stored[name] for name in stored.files}
    if f"publicsuffixlist {version('publicsuffixlist')}," not in str(kept["source"]):
        pytest.skip("publicsuffixlist is of another version than the table: run scripts/tables/suffixes.py")
    script = (
        f"import numpy, runpy; numpy.savez({str(tmp_path / 'new.npz')!r}, **runpy.run_path({str(SCRIPT)!r})['build']())"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    with np.load(tmp_path / "new.npz", allow_pickle=False) as built:
        assert set(built.files) == set(kept)
        assert all(np.array_equal(built[name], kept[name]) for name in kept)
