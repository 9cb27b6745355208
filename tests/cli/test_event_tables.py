"""Several tables of events, each with its own names and kind: they are those of a single file."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fraudsieve.cli.options import ReadingOptions
from fraudsieve.exceptions import SchemaError
from fraudsieve.models.given_history import given_fields
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.reader import read_table
from fraudsieve.tables.source import InputTable
from fraudsieve.training.recipe.headers import with_kinds
from fraudsieve.training.recipe.recipe import Recipe
from tests.messages import MESSAGES, refused

from .conftest import Run, error_of

PAYMENTS = {"payment_id": "event_id", "customer": "account_id", "paid_at": "occurred_at", "value": "amount"}
LOGINS = {"login_id": "event_id", "user": "account_id", "at": "occurred_at"}
NAMES = [
    f"--column={table}.{ours}={theirs}"
    for table, names in (("payments", PAYMENTS), ("logins", LOGINS))
    for theirs, ours in names.items()
]
TABLES = ("--events", "payments.csv", "--events", "logins.csv")
RUN = ("--score-kind", "payments", "--labels", "labels.csv", "--no-track")


def write_world(folder: Path) -> pd.DataFrame:
    """Write payments, logins before some of them, labels, and all events in one file; return the latter."""
    draw, n = np.random.default_rng(7), 900
    fraud = draw.random(n) < 0.2
    paid_at = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.sort(draw.uniform(0, 100, n)), unit="D").round("s")
    payments = pd.DataFrame(
        {
            "payment_id": [f"p{k}" for k in range(n)],
            "customer": [f"c{k}" for k in draw.integers(0, 60, n)],
            "paid_at": paid_at,
            "value": draw.normal(50, 10, n).round(2),
            "device_id": [f"d{k}" for k in draw.integers(0, 90, n)],
            "abroad": draw.random(n) < 0.1 + 0.3 * fraud,
            "code": draw.integers(0, 9, n),
        }
    )
    before = payments[fraud | (draw.random(n) < 0.2)]
    logins = pd.DataFrame(
        {
            "login_id": [f"l{k}" for k in range(len(before))],
            "user": before["customer"].to_numpy(),
            "at": before["paid_at"].to_numpy() - pd.Timedelta("2min"),
            "device_id": [f"d{k}" for k in draw.integers(0, 90, len(before))],
            "code": draw.choice(["ok", "7"], len(before)),
        }
    )
    payments.to_csv(folder / "payments.csv", index=False)
    logins.to_csv(folder / "logins.csv", index=False)
    labels = {
        "subject_id": payments["payment_id"],
        "label": fraud.astype(int),
        "labelled_at": paid_at + pd.Timedelta("3D"),
    }
    pd.DataFrame(labels).to_csv(folder / "labels.csv", index=False)
    named = (
        payments.rename(columns=PAYMENTS).assign(kind="payments"),
        logins.rename(columns=LOGINS).assign(kind="logins"),
    )
    merged = pd.concat(named, ignore_index=True)
    merged.to_csv(folder / "merged.csv", index=False)
    return merged


def test_several_tables_train_and_score_as_one(run: Run, tmp_path: Path) -> None:
    write_world(tmp_path)
    code, several, error = run("train", *TABLES, *NAMES, *RUN, "--output", "several")
    assert code == 0, error
    assert "all events of logins have the kind 'logins'" in several["notes"]
    code, one, error = run("train", "--events", "merged.csv", *RUN, "--output", "one")
    assert code == 0, error
    assert several["report"]["average_precision"] == one["report"]["average_precision"]
    code, evaluated, error = run("evaluate", "--model", "several", *TABLES, "--labels", "labels.csv")
    assert (code, evaluated["report"]["rows"]) == (0, 900), error
    code, loaded, error = run("state", "load", "live.db", "--model", "several", *TABLES)
    assert (code, loaded["accepted"]) == (0, len(pd.read_csv("merged.csv"))), error
    (tmp_path / "payments.csv").rename("today.csv")
    scores: list[pd.DataFrame] = []
    for model, options in (
        ("several", ("--events", "today.csv", "--history", "logins.csv")),
        ("several", ("--events", "today.csv", "--events", "logins.csv", "--kind", "today=payments")),
        ("several", ("--events", "merged.csv")),
        ("one", ("--events", "merged.csv")),
    ):
        call = "predict", "--model", model, *options, "--known-labels", "labels.csv", "--output", f"{model}.parquet"
        code, _, error = run(*call)
        assert code == 0, error
        scores.append(pd.read_parquet(f"{model}.parquet").drop(columns=["model", "model_digest"], errors="ignore"))
        assert len(scores[0]) == 900
        pd.testing.assert_frame_equal(scores[-1], scores[0])
    (tmp_path / "logins.csv").rename("visits.csv")
    call = (
        "predict",
        "--model",
        "several",
        "--events",
        "today.csv",
        "--history",
        "visits.csv",
        "--output",
        "visits.parquet",
    )
    MESSAGES.check(error_of(run, *call))
    code, _, error = run(*call, "--kind", "visits=logins", "--known-labels", "labels.csv")
    assert code == 0, error
    assert pd.read_parquet("visits.parquet")["probability"].tolist() == scores[0]["probability"].tolist()
    visits, payments = pd.read_csv("visits.csv"), pd.read_csv("today.csv")
    visits.assign(login_id=payments["payment_id"]).to_csv("visits.csv", index=False)
    MESSAGES.check(error_of(run, *call, "--kind", "visits=logins"))


@pytest.mark.parametrize(
    "wrong",
    [
        ("--kind", "logins"),
        ("--kind", "login=logins"),
        ("--column", "login.event_id=login_id"),
        ("--column", "logins.event_id=id"),
        ("--score-kind", "payment"),
    ],
)
def test_wrong_names_of_tables_are_refused(wrong: tuple[str, str], run: Run, tmp_path: Path) -> None:
    write_world(tmp_path)
    MESSAGES.check(error_of(run, "train", *TABLES, *NAMES, "--labels", "labels.csv", "--no-track", *wrong))


def kinds_of(events: list[Any], **data: Any) -> dict[str, str]:
    return with_kinds(Recipe.model_validate({"data": data}), {"events": events}).data.kinds


def test_tables_have_their_names_as_kinds_only_if_kinds_are_needed() -> None:
    months, two = ["a/jan.csv", "a/feb.csv"], ["p/payments.csv.gz", "world.duckdb#logins"]
    assert kinds_of(months) == kinds_of(months, columns={"account_id": "user", "events.amount": "value"}) == {}
    names = {"payments": "payments", "logins": "logins"}
    assert kinds_of(two, score_kind="payments") == kinds_of(two, columns={"logins.account_id": "user"}) == names
    assert kinds_of(two, kinds={"logins": "login"}) == names | {"logins": "login"}
    assert kinds_of(two[:1], score_kind="payments") == {}
    assert kinds_of(two[:1], columns={"payments.amount": "value"}) == {"payments": ""}
    assert kinds_of([pd.DataFrame(), *two], score_kind="payments") == names
    assert kinds_of([InputTable(pd.DataFrame(), name="orders"), *two], score_kind="x") == names | {"orders": "orders"}


def test_own_names_come_before_those_of_all_tables_and_a_column_of_kinds_before_the_kind() -> None:
    when = ["2026-05-01", "2026-05-02"]
    own = pd.DataFrame({"card": ["a", "b"], "customer": ["x", "y"], "occurred_at": when})
    kinds = pd.DataFrame({"customer": ["z", None], "occurred_at": when, "kind": ["pay", None]})
    columns = {"events.account_id": "customer", "logins.account_id": "card"}
    options = ReadOptions(columns, kinds={"logins": "login", "payments": "payment"})
    tables = [InputTable(own, name="logins"), InputTable(kinds, name="payments")]
    read = read_table(InputTable(tables, options), "events")
    assert read.good["account_id"].tolist() == ["a", "b", "z"]
    assert read.good["kind"].tolist() == ["login", "login", "pay"]
    assert read.rejected[["table", "row"]].to_numpy().tolist() == [["payments", 1]]
    assert read.notes.count("all events of logins have the kind 'login'") == 1


def test_one_id_of_two_kinds_is_refused_where_tables_have_kinds() -> None:
    frame = pd.DataFrame({"event_id": ["1", "2"], "account_id": "a", "occurred_at": "2026-05-01"})
    tables = [InputTable(frame, name="payments"), InputTable(frame[:1], name="logins")]
    with refused(SchemaError, "event_id"):
        read_table(InputTable(tables, ReadOptions(kinds={"payments": "pay", "logins": "login"})), "events")
    assert (
        len(read_table(InputTable(tables, ReadOptions(kinds={"payments": "pay", "logins": "pay"})), "events").good) == 2
    )
    assert len(read_table(tables, "events").good) == 2


def test_records_may_be_as_in_any_of_the_tables() -> None:
    columns = {"account_id": "customer", "logins.account_id": "user", "logins.event_id": "login_id"}
    given = given_fields({"recipe": {"data": {"columns": columns, "kinds": {"payments": "", "logins": "login"}}}})
    assert given["events"].read({"user": "u", "login_id": "7"}) == {"account_id": "u", "event_id": "7"}
    assert given["events"].read({"customer": "c"}) == {"account_id": "c"}
    assert given["messages"].names == {"customer": ("account_id",)}


def test_a_recipe_has_several_tables_of_events(tmp_path: Path) -> None:
    lines = (
        'events = ["payments.csv", "logins.csv"]',
        'columns = { "logins.account_id" = "user" }',
        'kinds = { logins = "in" }',
    )
    (tmp_path / "recipe.toml").write_text("[data]\n" + "\n".join(lines))
    data = Recipe.read(tmp_path / "recipe.toml", ReadingOptions(kind=["logins=login"]).overrides()).data
    assert (data.events, data.kinds) == (["payments.csv", "logins.csv"], {"logins": "login"})
