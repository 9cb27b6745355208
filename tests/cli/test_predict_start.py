"""The start of ``fraudsieve predict``: what it imports for a local model folder."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

PROGRAM = """
import json, sys
import lightgbm
with_lightgbm = {name.partition(".")[0] for name in sys.modules}
from fraudsieve.cli.app import app
app(sys.argv[1:], standalone_mode=False)
imported = {name.partition(".")[0] for name in sys.modules} - with_lightgbm
print(json.dumps(sorted(imported & {"mlflow", "sklearn", "openpyxl"})))
"""


@pytest.mark.slow
def test_predict_with_a_local_model_imports_no_mlflow(model: Path, messages: pd.DataFrame, tmp_path: Path) -> None:
    messages[["message_id", "text"]].head(57).to_csv(tmp_path / "messages.csv", index=False)
    call = ["predict", "--model", str(model), "--messages", "messages.csv", "--output", "scores.csv", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *call], capture_output=True, text=True, cwd=tmp_path, timeout=600
    )
    assert done.returncode == 0, done.stderr
    answer, imported = map(json.loads, done.stdout.splitlines())
    assert (answer["scored"], imported) == (57, [])
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 57
