"""Parts of hosts that the tests of links do not cover."""

import pytest

from fraudsieve.features.cues.links import find_host, is_ip, local_part, path_end
from fraudsieve.features.text.codepoints import pack

NO_IPS = ["1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1.2.3.0004", "1.2.3.a", "1.2.3.99999999999999999999999"]


@pytest.mark.parametrize("host", ["0.0.0.0", "255.255.255.255", *NO_IPS])
def test_an_ip_address_has_four_numbers(host: str) -> None:
    assert is_ip(pack([host]).codes, 0, len(host)) == (host not in NO_IPS)


@pytest.mark.slow
def test_a_host_stays_within_its_limits() -> None:
    codes = pack(["aaa.bbb"]).codes
    assert find_host(codes, 3, 1, 5) == (1, 5)


def test_a_local_part_has_at_most_64_characters() -> None:
    codes = pack(["a" * 100 + "@"]).codes
    assert local_part(codes, 100, 0) == 36
    assert local_part(codes, 100, 50) == 50


def test_a_port_has_at_most_five_digits_and_a_path_may_follow() -> None:
    assert path_end(pack([":12345/a"]).codes, 0, 8) == (6, 8)
    assert path_end(pack([":123456/a"]).codes, 0, 9) == (6, 6)
    assert path_end(pack(["#中"]).codes, 0, 2) == (0, 1)
