"""Links and e-mail addresses: handmade texts and comparison with regular expressions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudsieve.features.cues.links import LINK_SHAPES, LINKS, SHORTENERS, measure_links
from fraudsieve.features.cues.suffixes import registered_domain
from fraudsieve.features.text.codepoints import pack
from fraudsieve.features.text.fold import fold_text
from tests.profiles import examples

NAMES = LINKS + LINK_SHAPES
LINK_PIECES = "com .com www. http:// .co.uk 10.0.0.1 xn--a bit.ly me x1y2.cn"
LINK_LIKE = st.lists(st.sampled_from([*"a.-@/:?1 中_%", *LINK_PIECES.split()]), max_size=10).map("".join)


def measured(text: str) -> dict[str, int]:
    return {name: int(n) for name, n in zip(NAMES, measure_links(pack([text]))[0][0], strict=True) if n}


def split_trimmed(host: str) -> tuple[str, str] | None:
    """Return a host, without last labels that are not part of it, and its registered name."""
    for _ in range(3):
        name = registered_domain(host)
        if name:
            return host, name
        host = host.rpartition(".")[0]
    return None


def expected(text: str) -> dict[str, int]:
    """Count with regular expressions, host after host."""
    counts = dict.fromkeys(NAMES, 0)
    at, taken = 0, 0
    while found := re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+").search(text, at):
        host = found.group().lstrip("-")
        begin = found.end() - len(host)
        host = host.rstrip("-")
        if host.startswith("."):
            at = begin + 1
            continue
        end = at = begin + len(host)
        scheme = text[:begin].endswith("://")
        path = re.compile(r"(?::[0-9]{1,5})?(?P<path>(?:[/?#][!-~]*)?)").match(text, end)
        assert path
        if re.fullmatch(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", host) and all(int(n) < 256 for n in host.split(".")):
            if not scheme and not re.match(r":[0-9]|/", text[end:]):
                continue
            counts["ip_links"] += 1
        else:
            split = split_trimmed(host)
            if not split or re.match(r"@[a-z0-9-]", text[end:]):
                continue
            local = re.search(r"(?=[a-z0-9])[a-z0-9._%+-]{1,64}@$", text[taken:begin])
            if local and not text[taken : begin - len(local.group())].endswith("://"):
                counts["emails"] += 1
                taken = at
                continue
            counts["hosts"] += 1
            counts["shorteners"] += split[1] == "bit.ly"
            counts["punycode"] += "xn--" in ["xn--"[: len(label)] and label[:4] for label in split[0].split(".")]
            counts["suspicious_hosts"] += suspicious(*split)
            if split[0] != host:
                taken = at
                continue
        counts["queries"] += "?" in path["path"][:-1]
        counts["path_length"] = max(counts["path_length"], len(path["path"]))
        at = taken = path.end() if path["path"] or path.group() else end
    return {name: n for name, n in counts.items() if n}


def suspicious(host: str, name: str) -> bool:
    label, below = name.split(".")[0], host[: len(host) - len(name)]
    puny = label.startswith("xn--")
    hyphens = (below + label).count("-") - 2 * puny
    digits = 0 if puny else len(re.findall(r"[0-9]", label))
    return below.count(".") >= 3 or hyphens >= 2 or (digits >= 2 and re.search(r"[a-z]", label) is not None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("see you. then", {}),
        ("shop.com", {"hosts": 1}),
        ("点击shop.com/x领取", {"hosts": 1, "path_length": 2}),
        ("www.shop.com.cn", {"hosts": 1}),
        ("https://a.shop.co.uk/p?q=1 now", {"hosts": 1, "path_length": 6, "queries": 1}),
        ("shop.com/?", {"hosts": 1, "path_length": 2}),
        ("shop.com?a=1", {"hosts": 1, "path_length": 4, "queries": 1}),
        ("shop.com:8080/x", {"hosts": 1, "path_length": 2}),
        ("shop.nosuchname", {}),
        ("com.cn", {}),
        ("3.50 1.2.3 v1.2.3.4", {}),
        ("shop.com.", {"hosts": 1}),
        ("shop.com.see you", {"hosts": 1}),
        ("shop.com-", {"hosts": 1}),
        ("-shop.com", {"hosts": 1}),
        ("shop..com", {}),
        ("shop,com", {}),
        ("shop .com", {}),
        ("a_shop.com", {"hosts": 1}),
        ("http://1.2.3.4/", {"ip_links": 1, "path_length": 1}),
        ("http://1.2.3.4", {"ip_links": 1}),
        ("1.2.3.4:80", {"ip_links": 1}),
        ("1.2.3.4: yes", {}),
        ("http://1.2.3.456/", {}),
        ("bit.ly/3x dwz.cn/a1 x.bit.ly", {"hosts": 3, "shorteners": 3, "path_length": 3}),
        ("abit.ly", {"hosts": 1}),
        ("xn--fiqs8s.com a.xn--fiqs8s xxn--a.com", {"hosts": 3, "punycode": 2, "suspicious_hosts": 0}),
        ("me@shop.com", {"emails": 1}),
        ("邮箱me.too+x_1@mail.shop.com.cn", {"emails": 1}),
        ("me@shop", {}),
        ("john.me@shop.com", {"emails": 1}),
        ("@shop.com", {"hosts": 1}),
        ("http://bank.com@shop.com/x", {"hosts": 1, "path_length": 2}),
        ("http://login@shop.com", {"hosts": 1}),
        ("shop.com@", {"hosts": 1}),
        ("a.b.c.shop.com", {"hosts": 1, "suspicious_hosts": 1}),
        ("a.b.shop.com", {"hosts": 1}),
        ("my-shop-pay.com a-b.com", {"hosts": 2, "suspicious_hosts": 1}),
        ("shop24.com 10086.cn shop1.com 24.shop.com", {"hosts": 4, "suspicious_hosts": 1}),
        ("a.com/b.com", {"hosts": 1, "path_length": 6}),
        ("a.com,b.com", {"hosts": 2}),
        ("a" * 240 + ".shop.com", {"hosts": 1}),
        ("a" * 250 + ".shop.com", {}),
    ],
)
def test_links_of_handmade_texts(text: str, found: dict[str, int]) -> None:
    found = {name: n for name, n in found.items() if n}
    if "xxn" in text:
        found["suspicious_hosts"] = 1  # two hyphens and no punycode
    assert measured(text) == found


def test_spans_are_links_and_email_addresses() -> None:
    text = "see http://bank.com@a.shop.com.cn/x?y and 1.2.3.4/x, mail me@shop.com.thanks"
    assert [(LINKS[kind], text[a:b]) for _, kind, a, b in measure_links(pack(["", text]))[1].tolist()] == [
        ("hosts", "a.shop.com.cn"),
        ("ip_links", "1.2.3.4"),
        ("emails", "me@shop.com"),
    ]


def test_every_shortener_is_a_folded_registered_name_and_matches() -> None:
    names = [line for line in SHORTENERS.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert len(names) == len(set(names)) > 50
    assert [name for name in names if registered_domain(name) != name or fold_text(name) != name] == []
    assert (measure_links(pack(names))[0][:, LINKS.index("shorteners")] == 1).all()


@examples(1000)
@given(LINK_LIKE)
def test_counts_equal_regular_expressions(text: str) -> None:
    assert measured(text) == expected(text)
