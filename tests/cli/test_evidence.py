"""``fraudsieve evidence``, and the evidence that ``predict`` records."""

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.evidence.checkpoints import read_checkpoints, read_line
from tests.cli.conftest import SECRET, Run, error_of
from tests.evidence.logs import change, lines_of

pytestmark = pytest.mark.slow


@pytest.fixture
def scored(run: Run, model: Path, messages: pd.DataFrame, tmp_path: Path) -> Path:
    """The evidence log of a scored file, whose flagged messages were recorded."""
    spam = messages[messages["label"] == "spam"]["text"].head(5)
    texts = [*spam, SECRET, *messages["text"].head(50)]
    frame = pd.DataFrame({"message_id": [f"M-MARKER-{at}" for at in range(len(texts))], "text": texts})
    frame.to_parquet("new.parquet", index=False)
    code, content, errors = run("predict", "--model", model, "--messages", "new.parquet", "--evidence", "log.jsonl")
    assert (code, content["scored"]) == (0, 56), errors
    return tmp_path / "log.jsonl"


def test_flagged_rows_of_a_file_are_recorded_without_texts_and_replay(run: Run, scored: Path, model: Path) -> None:
    flagged = pd.read_parquet("scores.parquet")["decision"].eq("flag").sum()
    bodies = [read_line(line, "log").body for line in lines_of(scored)]
    assert [body["kind"] for body in bodies] == ["opened"] + ["score"] * flagged
    assert flagged > 0
    content = scored.read_text("ascii")
    assert SECRET not in content
    assert "MARKER" not in content
    code, report, _ = run("evidence", "replay", "log.jsonl", "--model", model)
    assert (code, report["replayed"], report["different"]) == (0, flagged, 0)
    code, check, _ = run("evidence", "verify", "log.jsonl")
    assert (code, check["size"], check["problems"]) == (0, flagged + 1, [])


