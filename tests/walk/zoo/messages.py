"""Messages: SMS, chats and e-mails, in the encodings and formats that people export."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fraudsieve.training.simulation import simulate
from tests.walk.table import TableFiles, UserTable, json_records
from tests.walk.zoo.files import Layout, write_files, write_frame

__all__ = ["MESSAGES"]

DAYS = 60
BY_CHANNEL = ("--threshold-by", "channel")
TYPES = {
    "legitimate": "legitimate",
    "spam": "spam",
    "drug_trade": "illegal_trade",
    "illegal_gambling": "illegal_trade",
    "personal_data_trade": "illegal_trade",
}
"""The labels of the chat by those of the simulation; all others are scams."""


def make_messages(seed: int, n: int, *, is_ascii: bool = False) -> tuple[np.random.Generator, pd.DataFrame]:
    """Return simulated messages in order of time, and a generator for further columns.

    The columns are ``fraud``, ``type`` (the label), ``time``, ``sender`` (a number) and ``text``. About half of the
    texts of the simulation are ASCII.
    """
    world = simulate(
        seed=seed,
        days=DAYS,
        n_accounts=200,
        messages_per_day=n / DAYS * (2 if is_ascii else 1),
        fraud_share=0.2,
        missing_labels=0.0,
        wrong_labels=0.0,
    )
    messages = world.messages.sort_values(["sent_at", "message_id"], ignore_index=True)
    if is_ascii:
        messages = messages[messages["text"].map(str.isascii)].reset_index(drop=True)
    label = messages["message_id"].map(world.labels.set_index("subject_id")["label"])
    made = pd.DataFrame({"fraud": label.ne("legitimate"), "type": label, "text": messages["text"]})
    made["time"] = messages["sent_at"].dt.tz_localize(None).dt.floor("s")
    made["sender"] = pd.factorize(messages["account_id"])[0]
    return np.random.default_rng(seed), made


def sms_gb18030(folder: Path) -> TableFiles:
    """Write Chinese SMS in GB18030, with Chinese headers and labels, as Excel in China saves a CSV."""
    _, made = make_messages(51, 900)
    frame = pd.DataFrame(
        {
            "编号": made.index,
            "短信内容": made["text"],
            "接收时间": made["time"].dt.strftime("%Y/%m/%d %H:%M:%S"),
            "标签": np.where(made["fraud"], "诈骗", "正常"),
        }
    )
    names = {"message_id": "编号", "text": "短信内容", "sent_at": "接收时间", "label": "标签"}
    layout = Layout("messages", ".csv", names, ("标签",), write={"encoding": "gb18030"})
    return write_files(folder, frame, layout)


def spam_latin1(folder: Path) -> TableFiles:
    """Write SMS as the best-known collection of spam: Latin-1, v1 and v2, and empty columns without a name."""
    _, made = make_messages(52, 800, is_ascii=True)
    text = made["text"].str.replace("$", "£", regex=False)
    frame = pd.DataFrame({"v1": np.where(made["fraud"], "spam", "ham"), "v2": text})
    frame = frame.assign(a=None, b=None, c=None).set_axis(["v1", "v2", "", " ", "Unnamed: 4"], axis=1)
    names, reading = {"text": "v2", "label": "v1"}, ("--encoding", "cp1252")
    layout = Layout("messages", ".csv", names, ("v1",), reading=reading, write={"encoding": "latin-1"})
    return write_files(folder, frame, layout)


def chat(folder: Path) -> TableFiles:
    """Write a chat as JSON Lines: an account, reactions that are a list, types of fraud, and thresholds by channel."""
    rng, made = make_messages(53, 1200)
    frame = pd.DataFrame(
        {
            "message_id": [f"m-{number}" for number in made.index],
            "account_id": made["sender"].map("u{}".format),
            "text": made["text"],
            "sent_at": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "channel": rng.choice(["direct", "group"], len(made)),
            "reactions": [["like"] * count for count in rng.integers(0, 3, len(made))],
            "label": made["type"].map(lambda name: TYPES.get(name, "scam")),
        }
    )
    return write_files(folder, frame, Layout("messages", ".jsonl", {}, ("label",), train_options=BY_CHANNEL))


def chat_nested(folder: Path) -> TableFiles:
    """Write a chat whose text and sender are in objects, as messengers export it; the service sends them flat."""
    _, made = make_messages(54, 600)
    frame = pd.DataFrame(
        {
            "id": made.index,
            "from": [{"id": int(code), "name": f"User {code}"} for code in made["sender"]],
            "message": [{"text": text, "entities": []} for text in made["text"]],
            "date": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "spam": made["fraud"],
        }
    )
    names = {"message_id": "id", "account_id": "from.id", "text": "message.text", "sent_at": "date", "label": "spam"}
    files = write_files(folder, frame, Layout("messages", ".jsonl", names, ("spam",)))
    flat = frame[["id", "date"]].assign(account_id=made["sender"], text=made["text"]).tail(len(files.records))
    return replace(files, records=json_records(flat.rename(columns={"id": "message_id", "date": "sent_at"})))


def emails(folder: Path) -> TableFiles:
    """Write e-mails: subject and body, thousands of characters with line ends and quotes, one of 150,000 characters."""
    rng, made = make_messages(55, 600)
    usual = made["text"][~made["fraud"]].to_numpy()
    bodies = [
        "\n".join(['Dear "customer",', *rng.choice(usual, size), *[text] * 3, *rng.choice(usual, size), "Regards; Sam"])
        for text, size in zip(made["text"], rng.integers(2, 30, len(made)), strict=True)
    ]
    for row in (100, len(bodies) - 5):  # one to train on, and one to score
        bodies[row] = (bodies[row] + "\n") * (150_000 // len(bodies[row]))
    frame = pd.DataFrame(
        {
            "Message-ID": [f"<{number}.{number * 7919}@mail.example>" for number in made.index],
            "From": made["sender"].map("user{}@mail.example".format),
            "Date": made["time"].dt.strftime("%Y-%m-%d %H:%M:%S+02:00"),
            "Subject": np.where(rng.random(len(made)) < 0.5, "Re: your order", "Hello, again"),
            "Body": bodies,
            "Label": np.where(made["fraud"], "Phishing Email", "Safe Email"),
        }
    )
    names = {"message_id": "Message-ID", "account_id": "From", "sent_at": "Date", "text": "Body", "label": "Label"}
    layout = Layout("messages", ".csv", names, ("Label",), train_options=("--legitimate", "Safe Email"))
    return write_files(folder, frame, layout)


def marketplace(folder: Path) -> TableFiles:
    """Write messages with the history of their senders: a table of events without a kind, in other formats."""
    rng, made = make_messages(56, 900)
    frame = pd.DataFrame(
        {
            "message_id": made.index + 1,
            "account_id": made["sender"].map("seller-{}".format),
            "recipient_id": [f"buyer-{code}" for code in rng.integers(0, 300, len(made))],
            "text": made["text"],
            "sent_at": made["time"].astype("datetime64[ms]").astype("int64"),
            "label": made["fraud"].astype(int),
        }
    )
    files = write_files(folder, frame, Layout("messages", ".jsonl", {}, ("label",)))
    listings = pd.DataFrame(
        {
            "account_id": made["sender"].map("seller-{}".format),
            "occurred_at": made["time"] - pd.to_timedelta(rng.integers(60, 90_000, len(made)), unit="s"),
            "amount": (rng.lognormal(3, 1, len(made)) * (1 + made["fraud"])).round(2),
            "device_id": rng.integers(0, 150, len(made)),
        }
    ).sort_values("occurred_at", ignore_index=True)
    recent = listings.iloc[-200:-30]
    write_frame(listings, folder / "listings.parquet")
    write_frame(recent, folder / "recent.parquet")
    return replace(
        files,
        train={**files.train, "events": folder / "listings.parquet"},
        later={**files.later, "events": folder / "listings.parquet"},
        history={"events": folder / "recent.parquet"},
        events=json_records(recent),
    )


MESSAGES = (
    UserTable("sms_gb18030", "message", sms_gb18030, on_spark=True),
    UserTable("spam_latin1", "message", spam_latin1),
    UserTable("chat", "message", chat),
    UserTable("chat_nested", "message", chat_nested),
    UserTable("emails", "message", emails),
    UserTable("marketplace", "message", marketplace, has_history=True),
)
