"""``fraudsieve promote`` and ``rollback``."""

import shlex
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.cli.conftest import Run, error_of
from tests.retrain.recompute.services import serving


@pytest.mark.slow
def test_promote_and_roll_back(messages: pd.DataFrame, run: Run) -> None:
    dated = messages.assign(sent_at=pd.date_range("2026-01-01", periods=len(messages), freq="h", tz="UTC"))
    earlier, later = dated.iloc[: len(dated) // 2], dated.iloc[len(dated) // 2 :]
    for name, part in {"few": earlier.iloc[::8], "earlier": earlier, "later": later}.items():
        part.to_parquet(f"{name}.parquet")
    Path("r.toml").write_text(
        'name = "sms"\nn_jobs = 1\n[data]\nmin_label_rows = 2\n[evaluate]\nattack = false\nreplicates = 50\n'
        "[gates]\ngain = 0.0\nrecall_loss = 1.0\ncalibration_loss = 1.0\ncalibration_error = 0.5\n"
        "observed_over_expected = 50.0\n"
    )
    common = ("--recipe", "r.toml")
    first = run("train", "--messages", "few.parquet", *common, "--output", "few")[1]
    second = run("train", "--messages", "earlier.parquet", *common, "--output", "earlier")[1]
    dry = ("promote", "--dry-run", "--messages", "later.parquet", *common)
    code, answer, _ = run(*dry)
    assert (code, answer["decision"], answer["promoted"], answer["champion"]) == (0, "would be promoted", False, "1")
    _rehearse(run, dry, later, second["digest"])
    answer = answer["comparison"]
    assert [answer[role]["digest"] for role in ("champion", "challenger")] == [first["digest"], second["digest"]]
    short = CliRunner().invoke(app, dry).stdout
    assert len(short.splitlines()) <= 10
    assert "frauds are found with" in short
    assert "of the challenger is" in short
    table = CliRunner().invoke(app, [*dry, "--verbose"])
    assert "models:/sms/2 would be promoted" in table.stdout
    pair = answer["figures"]["average_precision"]
    shown = next(line for line in table.stdout.splitlines() if "average precision" in line)
    assert all(f"{number:.3f}" in shown for number in (pair["champion"], pair["challenger"], *pair["interval"]))
    assert "models:/other: is not in MLflow's store" in error_of(
        run, "promote", "--messages", "later.parquet", *common, "--name", "other"
    )
    shown = CliRunner().invoke(app, ["promote", "--messages", "later.parquet", *common]).stdout
    assert "models:/sms/2 is promoted" in shown
    assert len(shown.splitlines()) <= 10
    assert "gates" in shown
    lines = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
    assert lines["champion"] == ["models:/sms/2"]
    assert lines["next"] == ["fraudsieve", "serve", "--model", "models:/sms@champion"]
    assert "models:/sms/2 is already the champion" in error_of(run, "promote", "--messages", "later.parquet", *common)
    code, restored, _ = run("rollback", "--name", "sms")
    assert (code, restored["decision"], restored["champion"]) == (0, "rolled back", "1")
    Path("strict.toml").write_text(Path("r.toml").read_text() + "latency_ms = 0.000001\n")
    code, decision, _ = run("promote", "--messages", "later.parquet", "--recipe", "strict.toml")
    assert (code, decision["decision"], decision["promoted"], decision["champion"]) == (0, "refused", False, "1")
    assert any("One record takes" in reason for reason in decision["reasons"])
    assert decision["comparison"]["refresh"]  # the same recipe, and later messages
    refused = CliRunner().invoke(app, ["promote", "--messages", "later.parquet", "--recipe", "strict.toml"]).stdout
    assert sum("NOT PASSED" in line for line in refused.splitlines()) == 1
    (following,) = [line.split("fraudsieve ")[1] for line in refused.splitlines() if line.startswith("  next")]
    done = CliRunner().invoke(app, shlex.split(following))
    assert (done.exit_code, "would be refused" in done.stdout) == (0, True), done.output
    _promote_by_hand(run)


def _rehearse(run: Run, dry: tuple[str, ...], later: pd.DataFrame, challenger: str) -> None:
    """Rehearse the challenger on what a service has logged, beside the gates, and alone without tables."""
    texts = [{"message_id": str(n), "text": text} for n, text in enumerate(later["text"].tolist()[:20])]
    with serving(Path("live.db"), Path("few")) as service:
        service.score(*texts)
    both, alone = run(*dry, "--state", "live.db")[1], run(*dry[:2], *dry[4:], "--state", "live.db")[1]
    assert both["decision"] == "would be promoted"
    assert both["rehearsal"] == alone
    assert (alone["records"], alone["digest"] in (None, challenger)) == (20, False)  # its evaluated model
    shown = CliRunner().invoke(app, [*dry, "--state", "live.db", "--since", "2026-01-01"]).stdout
    assert "would be promoted" in shown
    assert f"{alone['newly_flagged']} newly flagged, {alone['newly_passed']} newly passed" in shown
    assert "expected --dry-run with --state" in error_of(run, "promote", "--state", "live.db", "--name", "sms")
    assert "expected --dry-run with --state" in error_of(run, *dry, "--since", "2026-01-01")


def _promote_by_hand(run: Run) -> None:
    """Promote the refused challenger, undo it, and promote it again without tables."""
    by_hand = ("promote", "--messages", "later.parquet", "--recipe", "strict.toml", "--force", "--reason", "an outage")
    shown = CliRunner().invoke(app, by_hand).stdout
    assert "models:/sms/2 is promoted by hand" in shown
    assert ": an outage." in shown
    assert sum("NOT PASSED" in line for line in shown.splitlines()) == 1
    assert run("rollback", "--name", "sms")[1]["champion"] == "1"
    code, decision, _ = run("promote", "--name", "sms", "--force", "--reason", "an outage")
    assert (code, decision["promoted"], decision["reason"], decision["comparison"]) == (0, True, "an outage", None)
