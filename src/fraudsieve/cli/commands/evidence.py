"""``fraudsieve evidence``: check an evidence log, replay its scores, prove one record, and leave checkpoints."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fraudsieve.cli.console import WRONG_CALL, Answer, Report, notes
from fraudsieve.cli.options import ModelOption, subcommand

if TYPE_CHECKING:  # imported at first use
    from fraudsieve.evidence.replay import ReplayReport

evidence_app = typer.Typer(
    name="evidence",
    help="Evidence of scores: verify a log, replay its scores, prove a record, and write checkpoints.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Log = Annotated[Path, typer.Argument(help="Evidence log.")]
Checkpoints = Annotated[Path | None, typer.Option(help="File of checkpoints that was kept elsewhere.")]
PublicKey = Annotated[Path | None, typer.Option(help="Ed25519 public key that the signatures must match (PEM).")]


@subcommand(evidence_app, "verify")
def verify_evidence_command(
    file: Annotated[Path, typer.Argument(help="Evidence log, or the proof of one record.")],
    checkpoints: Checkpoints = None,
    public_key: PublicKey = None,
) -> Answer:
    """Check that a log, or the proof of a record, was not changed. If it was, exit with 2."""
    from fraudsieve.evidence.checkpoints import read_checkpoints, read_public_key
    from fraudsieve.evidence.verification import check_proof, read_proof, verify_log

    key = None if public_key is None else read_public_key(public_key)
    proof, kept = read_proof(file), [] if checkpoints is None else read_checkpoints(checkpoints)
    if proof is not None:
        shown = check_proof(proof, kept, public_key=key)
        problems = shown.problems
        content = asdict(shown)
        rows = [("log", shown.log), ("record", f"{shown.index} of {shown.size:,}"), ("root", shown.root)]
        rows += [("signed by", shown.signed_by or "nobody")]
    else:
        check = verify_log(file, kept, public_key=key)
        problems = tuple(problem.text for problem in check.problems)
        content = asdict(check)
        rows = [("log", check.log), ("records", f"{check.size:,}"), ("root", check.root or "none")]
        rows += [("checkpoints", f"{check.checkpoints}"), ("signed by", ", ".join(check.signed_by) or "nobody")]
        notes(check.notes)
    rows += [("problem", text) for text in problems]
    title = f"{file}: {'something is wrong' if problems else 'nothing was changed'}"
    return Answer(content, title, rows, WRONG_CALL if problems else 0)


@subcommand(evidence_app, "replay")
def replay_command(
    *,
    progress: Report,
    file: Log,
    model: ModelOption,
    state: Annotated[str | None, typer.Option(help="Event store that the history was read from, as for serve.")] = None,
    threads: Annotated[int, typer.Option(help="Number of LightGBM threads, 0 for all cores.", min=0)] = 1,
) -> Answer:
    """Compute the scores of a log again, and compare them to the last bit.

    If a number differs, a record is malformed, or no score could be computed, exit with 2.
    """
    progress("loading the model")
    from fraudsieve.evidence.replay import replay_log
    from fraudsieve.models.predict import Scorer

    scorer = Scorer.load(model, n_threads=threads)
    progress("replaying")
    report = replay_log(file, scorer, state=state, progress=lambda done: progress("replaying", done))
    rows = [("scores", f"{report.scores:,}"), ("replayed from vectors", f"{report.replayed:,}")]
    rows += [("vectors rebuilt from inputs", f"{report.rebuilt:,}"), ("different", f"{report.different:,}")]
    rows += [("malformed", f"{report.malformed:,}")] if report.malformed else []
    rows += [(f"{count:,} times", why) for why, count in report.skipped.items()]
    rows += [
        (f"record {one.record}", f"{one.number}: {one.recorded}, now {one.computed}") for one in report.differences
    ]
    is_wrong = report.different or report.malformed or (report.scores and not report.replayed)
    return Answer(asdict(report), f"{file}: {_outcome(report)}", rows, WRONG_CALL if is_wrong else 0)


def _outcome(report: "ReplayReport") -> str:
    if report.different:
        return "some numbers differ"
    if report.malformed:
        return "some records are malformed"
    if not report.replayed:
        return "no score was replayed"
    return "equal to the last bit" if report.replayed == report.scores else "some scores were not replayed"


@subcommand(evidence_app, "prove")
def prove_command(
    file: Log,
    record: Annotated[int, typer.Option(help="Number of the record, as in the field evidence of its score.", min=0)],
    output: Annotated[Path, typer.Option(help="File of the proof to write.")],
    checkpoints: Checkpoints = None,
) -> Answer:
    """Write a record and the proof that it is in a log, up to the last checkpoint. No other record is written."""
    from fraudsieve._io import PRIVATE, check_not_an_input, check_output_file, write_file
    from fraudsieve.evidence.canonical import encode_canonical
    from fraudsieve.evidence.checkpoints import read_checkpoints
    from fraudsieve.evidence.verification import prove_record

    check_not_an_input(output, file, checkpoints)
    check_output_file(output)
    kept = [] if checkpoints is None else read_checkpoints(checkpoints)
    last = max(kept, key=lambda one: one.size, default=None)
    proof = prove_record(file, record, last)
    write_file(output, encode_canonical(proof) + b"\n", mode=PRIVATE)
    content = {"output": str(output), "record": record, "size": proof["size"], "root": proof["root"]}
    return Answer(content, str(output), [(name, str(value)) for name, value in content.items()])


@subcommand(evidence_app, "checkpoint")
def checkpoint_command(
    file: Log,
    output: Annotated[Path, typer.Option(help="File to append the checkpoint to. Keep it apart from the log.")],
    private_key: Annotated[Path | None, typer.Option(help="Ed25519 private key to sign with (PEM).")] = None,
) -> Answer:
    """Append the current size and root of a log to a file. Kept elsewhere, it shows whether the log is cut later.

    openssl genpkey -algorithm ed25519 -out private.pem && openssl pkey -in private.pem -pubout -out public.pem

    fraudsieve evidence checkpoint evidence.jsonl --output /elsewhere/checkpoints.jsonl --private-key private.pem
    """
    from fraudsieve._io import check_not_an_input, check_output_file
    from fraudsieve.evidence.checkpoints import read_private_key, write_checkpoint
    from fraudsieve.evidence.verification import checkpoint_log

    check_not_an_input(output, file, private_key)
    check_output_file(output)
    checkpoint = checkpoint_log(file)
    if private_key is not None:
        checkpoint = checkpoint.sign(read_private_key(private_key))
    write_checkpoint(checkpoint, output)
    content: dict[str, Any] = checkpoint.to_dict() | {"output": str(output)}
    names = ("log", "size", "root", "time", "public_key", "output")
    rows = [(name, str(content[name])) for name in names if content[name] is not None]
    return Answer(content, f"Checkpoint of {file}", rows)
