"""The file of results: rows last, a later one replaces an earlier one, and a cut line is left out."""

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.contest.page import render_page, write_page
from benchmarks.contest.results import Row, append_row, read_rows
from benchmarks.contest.stored import stored_sections
from benchmarks.runner import Bar, Report

MACHINE = {"cores": 2, "processor": "x86_64", "python": "3.11"}
OURS = Row(
    "uci_sms.grouped", "fraudsieve", "", "macro_f1", [0.9, 0.8], [0, 0], 2, 1.0, 100, 2.0, 2.0, 0.0, 0.5, 300.0,
    {"a": "1"}, "abc", MACHINE,
)  # fmt: skip
PEER = replace(OURS, contestant="peer", values=[0.7, 0.6], versions={"b": "2"})


def test_a_line_cut_short_is_left_out_and_the_next_row_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "contest.jsonl"
    append_row(OURS, path)
    with path.open("a") as file:
        file.write('{"set": "uci')
    append_row(PEER, path)
    assert read_rows(path) == {OURS.key: OURS, PEER.key: PEER}


def test_the_page_compares_seeds_in_pairs_with_the_best_peer_on_the_same_columns() -> None:
    of_seeds = replace(OURS, metric="average_precision", folds=3, seeds=[0, 1, 2], test_share=0.0)
    own = replace(of_seeds, set="s_ffsd", values=[0.4, 0.5, 0.6])
    peer = replace(own, contestant="peer", columns="ours", values=[0.41, 0.48, 0.58])
    rows = [
        own, peer, replace(peer, contestant="worse", values=[0.1, 0.1, 0.1]),
        replace(peer, columns="handbook", values=[0.9, 0.9, 0.9]), replace(peer, contestant="once", values=[0.9]),
    ]  # fmt: skip
    page = render_page(rows, {})
    assert "| fraudsieve | 0.5000 ± 0.1000 |" in page
    assert "| worse, fraudsieve's columns | 0.1000 |" in page  # it is not random
    assert "| once, fraudsieve's columns | **0.9000*** |" in page
    assert "| s_ffsd | peer | 0.0100 | 0.0100 | +1.0 |" in page  # +.02, +.02 and -.01
    assert "over seeds alone, and too small, on s_ffsd." in page
    assert "| tolokers | peer | 0.0100 | 0.0158 | +0.6 |" in render_page(
        [replace(row, set="tolokers", test_share=0.5) for row in rows], {}
    )


def test_the_error_on_one_split_is_of_test_rows_and_seeds() -> None:
    own = replace(
        OURS, set="s_ffsd", metric="average_precision", folds=3, test_share=0.0, values=[0.4, 0.5, 0.6],
        draws=[0.5, 0.5, 0.6],
    )  # fmt: skip
    peer = replace(own, contestant="peer", columns="ours", values=[0.41, 0.48, 0.58], draws=[0.5, 0.48, 0.56])
    once = replace(peer, contestant="once", values=[0.46])
    page = render_page([own, peer, once], {})
    assert "| s_ffsd | peer | 0.0100 | 0.0224 | +0.4 |" in page  # differences 0, .02 and .04 add .02
    assert "over seeds alone" not in page
    assert "ahead of fraudsieve by 0.0600 (standard error over test rows alone 0.0200)." in page
    splits = render_page([replace(row, test_share=0.5) for row in (own, peer)], {})
    assert "| s_ffsd | peer | 0.0100 | 0.0158 | +0.6 |" in splits


def test_the_page_ends_with_the_stored_reports_of_other_benchmarks(tmp_path: Path) -> None:
    bars = [Bar.at_least("known.recall.covered", 0.95, 0.92)]
    report = Report("evaluation", "weighted", "What it is.", 4, {"known.recall.covered": 0.95}, bars=bars)
    peers = {"plain": {"known.recall.covered": 0.0, "known.recall.width": 0.125}}
    report = replace(report, figures={**report.figures, "known.recall.width": 0.5}, peers=peers)
    assert stored_sections(tmp_path) == []
    (tmp_path / "weighted.json").write_text(json.dumps(report.as_json()))
    page = write_page([OURS], {}, tmp_path, stored=stored_sections(tmp_path)).read_text("utf-8")
    assert "What it is.\n\n| | covered | width | covered, plain | width, plain |" in page
    assert "| known.recall | 0.950 | 0.500 | 0.000 | 0.125 |\n\nAll bars of `--strict` hold.\n" in page
    failed = replace(report, bars=[Bar.at_least("known.recall.covered", 0.5, 0.92)])
    (tmp_path / "weighted.json").write_text(json.dumps(failed.as_json()))
    assert "that do not hold: known.recall.covered." in stored_sections(tmp_path)[0]
