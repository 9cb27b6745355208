"""The fenced blocks of a document, and the blocks and commands that are not run here, with the reason."""

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["AFTER", "NOT_RUN", "ROOT", "TRANSLATIONS", "Block", "blocks_of", "documents", "reason_not_to_run"]

ROOT = Path(__file__).parent.parent.parent
RUN = ("sh", "python", "toml", "console")

NOT_RUN = {
    'pip install -e ".[dev]"': "the suite does not run itself",
    "ENV NUMBA_CACHE_DIR": "tests/service/test_image.py runs the commands of the image",
    "mlflow.pyfunc.spark_udf": "tests/models/test_flavor_spark.py calls it; Spark needs Java",
    "fraudsieve.spark": "tests/spark calls these; Spark needs Java",
    "retrain --model models:/payments@champion --events": "docs/how_to/next_model.md runs it, and tests/retrain",
    "retrain --model models:/sms@champion": "tests/retrain runs it, on SQLite",
    "retrain --model fraudsieve-model": "tests/retrain runs it",
    "review draw --state live.db": "tests/cli/test_review.py draws from the log of a service",
    "monitor --model live-model --state": "docs/how_to/next_model.md runs it, and tests/cli/test_monitor.py",
    "promote --dry-run --state": "tests/cli/test_promotion.py rehearses a challenger on the log of a service",
    "--flagged 0.02 --labels reviewed.parquet": "tests/training/recalibration recalibrates with a hundred such labels",
    "--events logins.csv": "tests/cli/test_event_tables.py trains on and scores such tables",
    "--labels chargebacks.csv": "tests/training/test_assumed_run.py trains so; the tables of the reader are shorter",
    "spark-submit": "tests/spark/test_job.py runs the example",
    "live-tables/labels.parquet": "the model of the page uses no labels; tests/cli/test_state.py reads such tables",
    "--messages records.parquet --output cases": "tests/cli/test_scores.py runs these commands on more records",
    "benchmarks.attack_surface": "it takes minutes; tests/attack runs a few of each kind",
}
"""What a block begins with or contains, and why it is not run."""

MESSAGES, GUIDES = "docs/how_to/messages.md", "docs/how_to"
AFTER = {
    **{
        f"{GUIDES}/{name}.md": (MESSAGES,)
        for name in (
            "evaluate",
            "evidence",
            "leads",
            "live_state",
            "monitor",
            "postgresql",
            "promote",
            "review",
            "rules",
            "scikit_learn",
            "score_files",
            "score_in_python",
            "score_log",
            "serve",
        )
    },
    f"{GUIDES}/cases.md": (MESSAGES, f"{GUIDES}/payments.md"),
    f"{GUIDES}/recalibrate.md": (MESSAGES, f"{GUIDES}/payments.md"),
    f"{GUIDES}/rehearse.md": (MESSAGES, f"{GUIDES}/promote.md", f"{GUIDES}/score_log.md"),
}
"""The documents whose blocks make the models that the blocks of a document use."""

TRANSLATIONS = {f"{GUIDES}/next_model_zh.md": f"{GUIDES}/next_model.md"}
"""Documents in Chinese, and those that they are translated from, with the same blocks."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[str]:
    """Return the documents whose blocks are run."""
    return [
        path.relative_to(ROOT).as_posix()
        for path in [*sorted(ROOT.glob("README*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
    ]


def blocks_of(document: str) -> list[Block]:
    """Return the blocks of a document in order."""
    text = (ROOT / document).read_text("utf-8")
    return [
        Block(document, text.count("\n", 0, match.start()) + 1, match[2], match[3])
        for match in re.finditer(r"^( *)```([\w{}]*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    ]


def reason_not_to_run(block: Block) -> str | None:
    """Return why a block is not run; None for one that is."""
    if block.language in ("", "text"):
        return "what a block prints"
    if block.language.startswith("{"):
        return "a directive of Sphinx"
    return next((reason for part, reason in NOT_RUN.items() if part in block.text), None)
