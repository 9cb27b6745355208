"""The model that the gates judge: that of the split, if the challenger was trained again on all mature rows."""

from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.after_training import trained_until
from fraudsieve.training.tracking.registry import Registry

__all__ = ["evaluated_model"]


def evaluated_model(registry: Registry, version: str, challenger: Scorer) -> tuple[Scorer, list[str]]:
    """Return the model to compare with the champion.

    A refitted challenger has seen nearly all labelled records, so it could only be evaluated weeks later. The model of
    its split has the same settings and has not seen the test slice.
    """
    training = challenger.model.training
    folder = registry.split_model_folder(version) if training.get("refit") else None
    if folder is None:
        return challenger, []
    scorer = Scorer.load(folder, digest=training["split_model"]["digest"])
    own, split = trained_until(challenger.model), trained_until(scorer.model)
    times = "" if own is None or split is None else f" ({own.isoformat()}, the model of the split {split.isoformat()})"
    return scorer, [
        f"the challenger was trained again on later records{times}: compared is the model of its split, with the same "
        "settings. Its metrics are not those of the model that is promoted"
    ]
