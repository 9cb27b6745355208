"""``fraudsieve compare``, ``promote`` and ``rollback``."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.cli.conftest import Run


@pytest.mark.slow
def test_compare_promote_and_roll_back(messages: pd.DataFrame, run: Run) -> None:
    dated = messages.assign(sent_at=pd.date_range("2026-01-01", periods=len(messages), freq="h", tz="UTC"))
    known, later = dated.iloc[: len(dated) // 2], dated.iloc[len(dated) // 2 :]
    for name, part in {"few": known.iloc[::8], "known": known, "later": later}.items():
        part.to_parquet(f"{name}.parquet")
    Path("r.toml").write_text(
        'name = "sms"\nn_jobs = 1\n[data]\nmin_label_rows = 2\n[evaluate]\nattack = false\nreplicates = 50\n'
        "[gates]\ngain = 0.0\nrecall_loss = 1.0\ncalibration_loss = 1.0\ncalibration_error = 0.5\n"
        "observed_over_expected = 50.0\n"
    )
    common = ("--recipe", "r.toml")
    first = run("train", "--messages", "few.parquet", *common, "--output", "few")[1]
    second = run("train", "--messages", "known.parquet", *common, "--output", "known")[1]
    code, said, _ = run("compare", "--messages", "later.parquet", *common)
    assert (code, said["passes"]) == (0, True), said
    assert [said[role]["digest"] for role in ("champion", "challenger")] == [first["digest"], second["digest"]]
    folders = run("compare", "--champion", "few", "--challenger", "known", "--messages", "later.parquet", *common)[1]
    assert folders["figures"] == said["figures"]
    table = CliRunner().invoke(app, ["compare", "--messages", "later.parquet", *common])
    assert "models:/sms@champion against models:/sms@challenger" in table.stdout
    assert "the challenger" in table.stdout.splitlines()[-1]
    assert "would be promoted" in table.stdout.splitlines()[-1]
    pair = said["figures"]["average_precision"]
    shown = next(line for line in table.stdout.splitlines() if "average precision" in line)
    assert all(f"{number:.3f}" in shown for number in (pair["champion"], pair["challenger"], *pair["interval"]))
    code, refused, _ = run("promote", "--messages", "later.parquet", *common, "--name", "other")
    assert (code, "models:/other: is not in the store" in refused["error"]) == (2, True)
    shown = CliRunner().invoke(app, ["promote", "--messages", "later.parquet", *common]).stdout
    assert "models:/sms/2 is promoted" in shown
    assert shown.splitlines()[-1].split()[-1] == "models:/sms/2"
    code, again, _ = run("promote", "--messages", "later.parquet", *common)
    assert (code, "models:/sms/2 is already the champion" in again["error"]) == (2, True)
    code, one, _ = run("compare", "--messages", "later.parquet", *common)
    assert (code, "are the same model" in one["error"]) == (2, True)
    code, back, _ = run("rollback", "--name", "sms")
    assert (code, back["decision"], back["champion"]) == (0, "rolled back", "1")
    Path("strict.toml").write_text(Path("r.toml").read_text() + "latency_ms = 0.000001\n")
    code, kept, _ = run("promote", "--messages", "later.parquet", "--recipe", "strict.toml")
    assert (code, kept["decision"], kept["promoted"], kept["champion"]) == (0, "refused", False, "1")
    assert any("One record takes" in reason for reason in kept["reasons"])
