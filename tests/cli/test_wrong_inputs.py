"""Wrong inputs of the first hour, each with the exact error: what was expected, what came, what to do."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.conftest import Run

MODEL = ("--model", "none")
NEEDS = "Expected in messages: message_id (id), text (text)"


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
RECIPE = (*TRAIN, "m.csv", "--recipe")
SERVE = ("serve", *MODEL, "--port", "0")
RULES = ("predict", *MODEL, "--messages", "m.csv", "--rules")
WRITE_RULE = 'Write a table [[rule]] with id, field, values or file, action = "flag" or "pass", and reason.'
MANIFEST = "manifest.json: cannot be read (FileNotFoundError). Use the path of a complete model folder."
CASES: list[tuple[tuple[str, ...], str]] = [
    (("train",), "recipe: a table of messages is missing. Give data.messages (--messages)"),
    ((*TRAIN, "none.csv"), "none.csv: there is no such file. Check the path."),
    ((*TRAIN, "empty.csv"), "empty.csv: expected CSV, got an empty file. Write it again with rows."),
    ((*TRAIN, "header.csv"), "header.csv: there are no rows. Give messages with at least one row."),
    (
        (*TRAIN, "m.dat"),
        "m.dat: the format is unknown. Name the file with one of .parquet, .xlsx, .csv, .tsv, .txt, .jsonl, .ndjson, "
        ".json; text may be packed as .gz or .zip.",
    ),
    (
        (*TRAIN, "unlabelled.csv"),
        "unlabelled.csv: column 'label' is missing from messages; got 'message_id', 'text'. "
        f"{NEEDS}, label (category).",
    ),
    (
        (*TRAIN, "names.csv"),
        "names.csv: columns 'message_id', 'text', 'label' are missing from messages; got 'id', 'content', 'class' (did "
        "you mean 'id' for 'message_id', 'content' for 'text', 'class' for 'label'? Then add --column message_id=id "
        f"--column text=content --column label=class). {NEEDS}, label (category).",
    ),
    (
        (*TRAIN, "one-class.csv"),
        "one-class.csv: expected at least 2 classes of 10 rows or more, got 1: 'spam' (40). Give more labels.",
    ),
    (
        (*TRAIN, "few.csv"),
        "few.csv: expected at least 2 classes of 10 rows or more, got 1: 'spam' (39); 1 row is rejected: label: the "
        "label has fewer than 10 rows: too few to train and to test (1). Give more labels, or a smaller "
        "min_label_rows in the section [data] of a recipe.",
    ),
    (
        (*TRAIN, "same-ids.csv"),
        "same-ids.csv: 39 of 40 rows are rejected, more than a share of 0.2: message_id: duplicate id: only the first "
        "row is kept (39). Correct them, or allow a larger share with --max-rejected (max_rejected in a recipe or in "
        "ReadOptions).",
    ),
    ((*TRAIN, "blank.csv"), f"blank.csv: none of 40 rows is accepted: text: no text (40). {NEEDS}."),
    (
        (*TRAIN, "m.csv", "--legitimate", "hamm"),
        "m.csv: --legitimate: expected one of the labels 'ham', 'spam', got 'hamm'. Did you mean 'ham'?",
    ),
    (
        (*TRAIN, "m.csv", "--split", "tiem"),
        "recipe: split.kind: expected 'auto', 'time', 'campaign', 'account', 'group' or 'random', got 'tiem'",
    ),
    (
        (*TRAIN, "m.csv", "--split", "time"),
        "a split by time leaves no training rows of 40 labelled rows: 40 have no time. Add data, or change the shares "
        "or the kind in [split].",
    ),
    ((*TRAIN, "m.csv", "--column", "text"), "--column: expected NAME=COLUMN, such as text=content"),
    (
        (*TRAIN, "m.csv", "--text-column", "body"),
        "m.csv: there is no column 'body', which was named for messages; got 'message_id', 'text', 'label' (did you "
        "mean 'text'?). Check its name, or leave it out.",
    ),
    (
        (*TRAIN, "m.csv", "--encoding", "klingon"),
        "m.csv: --encoding: expected an encoding such as utf-8, gb18030 or utf-16, got an unknown one. Omit "
        "--encoding to detect it.",
    ),
    (
        (*TRAIN, "gb.csv", "--encoding", "utf-8"),
        "gb.csv: the file is not in utf-8. Omit --encoding to detect it.",
    ),
    (
        (*TRAIN, "noise.csv"),
        "noise.csv: 1 of 1 rows are not in UTF-8, nor in an encoding that can be found. Save the file as UTF-8, or "
        "name its encoding with --encoding.",
    ),
    (
        (*TRAIN, "m.csv", "--separator", ";;"),
        "recipe: data.separator: expected at most 1 character, got ';;'",
    ),
    ((*RECIPE, "not-a-table.toml"), "not-a-table.toml: data: expected a table, got 'x'"),
    (
        (*TRAIN, "quote.csv"),
        "quote.csv: row 0 opens a quote that is never closed. The file may be cut short: write it again, or close or "
        "double the quote.",
    ),
    (
        (*TRAIN, "m.csv", "--recipe", "broken.toml"),
        "broken.toml: is not TOML: Expected ']' at the end of a table declaration (at line 1, column 7)",
    ),
    ((*TRAIN, "m.csv", "--recipe", "unknown.toml"), "unknown.toml: spilt: unknown key"),
    ((*TRAIN, "m.csv", "--recipe", "none.toml"), "none.toml: cannot be read (FileNotFoundError). Name a TOML file"),
    (
        (*TRAIN, "m.csv", "--output", "folder"),
        "folder: expected a new folder, got an existing one. Name another one, or replace it with --overwrite.",
    ),
    (
        (*TRAIN, "m.csv", "--output", "folder", "--overwrite"),
        "folder: expected a model folder to overwrite, got something else. Name another one.",
    ),
    (
        (*TRAIN, "m.csv", "--output", "m.csv/model"),
        "m.csv/model: the folder of the output cannot be written to (FileExistsError). Choose another place.",
    ),
    ((*TRAIN, "m.csv", "--subject", "event"), "recipe: a table of events is missing. Give data.events (--events)"),
    (
        ("train", "--no-track", "--accounts", "m.csv"),
        "m.csv: column 'account_id' is missing from accounts; got 'message_id', 'text', 'label'. Expected in accounts: "
        "account_id (id), label (category).",
    ),
    (
        (*TRAIN, "m.csv", "--tune", "soon"),
        "recipe: tune.budget: expected a duration such as 90s, 20m or 2h, got 'soon'",
    ),
    (
        (*TRAIN, "sqlite:///none.db"),
        "sqlite:///none.db: expected a table or a query after the address. Add # and a table or a query: "
        "postgresql://user@host/name#select id as message_id, body as text from sms",
    ),
    (
        (*TRAIN, "sqlite:///none.db#sms"),
        "sqlite:///none.db: cannot be read (FileNotFoundError). Check the address, the driver, and the query.",
    ),
    (
        (*TRAIN, "folder"),
        "folder: expected a folder of Parquet files, or a pattern such as 'week/*.csv', found none. Check the path.",
    ),
    (
        (*TRAIN, "m.xlsx"),
        "m.xlsx: the workbook cannot be read (BadZipFile). Save it again as .xlsx, without a password.",
    ),
    (
        (*TRAIN, "m.csv.zip"),
        "m.csv.zip: the archive cannot be read (BadZipFile). Pack it again, without a password.",
    ),
    (
        (*TRAIN, "m.parquet"),
        "m.parquet: the file cannot be read as its ending says (ArrowInvalid). It may be damaged, cut short, or in "
        "another format: write it again.",
    ),
    ((*TRAIN, "m.json"), "m.json: the file is not a JSON array. It may be cut short: write it again."),
    (("predict", *MODEL, "--messages", "m.csv"), f"none/{MANIFEST}"),
    (("predict", "--model", "folder", "--messages", "m.csv"), f"folder/{MANIFEST}"),
    (
        ("predict", *MODEL, "--messages", "m.csv", "--output", "s.xls"),
        "s.xls: expected a file to write ending in .parquet, .csv, .xlsx, .jsonl, .ndjson, got '.xls'. The "
        "extension sets the format: choose one of these.",
    ),
    (
        ("predict", "--model", "models:/none@champion", "--messages", "m.csv"),
        "models:/none@champion: is not in MLflow's store",
    ),
    (("evaluate", *MODEL, "--messages", "m.csv"), f"none/{MANIFEST}"),
    (("verify", "--model", "folder"), f"folder/{MANIFEST}"),
    (("monitor", *MODEL, "--reference", "m.csv", "--messages", "m.csv"), f"none/{MANIFEST}"),
    (
        ("promote", "--messages", "m.csv"),
        "models:/fraudsieve: is not in MLflow's store",
    ),
    (
        (*OWN, "chanel"),
        "messages: column 'chanel', which is named as a feature, is missing; got no further columns. Correct the name, "
        "or remove it.",
    ),
    ((*OWN, "text"), "messages: column 'text' cannot be a feature by itself. Remove it from the columns."),
    ((*RECIPE, "one-column.toml"), "one-column.toml: features.columns: expected a list, got 'channel'"),
    ((*RECIPE, "colums.toml"), "colums.toml: features.colums: unknown key"),
    (
        (*RECIPE, "no-words.toml"),
        "no-words.toml: features: words.gambling: expected at least one word, got none. Add words or remove the group.",
    ),
    (
        (*RECIPE, "group.toml"),
        "group.toml: features: words: expected groups named by letters, digits and _, got 'online casino'. Rename the "
        "group.",
    ),
    (
        (*RECIPE, "letter.toml"),
        "letter.toml: features: words.gambling: expected words of two or more letters, digits or signs, got 'x'. "
        "Correct or remove it.",
    ),
    (
        (*RECIPE, "spellings.toml"),
        "spellings.toml: features: words.gambling: expected every entry once after normalisation, got 'Baccarat' and "
        "'baccarat'. Keep one.",
    ),
    (
        (*RECIPE, "two-groups.toml"),
        "two-groups.toml: features: words: expected every word in one group, got 'baccarat' in casino and lottery. "
        "Keep it in one.",
    ),
    (
        (*RECIPE, "word-file.toml"),
        "word-file.toml: features.words.gambling: expected a text file with an entry per line, got casino.txt, which "
        "cannot be read (FileNotFoundError). Name a file, or write a list.",
    ),
    (
        (*RECIPE, "hotline.toml"),
        "hotline.toml: features: hotlines: expected numbers of 3 to 15 digits, got '12'. Correct or remove it.",
    ),
    (
        (*RECIPE, "short-host.toml"),
        "short-host.toml: features: short_hosts: expected registered domains, such as goo.gs, got 'www.goo.gs'. "
        "Correct or remove it.",
    ),
    (
        (*RECIPE, "brand.toml"),
        "brand.toml: features: brands.icbc: expected domains under a public suffix, such as bit.ly or icbc.com.cn, got "
        "'https://icbc.com.cn/login'. Correct or remove it.",
    ),
    ((*RECIPE, "rate.toml"), "rate.toml: thresholds.false_positive_rates.0: expected less than 1, got 1.5"),
    (
        (*RECIPE, "decide.toml"),
        "decide.toml: thresholds: decide_by: expected the name of an operating point (false_positive_rate_0.01, "
        "false_positive_rate_0.001, false_positive_rate_0.05, capacity), got 'capacty'",
    ),
    (
        (*RULES, "rules-broken.toml"),
        "rules-broken.toml: expected TOML in UTF-8 (Expected ']]' at the end of an array declaration (at line 1, "
        f"column 7)). {WRITE_RULE}",
    ),
    ((*RULES, "rules-other.toml"), f"rules-other.toml: expected tables [[rule]] and nothing else. {WRITE_RULE}"),
    (
        (*RULES, "rules-key.toml"),
        "rules-key.toml: rule 1: expected id, field, values, file, action, reason, until, got an unknown key (did you "
        f"mean 'until'?). {WRITE_RULE}",
    ),
    ((*RULES, "rules-reason.toml"), f"rules-reason.toml: rule 1: reason: expected a text. {WRITE_RULE}"),
    ((*RULES, "rules-values.toml"), f"rules-values.toml: rule 1: expected either values or file. {WRITE_RULE}"),
    ((*RULES, "rules-action.toml"), f"rules-action.toml: rule 1: action: expected flag or pass. {WRITE_RULE}"),
    (
        (*RULES, "rules-field.toml"),
        f"rules-field.toml: rule 1: field: expected a field such as 'account_id', got 'acount_id'. {WRITE_RULE}",
    ),
    (
        (*RULES, "rules-host.toml"),
        "rules-host.toml: rules: mules: values, position 0: expected a host such as bad.example.com or an IP address, "
        f"under a public suffix and in its xn-- form. {WRITE_RULE}",
    ),
    (
        (*RULES, "rules-until.toml"),
        f"rules-until.toml: rule 1: until: expected a date or a time, such as 2026-12-31. {WRITE_RULE}",
    ),
    (
        (*RULES, "rules-file.toml"),
        "absent.txt: cannot be read (FileNotFoundError). Name a rules file, and lists beside it, that can be read.",
    ),
    (
        (*RULES, "rules-blank.toml"),
        f"rules-blank.toml: rule 1: values, position 1: expected an identifier, got a blank. {WRITE_RULE}",
    ),
    (
        (*RULES, "rules-twice.toml"),
        f"rules-twice.toml: rules: expected one rule per id, got several with 'mules'. {WRITE_RULE}",
    ),
    (
        (*RULES, "none.toml"),
        "none.toml: cannot be read (FileNotFoundError). Name a rules file, and lists beside it, that can be read.",
    ),
    (SERVE, f"none/{MANIFEST}"),
    ((*SERVE, "--shadow-file", "s.jsonl"), "--shadow-file: there is no challenger. Name one with --shadow."),
    (
        (*SERVE, "--host", "0.0.0.0"),
        "0.0.0.0: is open to other machines, and there is no token. Set FRAUDSIEVE_TOKEN or --token-file, listen on "
        "127.0.0.1, or pass --open.",
    ),
    (
        (*SERVE, "--rules", "rules-action.toml"),
        f"rules-action.toml: rule 1: action: expected flag or pass. {WRITE_RULE}",
    ),
    (
        ("rollback",),
        "models:/fraudsieve: is not in MLflow's store",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("call", "expected"), CASES, ids=[" ".join(call) for call, _ in CASES])
def test_a_wrong_input_is_an_error_that_says_what_to_do(run: Run, call: tuple[str, ...], expected: str) -> None:
    for name, content in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)
    code, answer, _ = run(*call)
    assert re.sub(r"(?<=MLflow's store) sqlite:.*", "", answer["error"]) == expected
    assert code == 2
    assert not Path("none.db").exists()
    assert not Path("fraudsieve-model").exists()


def test_there_are_forty_of_them() -> None:
    assert len({expected for _, expected in CASES}) >= 40
