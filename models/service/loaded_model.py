"""A model as it is served: loaded for many threads, warm, and told apart from one that cannot follow it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fraudsieve.exceptions import ArtifactError
from fraudsieve.features.live_state import HistoryState
from fraudsieve.models.artifact.folder import Model
from fraudsieve.models.predict import Scorer
from fraudsieve.models.scoring.fields import FIELD_TYPES

__all__ = ["PARTS", "LoadedModel", "record_fields", "sample_record", "warm_up", "why_incompatible"]

PARTS = ("events", "labels", "account_labels", "messages")
"""What the live history takes."""
SAMPLE = "Your parcel is held: pay the fee at http://parcel.example or call 13800000000. 您的账户异常，请点击链接。"


@dataclass(frozen=True)
class LoadedModel:
    """A model in use.

    Parameters
    ----------
    scorer : Scorer
        It scores with one thread a call.
    version : str, default=None
        The registered version; None for a folder.
    """

    scorer: Scorer
    version: str | None = None


def record_fields(model: Model) -> list[dict[str, Any]]:
    """Return the fields that a record of a model has.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    list of dict
        ``name``, ``type`` and ``required``: without a required field a record is unscorable.
    """
    return [
        {"name": field.name, "type": FIELD_TYPES[field.kind], "required": field.required}
        for field in model.matrix.fields
        if field.instead_of is None
    ]


def sample_record(model: Model, moment: datetime) -> dict[str, Any]:
    """Make a record that a model can score.

    Parameters
    ----------
    model : Model
        The model.
    moment : datetime
        Its time.

    Returns
    -------
    dict
    """
    values = {"string": "sample", "time": moment.isoformat()}
    record = {field["name"]: values.get(field["type"]) for field in record_fields(model)}
    return record | ({"text": SAMPLE} if "text" in record else {})


def warm_up(scorer: Scorer) -> None:
    """Score samples, so that all is compiled and read before the first record comes.

    Parameters
    ----------
    scorer : Scorer
        The scorer.

    Raises
    ------
    ArtifactError
        When it does not score a sample.
    """
    moment = datetime.now(UTC)
    state = _sample_state(scorer, moment)
    record = sample_record(scorer.model, moment)
    for records in ([record], [record] * 3):
        for reasons in (False, True):
            scores = scorer.score(records, history=state, reasons=reasons)
    if scores[0]["status"] == "unscorable":
        problem = f"does not score a sample record ({scores[0]['why']})"
        raise ArtifactError(f"model {scorer.model.name}", problem, "Train it again.")


def _sample_state(scorer: Scorer, moment: datetime) -> HistoryState:
    state = scorer.new_state()
    fields = {name for history in state.histories for name in history.fields}
    event = dict.fromkeys(fields | {"account_id", "kind"}, "sample") | {"amount": 1.0}
    times = [(moment - timedelta(minutes=minutes)).isoformat() for minutes in (3, 2, 1)]
    state.update([event | {"occurred_at": time} for time in times])
    scorer.observe(state, [{"text": SAMPLE, "account_id": "sample", "sent_at": time} for time in times])
    return state


def why_incompatible(old: Model, new: Model) -> str | None:
    """Say why a model cannot take the place of another while a service runs.

    Parameters
    ----------
    old, new : Model
        The model in use, and the one that should follow it.

    Returns
    -------
    str or None
        None when it can.
    """
    if old.subject != new.subject:
        return f"it scores {new.subject}s, and the service scores {old.subject}s"
    if (old.legitimate is None) != (new.legitimate is None):
        return "of the two models one gives a probability of fraud, and the other does not"
    if old.matrix.history_declaration != new.matrix.history_declaration:
        return "it looks at another history than the one that the service holds; start the service again with it"
    return None
