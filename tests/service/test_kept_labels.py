"""Labels of a model without history: a store keeps them, and with the logged records they are what it is trained on."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fraudsieve.live.export import export_tables
from fraudsieve.live.store import open_store
from fraudsieve.service.bodies import RejectedRequest
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.training.data.builders import read_data
from fraudsieve.training.recipe.recipe import Recipe
from tests.fitted_models import Fitted
from tests.messages import refused
from tests.service.handling import handler_of, reply_of

LABEL = {"subject_id": "m1", "label": "fraud", "labelled_at": "2024-06-01T00:00:00Z"}


def ingest(handler: RequestHandler, labels: list[dict[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        handler.ingest(json.dumps({"labels": labels}).encode(), are_labels=True).content
    )
    return content


def test_labels_are_kept_and_none_of_them_is_known(binary: Fitted, tmp_path: Path) -> None:
    handler = handler_of(binary.folder, state=tmp_path / "live.db")
    wrong = LABEL | {"labelled_at": "soon"}
    answer = ingest(handler, [LABEL, wrong, LABEL | {"label": "legitimate", "labelled_at": "2024-06-02T00:00:00Z"}])
    assert (answer["accepted"], answer["unknown"]) == (2, None)
    assert [one["position"] for one in answer["rejected"]] == [1]
    with pytest.raises(RejectedRequest, match="events: the model does not use them"):
        handler.ingest(b'{"events": []}')
    reply = reply_of(handler, b'{"text": "x"}')
    assert reply.offset is None  # the score saw no history
    assert handler.describe_model()["history"]["store"] is None
    handler.close()
    again = handler_of(binary.folder, state=tmp_path / "live.db")
    assert ingest(again, [LABEL])["accepted"] == 1  # a repeat
    assert again.store is not None
    assert again.store.offset == 2
    again.close()


@pytest.mark.parametrize("score_log", ["off", "scores", "records"])
def test_it_is_logged_if_the_store_will_not_keep_texts(
    score_log: str, binary: Fitted, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    handler_of(binary.folder, state=tmp_path / "live.db", score_log=score_log).close()
    assert ("the store does not keep all that training needs" in caplog.text) == (score_log != "records")


def test_without_a_store_the_answer_says_what_to_do(binary: Fitted) -> None:
    handler = handler_of(binary.folder, state=None)
    with refused(RejectedRequest, "--state") as error:
        ingest(handler, [LABEL])
    assert error.value.status == 409


def test_logged_records_and_labels_are_the_tables_of_a_training(binary: Fitted, tmp_path: Path) -> None:
    handler, path = handler_of(binary.folder, state=tmp_path / "live.db", score_log="records"), tmp_path / "live.db"
    sent = [
        {"message_id": f"m{number}", "text": text, "sent_at": f"2024-05-0{number}T10:00:00+08:00"}
        for number, text in enumerate(binary.texts[:3], 1)
    ]
    reply_of(handler, sent[::-1], name="r1")
    review = {"source": "review", "confidence": 0.75, "inclusion_probability": 0.125}
    ingest(handler, [LABEL | review, LABEL | {"subject_id": "m2", "label": "legitimate", "source": "bank"}])
    handler.close()
    with open_store(path) as store:
        content = export_tables(store, tmp_path / "tables", binary.model)
    assert (content["messages"], content["labels"], content["not_kept"]) == (3, 2, [])
    tables = {name: str(tmp_path / "tables" / f"{name}.parquet") for name in ("messages", "labels")}
    data = read_data(Recipe.read(None, {"data.subject": "message"}), tables, min_label_rows=1)
    assert data.rows["text"].tolist() == binary.texts[:2]
    assert data.rows["as_of"].tolist() == [pd.Timestamp(f"2024-05-0{day}T02:00:00Z") for day in (1, 2)]
    assert (data.rows["label"].tolist(), data.n_unlabelled) == (["fraud", "legitimate"], 1)
    assert data.all_labels is not None
    first = data.all_labels.set_index("subject_id").loc["m1"]
    assert (first["source"], first["confidence"], first["inclusion_probability"]) == ("review", 0.75, 0.125)
    assert data.all_labels["confidence"].notna().sum() == 1
