"""Evidence needs the base dependencies alone, and signatures cryptography."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fitted_models import Fitted

PROGRAM = """
import sys
from dataclasses import replace

FORBIDDEN = {{"mlflow", "sklearn", "pandas", "pyarrow", "joblib", "cryptography"}}


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Blocker())
from fraudsieve.exceptions import EvidenceError
from fraudsieve.models import Scorer
from fraudsieve.evidence import Content, EvidenceLog, prove_record, replay_log, verify_log
from fraudsieve.evidence.checkpoints import read_private_key

scorer = Scorer.load({folder!r})
with EvidenceLog({log!r}, which="all", content=Content("kept")) as log:
    scorer.score({records!r}, reasons=True, evidence=log)
    kept = log.checkpoint()
print(len(verify_log({log!r}, [kept]).problems), replay_log({log!r}, scorer).rebuilt, prove_record({log!r}, 1)["size"])
signed = replace(kept, public_key="00" * 32, signature="00" * 64)
for act in (lambda: read_private_key({log!r}), signed.signature_problem):
    try:
        act()
    except EvidenceError as error:
        print(error)
"""


@pytest.mark.slow
def test_evidence_needs_the_base_dependencies_alone(
    binary: Fitted, tmp_path: Path, run_alone: Callable[[str], str]
) -> None:
    records = [{"text": text} for text in binary.texts[:5]]
    program = PROGRAM.format(folder=str(binary.folder), log=str(tmp_path / "log"), records=records)
    numbers, *errors = run_alone(program).splitlines()
    assert numbers == "0 5 6"
    assert len(errors) == 2
    assert all(
        line.startswith("signatures: need cryptography, which is not installed. Install it: ") for line in errors
    )