def test_all_rows_with_pseudonyms_and_with_texts(run: Run, scored: Path, model: Path) -> None:
    Path("key").touch(0o600)
    Path("key").write_text("k" * 32)
    options = ["predict", "--model", model, "--messages", "new.parquet", "--reasons", "2", "--evidence-all"]
    secret = ["--evidence-content", "pseudonymised", "--evidence-key", "key", "--evidence", "secret.jsonl"]
    assert run(*options, *secret)[0] == 0
    content = Path("secret.jsonl").read_text("ascii")
    assert SECRET not in content
    assert "MARKER" not in content
    assert content.count('"id":"p1.') == 56
    assert run(*options, "--evidence-content", "kept", "--evidence", "kept.jsonl")[0] == 0
    code, report, _ = run("evidence", "replay", "kept.jsonl", "--model", model, "--threads", "2")
    assert (code, report["replayed"], report["rebuilt"], report["different"]) == (0, 56, 56, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fraudsieve.models.batch.score._can_chunk", lambda *_: False)
        assert run(*options, "--evidence-content", "kept", "--evidence", "kept.jsonl")[0] == 0
    assert run("evidence", "replay", "kept.jsonl", "--model", model)[1]["rebuilt"] == 112


def test_a_changed_log_and_a_number_that_differs(run: Run, scored: Path, model: Path) -> None:
    scored.write_bytes(scored.read_bytes().replace(b'"cues__links":"0x0', b'"cues__links":"0x1', 1))
    code, check, _ = run("evidence", "verify", "log.jsonl")
    assert (code, check["problems"][0]["kind"]) == (2, "changed")
    assert "differs from its digest" in error_of(run, "evidence", "replay", "log.jsonl", "--model", model)


def test_checkpoints_and_proofs_with_keys_of_openssl(run: Run, scored: Path) -> None:
    for command in ("genpkey -algorithm ed25519 -out private.pem", "pkey -in private.pem -pubout -out public.pem"):
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
    code, checkpoint, _ = run(
        "evidence", "checkpoint", "log.jsonl", "--output", "kept.jsonl", "--private-key", "private.pem"
    )
    assert (code, checkpoint["size"]) == (0, len(lines_of(scored)))
    kept = ("--checkpoints", "kept.jsonl")
    code, check, _ = run("evidence", "verify", "log.jsonl", *kept, "--public-key", "public.pem")
    assert (code, check["signed_by"]) == (0, [checkpoint["public_key"]])
    code, proof, _ = run("evidence", "prove", "log.jsonl", "--record", "1", "--output", "proof.json", *kept)
    assert (code, proof["root"]) == (0, checkpoint["root"])
    scored.unlink()
    code, shown, _ = run("evidence", "verify", "proof.json", "--public-key", "public.pem")
    assert (code, shown["index"], shown["signed_by"]) == (0, 1, checkpoint["public_key"])
    changed = Path("proof.json").read_bytes().replace(b'"index":1', b'"index":2')
    Path("proof.json").write_bytes(changed)
    code, shown, _ = run("evidence", "verify", "proof.json")
    assert (code, shown["problems"]) == (2, ["the record is not in a log with this root"])


def test_a_forged_record_is_counted_and_the_others_are_replayed(run: Run, scored: Path, model: Path) -> None:
    n = len(lines_of(scored)) - 1
    change(scored, 1, lambda body: body.pop("features"))
    code, report, _ = run("evidence", "replay", "log.jsonl", "--model", model)
    assert (code, report["replayed"], report["different"], report["malformed"]) == (2, n - 1, 0, 1)


def test_no_output_overwrites_the_log_or_a_key(run: Run, scored: Path, model: Path) -> None:
    Path("private.pem").write_text("a key")
    before = scored.read_bytes()
    for command in (["prove", "log.jsonl", "--record", "1"], ["checkpoint", "log.jsonl"]):
        assert "would overwrite this input" in error_of(run, "evidence", *command, "--output", "log.jsonl")
    code, content, _ = run("evidence", "checkpoint", "log.jsonl", "--output", "private.pem")
    assert (code, content["error"].startswith("private.pem, line 1: is not")) == (2, True)
    for output in ("log.jsonl", "log.csv"):
        options = ["--evidence", "log.jsonl" if output == "log.jsonl" else "log.rejected.csv", "--output", output]
        code, content, _ = run("predict", "--model", model, "--messages", "new.parquet", *options)
        assert code == 2, content
    assert Path("private.pem").read_text() == "a key"
    assert scored.read_bytes().startswith(before)


def test_a_proof_is_compared_with_the_checkpoints_that_were_kept(run: Run, scored: Path) -> None:
    run("evidence", "checkpoint", "log.jsonl", "--output", "kept.jsonl")
    run("evidence", "prove", "log.jsonl", "--record", "1", "--output", "proof.json", "--checkpoints", "kept.jsonl")
    verify = ("evidence", "verify", "proof.json", "--checkpoints", "kept.jsonl")
    assert run(*verify)[0] == 0
    kept = Path("kept.jsonl").read_text()
    root = read_checkpoints("kept.jsonl")[0].root
    Path("kept.jsonl").write_text(kept.replace(root, "0" * 64))
    code, shown, _ = run(*verify)
    assert (code, shown["problems"]) == (2, ["the root differs from that of the checkpoint that was kept"])
    Path("kept.jsonl").write_text(kept.replace('"size":', '"size":9'))
    code, shown, _ = run(*verify)
    assert (code, shown["problems"][0].startswith("none of the 1 checkpoints is of this log")) == (2, True)


def test_an_emptied_log_and_the_scores_of_another_model_are_no_success(
    run: Run, scored: Path, model: Path, tmp_path: Path
) -> None:
    shutil.copytree(model, tmp_path / "other")
    manifest = json.loads((tmp_path / "other" / "manifest.json").read_text("utf-8"))
    (tmp_path / "other" / "manifest.json").write_text(json.dumps(manifest | {"name": "other"}), "utf-8")
    code, report, _ = run("evidence", "replay", "log.jsonl", "--model", "other")
    assert (code, report["replayed"], list(report["skipped"])) == (2, 0, ["is of another model"])
    scored.write_bytes(b"")
    code, check, _ = run("evidence", "verify", "log.jsonl")
    assert (code, check["problems"][0]["kind"]) == (2, "missing")
    assert "the file has no records" in error_of(
        run, "evidence", "prove", "log.jsonl", "--record", "0", "--output", "proof.json"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--evidence-all"], "expected a file"),
        (["--evidence", "e.jsonl", "--evidence-content", "pseudonymised"], "pseudonyms need a key"),
        (["--evidence", "none/e.jsonl"], "cannot be opened"),
        (["--evidence", "e.jsonl", "--evidence-key", "none"], "cannot be read"),
    ],
)
def test_options_that_do_not_fit(run: Run, model: Path, options: list[str], text: str) -> None:
    pd.DataFrame({"message_id": ["m"], "text": ["see you"]}).to_parquet("new.parquet", index=False)
    assert text in error_of(run, "predict", "--model", model, "--messages", "new.parquet", *options)
