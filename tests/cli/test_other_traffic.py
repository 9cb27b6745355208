"""The warning of ``predict`` on other traffic than that of the training, until the model is recalibrated for it."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.cli.conftest import Run

OTHER = "\u10a0\u10a1\u10a2\u10a3\u10a4\u10a5"
"""Letters of a script that is not in the training."""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predict_warns_of_other_traffic_and_names_what_to_do(
    model: Path, messages: pd.DataFrame, run: Run, ending: str
) -> None:
    table = messages[["message_id", "text"]].head(400)
    other = table.assign(text=[f"{OTHER} {text}" for text in table["text"]])
    for name, frame in (("usual", table), ("other", other)):
        write = frame.to_parquet if ending == "parquet" else frame.to_csv
        write(f"{name}.{ending}", index=False)
    call = ("predict", "--model", model, "--messages", f"usual.{ending}")
    assert run(*call)[1]["unusual_shares"] == []
    assert "WARNING" not in CliRunner().invoke(app, [*map(str, call)]).stdout
    call = ("predict", "--model", model, "--messages", f"other.{ending}")
    code, answer, _ = run(*call)
    unusual = {share["name"]: share for share in answer["unusual_shares"]}
    assert (code, unusual["unlike_training"]["records"]) == (0, 400)
    assert unusual["unlike_training"]["share"] > unusual["unlike_training"]["high"]
    (warning,) = [line for line in CliRunner().invoke(app, [*map(str, call)]).stdout.splitlines() if "WARNING" in line]
    assert unusual["unlike_training"]["text"] in warning
    assert warning.endswith("set the thresholds for it: fraudsieve recalibrate")


def test_a_recalibrated_model_expects_its_traffic(model: Path, messages: pd.DataFrame, run: Run) -> None:
    table = messages[["message_id", "text"]].head(600)
    other = table.assign(text=[f"{OTHER} {text}" for text in table["text"]])
    other[:300].to_csv("traffic.csv", index=False)
    other[300:].to_csv("later.csv", index=False)
    assert run("predict", "--model", model, "--messages", "later.csv")[1]["unusual_shares"] != []
    options = ("--messages", "traffic.csv", "--flagged", "0.05", "--output", "here")
    assert run("recalibrate", "--model", model, *options)[0] == 0
    assert run("predict", "--model", "here", "--messages", "later.csv")[1]["unusual_shares"] == []
