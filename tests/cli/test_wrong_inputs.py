"""Wrong inputs, each with the error that ``messages.txt`` has: expected, found, what to do."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Run
from tests.messages import MESSAGES

MODEL = ("--model", "none")


def messages(**columns: object) -> pd.DataFrame:
    """Return forty messages, half of them spam."""
    texts = [f"win a prize {row} now" if row % 2 else f"see you at {row}" for row in range(40)]
    labels = ["spam" if row % 2 else "ham" for row in range(40)]
    frame = {"message_id": [f"m{row}" for row in range(40)], "text": texts, "label": labels}
    return pd.DataFrame(frame | columns)


def csv(**columns: object) -> bytes:
    return messages(**columns).to_csv(index=False).encode()


def rule(**values: str) -> bytes:
    """Return a rule as TOML."""
    usual = {"id": "'mules'", "field": "'account_id'", "action": "'flag'", "reason": "'a case'"}
    return "".join(["[[rule]]\n", *(f"{key} = {value}\n" for key, value in (usual | values).items())]).encode()


FILES: dict[str, bytes] = {
    "m.csv": csv(),
    "empty.csv": b"",
    "dates.csv": b'account_id,occurred_at,amount,label\na,03/04/2026,"1,5",spam\nb,4/25/2026 2:05 PM,2,ham\n',
    "header.csv": b"message_id,text,label\n",
    "m.dat": b"message_id,text,label\n",
    "unlabelled.csv": b"message_id,text\n1,a\n2,b\n",
    "names.csv": b"id,content,class\n1,a,spam\n2,b,ham\n",
    "one-class.csv": csv(label=["spam"] * 40),
    "few.csv": csv(label=["spam"] * 39 + ["ham"]),
    "same-ids.csv": csv(message_id=["x"] * 40),
    "blank.csv": csv(text=[" "] * 40),
    "quote.csv": b'message_id,text,label\n1,"a,ham\n2,b,spam\n',
    "gb.csv": "message_id,text,label\n1,您好,ham\n".encode("gb18030"),
    "noise.csv": b"message_id,text,label\n" + bytes(range(128, 256)) * 9,
    "m.xlsx": b"not a workbook",
    "m.csv.zip": b"PK",
    "m.parquet": b"PAR1xxxx",
    "m.json": b'[{"message_id": 1}',
    "broken.toml": b"[split\n",
    "unknown.toml": b"[spilt]\nkind = 'time'\n",
    "value.toml": b"[split]\ntest_share = 3\n",
    "folder/readme.md": b"",
    "no-words.toml": b"[features.words]\ngambling = []\n",
    "group.toml": b"[features.words]\n'online casino' = ['baccarat']\n",
    "letter.toml": b"[features.words]\ngambling = ['x']\n",
    "spellings.toml": b"[features.words]\ngambling = ['Baccarat', 'baccarat']\n",
    "two-groups.toml": b"[features.words]\ncasino = ['baccarat']\nlottery = ['baccarat']\n",
    "word-file.toml": b"[features.words]\ngambling = 'casino.txt'\n",
    "hotline.toml": b"[features]\nhotlines = ['12']\n",
    "short-host.toml": b"[features]\nshort_hosts = ['www.goo.gs']\n",
    "brand.toml": b"[features.brands]\nicbc = ['https://icbc.com.cn/login']\n",
    "one-column.toml": b"[features]\ncolumns = 'channel'\n",
    "colums.toml": b"[features]\ncolums = ['channel']\n",
    "rate.toml": b"[thresholds]\nfalse_positive_rates = [1.5]\n",
    "not-a-table.toml": b"data = 'x'",
    "decide.toml": b"[thresholds]\ndecide_by = 'capacty'\n",
    "rules-broken.toml": b"[[rule]\n",
    "rules-other.toml": b"[rules]\n",
    "rules-key.toml": rule(values="['x']", untill="2026-01-01"),
    "rules-reason.toml": rule(values="['x']", reason="' '"),
    "rules-values.toml": rule(),
    "rules-action.toml": rule(values="['x']", action="'block'"),
    "rules-field.toml": rule(values="['x']", field="'acount_id'"),
    "rules-host.toml": rule(values="['not a host']", field="'host'"),
    "rules-until.toml": rule(values="['x']", until="'tomorrow'"),
    "rules-file.toml": rule(file="'absent.txt'"),
    "rules-blank.toml": rule(values="['x', ' ']"),
    "rules-twice.toml": rule(values="['x']") + rule(values="['y']"),
}
TRAIN = ("train", "--no-track", "--messages")
OWN = (*TRAIN, "m.csv", "--feature-columns")
DATES = ("train", "--no-track", "--events", "dates.csv", "--max-rejected", "0")
RECIPE = (*TRAIN, "m.csv", "--recipe")
SERVE = ("serve", *MODEL, "--port", "0")
RULES = ("predict", *MODEL, "--messages", "m.csv", "--rules")
CASES: list[tuple[str, ...]] = [
    ("train",),
    (*TRAIN, "none.csv"),
    (*TRAIN, "empty.csv"),
    (*TRAIN, "header.csv"),
    (*TRAIN, "m.dat"),
    (*TRAIN, "unlabelled.csv"),
    (*TRAIN, "names.csv"),
    (*TRAIN, "one-class.csv"),
    (*TRAIN, "few.csv"),
    (*TRAIN, "same-ids.csv"),
    (*TRAIN, "blank.csv"),
    (*TRAIN, "m.csv", "--legitimate", "hamm"),
    (*TRAIN, "m.csv", "--split", "tiem"),
    (*TRAIN, "m.csv", "--split", "time"),
    (*TRAIN, "m.csv", "--column", "text"),
    (*TRAIN, "m.csv", "--text-column", "body"),
    (*TRAIN, "m.csv", "--encoding", "klingon"),
    (*TRAIN, "gb.csv", "--encoding", "utf-8"),
    (*TRAIN, "noise.csv"),
    (*TRAIN, "m.csv", "--separator", ";;"),
    (*RECIPE, "not-a-table.toml"),
    (*TRAIN, "quote.csv"),
    (*TRAIN, "m.csv", "--recipe", "broken.toml"),
    (*TRAIN, "m.csv", "--recipe", "unknown.toml"),
    (*TRAIN, "m.csv", "--recipe", "none.toml"),
    (*TRAIN, "m.csv", "--output", "folder"),
    (*TRAIN, "m.csv", "--output", "folder", "--overwrite"),
    (*TRAIN, "m.csv", "--output", "m.csv/model"),
    (*TRAIN, "m.csv", "--subject", "event"),
    ("train", "--no-track", "--accounts", "m.csv"),
    ("train", "--no-track", "--events", "m.csv"),
    (*TRAIN, "m.csv", "--tune", "soon"),
    (*TRAIN, "sqlite:///none.db"),
    (*TRAIN, "sqlite:///none.db#sms"),
    (*TRAIN, "folder"),
    (*TRAIN, "m.xlsx"),
    (*TRAIN, "m.csv.zip"),
    (*TRAIN, "m.parquet"),
    (*TRAIN, "m.json"),
    ("predict", *MODEL, "--messages", "m.csv"),
    ("predict", "--model", "folder", "--messages", "m.csv"),
    ("predict", *MODEL, "--messages", "m.csv", "--output", "s.xls"),
    ("predict", "--model", "models:/none@champion", "--messages", "m.csv"),
    ("evaluate", *MODEL, "--messages", "m.csv"),
    ("verify", "--model", "folder"),
    ("monitor", *MODEL, "--reference", "m.csv", "--messages", "m.csv"),
    ("promote", "--messages", "m.csv"),
    (*OWN, "chanel"),
    (*OWN, "text"),
    (*RECIPE, "one-column.toml"),
    (*RECIPE, "colums.toml"),
    (*RECIPE, "no-words.toml"),
    (*RECIPE, "group.toml"),
    (*RECIPE, "letter.toml"),
    (*RECIPE, "spellings.toml"),
    (*RECIPE, "two-groups.toml"),
    (*RECIPE, "word-file.toml"),
    (*RECIPE, "hotline.toml"),
    (*RECIPE, "short-host.toml"),
    (*RECIPE, "brand.toml"),
    (*RECIPE, "rate.toml"),
    (*RECIPE, "decide.toml"),
    (*RULES, "rules-broken.toml"),
    (*RULES, "rules-other.toml"),
    (*RULES, "rules-key.toml"),
    (*RULES, "rules-reason.toml"),
    (*RULES, "rules-values.toml"),
    (*RULES, "rules-action.toml"),
    (*RULES, "rules-field.toml"),
    (*RULES, "rules-host.toml"),
    (*RULES, "rules-until.toml"),
    (*RULES, "rules-file.toml"),
    (*RULES, "rules-blank.toml"),
    (*RULES, "rules-twice.toml"),
    (*RULES, "none.toml"),
    SERVE,
    (*SERVE, "--token-file", "none"),
    ("serve", "--model", "models:/nothing", "--port", "0"),
    (*SERVE, "--host", "0.0.0.0"),
    (*SERVE, "--rules", "rules-action.toml"),
    ("rollback",),
    DATES,
    (*DATES, "--month-first"),
    (*DATES, "--decimal", ";"),
    (*DATES, "--header-row", "9"),
    (*DATES, "--column", "amount=amout"),
    (*DATES, "--column", "events.amount=amout"),
    ("features",),
    ("evaluate", *MODEL, "--report", "r.pdf"),
    ("promote", "--force"),
    ("promote", "--reason", "an outage"),
    ("monitor", *MODEL),
    ("monitor", *MODEL, "--state", "live.db"),
    ("monitor", *MODEL, "--recompute"),
    ("monitor", *MODEL, "--recompute", "--state", "live.db", "--report", "m.html"),
    ("monitor", *MODEL, "--recompute", "--state", "none.db"),
    ("rehearse", *MODEL, "--state", "none.db"),
    ("rehearse", *MODEL, "--state", "none.db", "--output", "days.pdf"),
    ("scores", "export", "none.db"),
    ("state", "info", "none.db"),
    ("state", "export", "none.db"),
    ("state", "erase", "none.db", "--account-id", "a"),
    ("state", "rewind", "none.db", "--until", "2024-05-01"),
    ("lead", "withdraw"),
    ("lead", "withdraw", "an-id"),
    ("lead", "withdraw", "--labels", "m.csv"),
    ("lead", "withdraw", "an-id", "--reason", "why"),
    ("lead", "list", "--log", "none"),
]


@pytest.mark.slow
@pytest.mark.parametrize("call", CASES, ids=" ".join)
def test_a_wrong_input_is_an_error_that_says_what_to_do(run: Run, call: tuple[str, ...]) -> None:
    for name, content in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)
    code, answer, _ = run(*call)
    # Which store it is depends on the tests before.
    MESSAGES.check(re.sub(r"(?<=MLflow's store) .*", "", answer["error"]))
    assert code == 2
    assert not Path("none.db").exists()
    assert not Path("fraudsieve-model").exists()
