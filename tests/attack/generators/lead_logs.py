"""Logs of leads with forged records, whose digests match: whoever can write to the file can add any record."""

import json
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fraudsieve.evidence.canonical import encode_canonical, to_plain
from fraudsieve.leads.case_content import CaseContent
from fraudsieve.leads.keys import Secret, derive_key
from fraudsieve.leads.lead_content import LeadTerms, make_lead
from fraudsieve.leads.log import LeadLog, read_register
from fraudsieve.leads.withdrawal import withdraw_lead, withdraw_reversed
from tests.attack.changes import change_bytes, change_json
from tests.attack.outcomes import SECRET, Attempt, Outcome, judge
from tests.evidence.logs import bodies_of, write_bodies

SECRETS = [Secret(b"a secret of the house, 32 bytes or more")]
LABELS = pd.DataFrame({"subject_id": ["a2"], "label": ["legitimate"]})
STRINGS = (SECRET, "../outside", "/tmp/outside", "a/b", "\x00", "", "stix", "json", "lead", "withdrawal", "notice")
NOTICE = re.compile(r"withdrawal-[0-9a-f-]{36}\.json")


def prepare(folder: Path) -> Attempt:
    """Write a log of leads, and return a function that forges its records and withdraws leads."""
    log = folder / "leads.jsonl"
    members = pd.DataFrame({"action_id": ["a1", "a2"], "account_id": "ann"})
    links = pd.DataFrame([], columns=["source_id", "target_id", "kind", "evidence"])
    with LeadLog(log, user="ann") as opened:
        for recipient in ("police", "bank", "court"):
            lead = make_lead(
                CaseContent("c", members, links), derive_key(SECRETS[0], recipient), LeadTerms(recipient, "law", "we")
            )
            opened.record_lead(lead, "c", "stix" if recipient == "bank" else "json")
    withdraw_lead(log, read_register(log).leads[0].lead, "given in error", folder / "first")
    return partial(_attempt, folder / "forged", bodies_of(log))


def _attempt(folder: Path, bodies: list[dict[str, Any]], rng: np.random.Generator) -> Outcome:
    shutil.rmtree(folder, ignore_errors=True)
    output = folder / "inner" / "notices"
    output.mkdir(parents=True)
    log = folder / "leads.jsonl"
    forged = _forged(bodies, rng)
    if rng.random() < 0.5:  # the notice of the withdrawal is written again
        forged = [body for body in forged if body.get("kind") != "notice"]
    write_bodies(log, [encode_canonical(to_plain(body)) for body in forged])
    if rng.random() < 0.1:
        log.write_bytes(change_bytes(log.read_bytes(), rng))
    lead = forged[int(rng.integers(len(forged)))].get("lead")
    try:
        return judge(lambda: _withdraws(log, lead if isinstance(lead, str) else "none", output))
    finally:
        stray = [path for path in folder.rglob("*") if path.is_file() and path != log and path.parent != output]
        if stray:
            raise RuntimeError("a file was written outside the output")


def _forged(bodies: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    forged: list[dict[str, Any]] = json.loads(json.dumps(bodies))
    way = int(rng.integers(5))
    at = int(rng.integers(len(forged)))
    if way == 0:
        forged.insert(int(rng.integers(len(forged) + 1)), json.loads(json.dumps(forged[at])))
    elif way == 1:
        del forged[at]
    elif way == 2:
        names = [name for name, value in forged[at].items() if isinstance(value, str)]
        forged[at][names[int(rng.integers(len(names)))]] = STRINGS[int(rng.integers(len(STRINGS)))]
    else:
        change_json(forged[at], rng)
    return forged or bodies


def _withdraws(log: Path, lead: str, output: Path) -> bool:
    """Withdraw leads, and return whether each notice is that of its lead, in its place, and is written once."""
    register = read_register(log)
    written = (*withdraw_lead(log, lead, "wrong", output), *withdraw_reversed(log, LABELS, SECRETS, output))
    after = read_register(log)
    names = sorted(path.name for path in output.iterdir())
    sound = all(NOTICE.fullmatch(name) for name in names) and sorted(path.name for path in written) == names
    once = withdraw_lead(log, lead, "again", output) == () == withdraw_reversed(log, LABELS, SECRETS, output)
    return sound and once and after.leads == register.leads and lead in after.withdrawals
