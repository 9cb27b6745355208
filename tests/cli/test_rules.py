"""``--rules`` of predict, evaluate and monitor: rules decide, and are counted apart from the model."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fraudsieve.cli.app import app
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

RULES = """
[[rule]]
id = "mules"
field = "account_id"
values = ["s1", "s2"]
action = "flag"
reason = "accounts of case 17"

[[rule]]
id = "partners"
field = "account_id"
file = "partners.txt"
action = "pass"
reason = "contract"
until = 2099-12-31

[[rule]]
id = "old"
field = "account_id"
values = ["s5"]
action = "flag"
reason = "closed"
until = 2020-01-01
"""
DECIDED = {"s1": ("flag", "mules"), "s2": ("flag", "mules"), "s3": ("pass", "partners")}


@pytest.fixture
def sent(messages: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Messages with senders, and the rules file, in the folder of the run."""
    Path("partners.txt").write_text("# ours\ns3\n")
    Path("rules.toml").write_text(RULES)
    sent = messages[:600].assign(account_id=[f"s{n % 10}" for n in range(600)])
    sent.to_parquet("m.parquet")
    return sent


@pytest.mark.parametrize("output", ["scores.parquet", "scores.csv"])
def test_predict_writes_what_the_rules_decide(model: Path, sent: pd.DataFrame, run: Run, output: str) -> None:
    call = ("predict", "--model", model, "--messages", "m.parquet", "--output")
    assert run(*call, "plain.parquet")[0] == 0
    code, answer, error = run(*call, output, "--rules", "rules.toml")
    assert (code, error) == (0, "")
    plain = pd.read_parquet("plain.parquet")
    ruled = pd.read_parquet(output) if output.endswith("parquet") else pd.read_csv(output)
    assert {*ruled.columns} - {*plain.columns} == {"rule", "rule_reason", "model_decision"}
    rtol = 1e-15 if output.endswith("parquet") else 1e-5
    np.testing.assert_allclose(ruled["probability"], plain["probability"], rtol=rtol)
    assert ruled["model_decision"].tolist() == plain["decision"].tolist()
    for account, (action, name) in DECIDED.items():
        of_account = ruled[(sent["account_id"] == account).to_numpy()]
        assert {*of_account["decision"]} == {action}
        assert {*of_account["rule"]} == {name}
    others = (~sent["account_id"].isin([*DECIDED])).to_numpy()
    assert ruled["rule"][others].isna().all()
    assert ruled["decision"][others].tolist() == plain["decision"][others].tolist()
    counts = {rule["id"]: (rule["records"], rule["changed"], rule["expired"]) for rule in answer["rules"]}
    changed = ruled["decision"] != ruled["model_decision"]
    assert counts == {
        "mules": (120, int((changed & (ruled["rule"] == "mules")).sum()), False),
        "partners": (60, int((changed & (ruled["rule"] == "partners")).sum()), False),
        "old": (0, 0, True),
    }
    assert counts["mules"][1] > 0
    shown = CliRunner().invoke(app, [*map(str, call), output, "--rules", "rules.toml"]).stdout
    assert "180 of 600 records were decided by a rule" in shown
    assert "expired" in shown


def test_evaluate_counts_rules_apart_and_leaves_the_metrics(model: Path, sent: pd.DataFrame, run: Run) -> None:
    call = ("evaluate", "--model", model, "--messages", "m.parquet")
    plain = run(*call)[1]["report"]
    code, answer, _ = run(*call, "--rules", "rules.toml", "--report", "r.html")
    assert code == 0
    rules = answer["report"].pop("rules")
    assert plain.pop("rules") == []
    assert answer["report"] == plain
    mules, partners, old = rules
    is_fraud = (sent["label"] != "legitimate").to_numpy()
    assert mules["frauds"] == int(is_fraud[sent["account_id"].isin(["s1", "s2"])].sum())
    assert (mules["records"], partners["records"], old["records"]) == (120, 60, 0)
    assert (partners["until"], old["expired"]) == ("2099-12-31", True)
    assert 0 <= mules["changed_frauds"] <= mules["changed"] <= 120
    page = Path("r.html").read_text("utf-8")
    assert "180 records are decided by a rule. All metrics on this page are those of the model alone." in page
    assert "accounts of case 17" in page
    assert json.loads(Path("r.json").read_text())["rules"] == rules


def test_monitor_shows_the_share_of_both_tables(model: Path, sent: pd.DataFrame, run: Run) -> None:
    sent[:300].to_parquet("r.parquet")
    sent[300:].assign(account_id="s1").to_parquet("c.parquet")
    call = ("monitor", "--model", model, "--reference", "r.parquet", "--messages", "c.parquet")
    plain = run(*call)[1]["report"]
    code, answer, _ = run(*call, "--rules", "rules.toml", "--report", "m.html")
    assert code in (0, 3)
    rules = answer["report"].pop("rules")
    assert plain.pop("rules") == []
    assert answer["report"] == plain
    shares = {rule["id"]: (rule["reference"], rule["current"]) for rule in rules}
    assert shares == {"mules": (0.2, 1.0), "partners": (0.1, 0.0), "old": (0.0, 0.0)}
    assert "accounts of case 17" in Path("m.html").read_text("utf-8")


def test_a_recipe_names_the_rules(model: Path, sent: pd.DataFrame, run: Run) -> None:
    Path("recipe.toml").write_text('rules = "rules.toml"\n[split]\nkind = "random"\nalso_temporal = false\n')
    call = ("evaluate", "--model", model, "--messages", "m.parquet")
    by_option = run(*call, "--rules", "rules.toml")[1]
    code, by_recipe, _ = run(*call, "--recipe", "recipe.toml")
    assert (code, by_recipe) == (0, by_option)
    assert by_recipe["report"]["rules"]
    watch = ("monitor", "--model", model, "--reference", "m.parquet", "--messages", "m.parquet")
    assert run(*watch, "--recipe", "recipe.toml")[1]["report"]["rules"][0]["id"] == "mules"
    code, trained, _ = run("train", "--messages", "m.parquet", "--recipe", "recipe.toml", "--output", "o", "--no-track")
    assert code == 0
    assert [rule["id"] for rule in trained["report"]["rules"]] == ["mules", "partners", "old"]


def test_a_recipe_without_its_rules_file_is_refused(model: Path, sent: pd.DataFrame, run: Run) -> None:
    Path("recipe.toml").write_text('rules = "other.toml"\n')
    code, _, error = run("evaluate", "--model", model, "--messages", "m.parquet", "--recipe", "recipe.toml")
    assert code == 2
    assert "recipe.toml: rules: other.toml: cannot be read" in error
