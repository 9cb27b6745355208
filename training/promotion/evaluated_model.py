"""The model that gates are applied to: the evaluated one, if the challenger was trained again on all mature rows."""

from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.after_training import trained_until
from fraudsieve.training.tracking.registry import Registry

__all__ = ["evaluated_model"]


def evaluated_model(registry: Registry, version: str, challenger: Scorer) -> tuple[Scorer, list[str]]:
    """Return the model to compare with the champion.

    A shipped model has seen nearly all labelled records, so it could only be evaluated weeks later. The evaluated model
    of its run has the same settings and has not seen the test slice.
    """
    training = challenger.model.training
    folder = registry.split_model_folder(version) if training.get("refit") else None
    if folder is None:
        return challenger, []
    scorer = Scorer.load(folder, digest=training["split_model"]["digest"])
    shipped_until, evaluated_until = trained_until(challenger.model), trained_until(scorer.model)
    times = ""
    if shipped_until is not None and evaluated_until is not None:
        times = f" ({shipped_until.isoformat()}, its evaluated model {evaluated_until.isoformat()})"
    return scorer, [
        f"the challenger was trained again on later records{times}: its evaluated model, with the same settings, "
        "is compared. The metrics are not those of the model that is promoted"
    ]
