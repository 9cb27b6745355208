"""Messages: SMS, chats and e-mails, in the encodings and formats that people export."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from tests.walk.table import TableFiles, UserTable, json_records
from tests.walk.zoo.files import LATER_ISSUE, Layout, write_files, write_frame
from tests.walk.zoo.sentences import make_messages

__all__ = ["MESSAGES"]



def sms_gb18030(folder: Path) -> TableFiles:
    """Write Chinese SMS in GB18030, with Chinese headers and labels, as Excel in China saves a CSV."""
    _, made = make_messages(51, 900, "zh")
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
    return write_files(folder, frame, layout, made["time"])


def spam_latin1(folder: Path) -> TableFiles:
    """Write SMS as the best-known collection of spam: Latin-1, v1 and v2, and empty columns without a name."""
    rng, made = make_messages(52, 900)
    pound = made["text"].str.replace("pounds", "£", regex=False)
    frame = pd.DataFrame({"v1": np.where(made["fraud"], "spam", "ham"), "v2": pound})
    frame = frame.assign(a=None, b=None, c=None).set_axis(["v1", "v2", "", " ", "Unnamed: 4"], axis=1)
    frame["v2"] += np.where(rng.random(len(frame)) < 0.2, " é", "")
    layout = Layout("messages", ".csv", {"text": "v2", "label": "v1"}, ("v1",), write={"encoding": "latin-1"})
    return write_files(folder, frame, layout)


def chat(folder: Path) -> TableFiles:
    """Write a chat as JSON Lines: an account, a channel, reactions that are a list, and several types of fraud."""
    rng, made = make_messages(53, 900, share=0.25)
    types = np.array(["phishing", "romance_scam"])
    frame = pd.DataFrame(
        {
            "message_id": [f"m-{number}" for number in made.index],
            "account_id": made["sender"].map("u{}".format),
            "text": made["text"],
            "sent_at": made["time"].dt.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "channel": rng.choice(["direct", "group"], len(made)),
            "reactions": [["like"] * count for count in rng.integers(0, 3, len(made))],
            "label": np.where(made["fraud"], types[made["text"].str.contains("http").astype(int)], "legitimate"),
        }
    )
    return write_files(folder, frame, Layout("messages", ".jsonl", {}, ("label",)))


def chat_nested(folder: Path) -> TableFiles:
    """Write a chat whose sender is an object, as messengers export it."""
    _, made = make_messages(54, 600)
    frame = pd.DataFrame(
        {
            "id": made.index,
            "from": [{"id": int(code), "name": f"User {code}"} for code in made["sender"]],
            "text": made["text"],
            "date": made["time"].astype("datetime64[s]").astype("int64"),
            "spam": made["fraud"],
        }
    )
    names = {"message_id": "id", "account_id": "from.id", "sent_at": "date", "label": "spam"}
    return write_files(folder, frame, Layout("messages", ".jsonl", names, ("spam",)))


def emails(folder: Path) -> TableFiles:
    """Write e-mails: subject and body, thousands of characters with line ends and quotes, one of 150,000 characters."""
    rng, made = make_messages(55, 600)
    other = made["text"].to_numpy()
    usual = other[~made["fraud"].to_numpy()]
    bodies = [
        "\n".join(['Dear "customer",', *rng.choice(usual, size), text, *rng.choice(usual, size), "", "Regards; Sam"])
        for text, size in zip(other, rng.integers(2, 30, len(made)), strict=True)
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
    files = write_files(folder, frame, Layout("messages", ".jsonl", {}, ("label",)), made["time"])
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
    UserTable("chat_nested", "message", chat_nested, later_issue={"train": LATER_ISSUE}),
    UserTable("emails", "message", emails),
    UserTable("marketplace", "message", marketplace, has_history=True),
)
