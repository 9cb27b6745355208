"""Train the recipe of a model again, compare the result with the champion, and promote it or say why not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fraudsieve._typing import JsonObject, Progress
from fraudsieve.exceptions import RecipeError
from fraudsieve.models.artifact.model_address import is_mlflow_address, model_folder
from fraudsieve.models.batch.scored_tables import label_reader
from fraudsieve.tables.source import Source
from fraudsieve.training.fit import Trained, train
from fraudsieve.training.json_types import to_json_types
from fraudsieve.training.output import check_model_output, claiming
from fraudsieve.training.promotion.decision import promote as promote_challenger
from fraudsieve.training.promotion.gates import Gate
from fraudsieve.training.promotion.model_comparison import ModelComparison
from fraudsieve.training.refit import split_model_folder
from fraudsieve.training.tracking.tracked_run import CHAMPION

from .retraining_plan import Preparation, RetrainPlan, prepare_retraining

Outcome: TypeAlias = Literal["promoted", "refused", "compared", "nothing new"]
MAIN_FIGURES = (
    "rows",
    "base_rate",
    "average_precision",
    "recall_at_capacity",
    "precision_at_capacity",
    "roc_auc",
    "ece",
    "macro_f1",
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Retrained:
    """Result of `retrain`.

    Parameters
    ----------
    plan : RetrainPlan
        What was there at the beginning, and what was to be done.
    outcome : {"promoted", "refused", "compared", "nothing new"}
        What became of it; ``compared`` if it was not to be promoted.
    champion : str or None
        Address of the current champion; None if there is none.
    version : str, default=None
        Address of the new model; None if there is nothing new.
    trained : Trained, default=None
        The training; None if an equal model was registered already.
    evaluation : mapping, optional
        The main metrics on the test slice of the training, which is the newest in a split by time.
    comparison : ModelComparison, default=None
        The new model and the champion on the same records.
    gates : tuple of Gate, default=()
    reasons : tuple of str, default=()
        Why it was promoted, refused, or not trained.
    notes : tuple of str, default=()
        Notes for the user.
    first : str, default=None
        Address under which the model that was given was registered as the first champion; None if there was one.
    """

    plan: RetrainPlan
    outcome: Outcome
    champion: str | None
    version: str | None = None
    trained: Trained | None = None
    evaluation: Mapping[str, Any] | None = None
    comparison: ModelComparison | None = None
    gates: tuple[Gate, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    first: str | None = None

    @property
    def what_to_do(self) -> str:
        """What to do next, in a sentence."""
        if self.outcome == "promoted" and self.plan.needs_restart:
            return "Restart the services that follow the alias champion: they hold another history."
        if self.outcome == "promoted":
            return "Services that follow the alias champion switch to it; others are started with its address."
        if self.outcome == "nothing new":
            return "Run it again when there are later records with labels."
        if self.outcome == "compared" and all(gate.passed for gate in self.gates):
            return "Run it again without --no-promote: the model is not trained again."
        return (
            "Check the labels and the tables that are new, and correct them. If the model is right nevertheless, "
            "promote it by hand: promote --force --reason TEXT."
        )

    def to_dict(self) -> JsonObject:
        """Return the result, without its notes, as plain JSON types.

        Returns
        -------
        dict
        """
        comparison = self.comparison
        content = {
            "outcome": self.outcome,
            "promoted": self.outcome == "promoted",
            "champion": self.champion,
            "version": self.version,
            "first_champion": self.first,
            "trained": self.trained is not None,
            "folder": None if self.trained is None else str(self.trained.folder),
            "digest": None if self.trained is None else self.trained.model.digest,
            "plan": self.plan,
            "evaluation": self.evaluation,
            "comparison": None
            if comparison is None
            else {"text": " ".join(comparison.sentences), **asdict(comparison)},
            "gates": [asdict(gate) for gate in self.gates],
            "reasons": self.reasons,
            "what_to_do": self.what_to_do,
        }
        return {name: to_json_types(value) for name, value in content.items()}


def retrain(
    model: str | Path,
    *,
    messages: "Source | None" = None,
    accounts: "Source | None" = None,
    events: "Source | None" = None,
    labels: "Source | None" = None,
    state: str | Path | None = None,
    output: str | Path = "fraudsieve-retrained",
    overwrite: bool = False,
    promote: bool = True,
    changes: Mapping[str, Any] | None = None,
    progress: "Progress | None" = None,
) -> Retrained:
    """Train the recipe of a model on later tables, compare the result with the champion, and promote it or refuse it.

    The recipe, the names of columns and the meaning of labels are those of the model. Nothing is trained if the
    champion has learned from all that is mature, or if an equal challenger is registered already.

    Parameters
    ----------
    model : str or Path
        A model folder, or an address such as ``models:/NAME@champion``. Without a champion of its name, it becomes the
        first one, and the new model must be as good as it.
    messages, accounts, events, labels : path or DataFrame, default=None
        All records and labels that there are, earlier ones too, as for `train`.
    state : str or Path, default=None
        The event store of a service: a file such as ``live.db``, or an address of PostgreSQL. Its events, labels and
        logged records are read first. A row of a table that is given too replaces that with its id; labels of both
        count.
    output : str or Path, default="fraudsieve-retrained"
        The model folder to write.
    overwrite : bool, default=False
        Whether to replace a model folder of that name.
    promote : bool, default=True
        Whether the new model becomes champion if it passes the gates; otherwise it is only compared.
    changes : mapping, default=None
        Values of the recipe by dotted key, such as ``{"data.as_of": "2026-05-01"}``; a value of None is ignored.
    progress : callable, default=None
        Called with the name of each step as it begins.

    Returns
    -------
    Retrained
        What became of it, with all figures.

    Raises
    ------
    ArtifactError
        When there is no such model, or it does not keep its recipe.
    ComparisonError
        When the models cannot be compared.
    FileExistsError
        When the folder exists and is not to be replaced, or another run is writing it.
    FileNotFoundError
        When there is no such store.
    RecipeError
        When the tables do not fit the model, or the folder to write is that of the model.
    SchemaError
        When a table cannot be used, or lacks a column that the model uses.
    SplitError
        When there is too little data.
    StateError
        When the store cannot be read, or lacks a table that is not given either.
    TrackingError
        When MLflow's store does not answer.

    Examples
    --------
    ::

        result = retrain("models:/payments@champion", events="payments.parquet", labels="labels.parquet")
        result.outcome, result.reasons, result.what_to_do
        retrain("models:/payments@champion", state="live.db")
    """
    report_step = progress or (lambda step: None)
    _check_output(model, output)
    tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
    with claiming(output):
        prepared = prepare_retraining(model, tables, state, changes or {}, report_step)
        return _retrain(model, prepared, output, report_step, overwrite=overwrite, promote=promote)


def _retrain(
    model: str | Path,
    prepared: Preparation,
    output: str | Path,
    report_step: Progress,
    *,
    overwrite: bool,
    promote: bool,
) -> Retrained:
    """Do what the plan says."""
    plan, base = prepared.plan, prepared.base
    if plan.step == "nothing":
        reasons = (plan.reason,)
        return Retrained(
            plan=plan, outcome="nothing new", champion=plan.champion, reasons=reasons, notes=prepared.notes
        )
    if plan.step == "train":
        for folder in (Path(output), split_model_folder(output)):
            check_model_output(folder, overwrite=overwrite)
    first = None
    if base.champion is None:
        report_step("registering the model as the first champion")
        first = base.registry.address(base.register(model_folder(model)))
    trained = None
    if plan.step == "train":
        trained = train(
            base.recipe,
            **prepared.inputs,
            output=output,
            overwrite=overwrite,
            reader=label_reader(base.model),
            progress=report_step,
        )
    return _judge(prepared, trained, first, report_step, promote=promote)


def _check_output(model: str | Path, output: str | Path) -> None:
    if not is_mlflow_address(model) and Path(output).resolve() == Path(model).resolve():
        problem = "expected another folder than that of the model, which stays in use if the new one is refused"
        raise RecipeError("--output", [f"{problem}; got the same. Name another one"])


def _judge(
    prepared: Preparation, trained: Trained | None, first: str | None, progress: Progress, *, promote: bool
) -> Retrained:
    """Compare the new model with the champion, and promote it or refuse it."""
    base, registry = prepared.base, prepared.base.registry
    content: JsonObject | None
    if trained is not None and trained.logged is not None:
        version, content = trained.logged.model_uri, trained.report.to_dict()
    else:
        assert base.challenger is not None  # the plan says so
        version, content = registry.address(base.challenger.number), registry.report(base.challenger.number)
    result = promote_challenger(
        base.recipe, challenger=version, **prepared.inputs, dry_run=not promote, progress=progress
    )
    comparison = result.comparison
    warnings = () if comparison is None else comparison.warnings
    notes = (*prepared.notes, *(() if trained is None else trained.notes), *result.notes, *warnings)
    return Retrained(
        plan=prepared.plan,
        outcome="compared" if not promote else "promoted" if result.promoted else "refused",
        champion=registry.address(registry.aliases()[CHAMPION]),
        version=version,
        trained=trained,
        evaluation=None if content is None else {name: content.get(name) for name in MAIN_FIGURES},
        comparison=comparison,
        gates=result.gates,
        reasons=result.reasons,
        notes=tuple(dict.fromkeys(notes)),
        first=first,
    )
