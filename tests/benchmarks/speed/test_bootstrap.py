"""The speed benchmark of the bootstrap on a few rows."""

from benchmarks.speed import bootstrap as speed_bootstrap


def test_both_compute_the_same() -> None:
    report = speed_bootstrap.run(rows=2000, replicates=6)
    assert report.rows == 2000
    assert report.figures["difference"] < 1e-9
    assert 0 < report.figures["seconds"] < 60
    assert report.peers["sklearn"]["seconds"] > 0
    assert [bar.holds for bar in report.bars] == [True, True]
