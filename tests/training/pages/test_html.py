"""Texts are escaped wherever they go."""

import xml.etree.ElementTree as ET

from fraudsieve.training.pages.html import definitions, notice, table

EVIL = "\"'><script>alert(1)</script>&"


def test_tables_have_captions_scopes_and_escaped_cells() -> None:
    html = table(EVIL, [EVIL, "b"], [[EVIL, EVIL], ["two", "3"]])
    root = ET.fromstring(html)
    assert (root.attrib["aria-label"], root.attrib["tabindex"]) == (EVIL, "0")
    assert root.findtext(".//caption/span") == EVIL
    assert [cell.attrib["scope"] for cell in root.iter("th")] == ["col", "col", "row", "row"]
    assert [cell.text for cell in root.iter("td")] == [EVIL, "3"]
    assert root.find(".//script") is None


def test_notices_and_definitions_are_escaped() -> None:
    box = ET.fromstring(notice(EVIL, [EVIL], "bad"))
    assert (box.attrib["class"], box.findtext("strong"), box.findtext("ul/li")) == ("notice bad", EVIL, EVIL)
    facts = ET.fromstring(definitions({EVIL: EVIL}))
    assert (facts.findtext("dt"), facts.findtext("dd")) == (EVIL, EVIL)


def test_nothing_makes_nothing() -> None:
    assert table("caption", ["a"], []) == ""
    assert definitions({}) == ""
