"""What a training run reads from the champion: the labels that it chose, and the order of events at one time."""

from pathlib import Path

from fraudsieve._translation import tr
from fraudsieve.exceptions import FraudsieveError
from fraudsieve.models.artifact.folder import read_model
from fraudsieve.models.batch.scored_tables import options_of_model
from fraudsieve.models.predict import Scorer
from fraudsieve.training.data.after_training import rows_after_training
from fraudsieve.training.data.labelled import LabelledData
from fraudsieve.training.evaluation.label_selection import LabelSelection, label_selection
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.tracking.registry import Registry
from fraudsieve.training.tracking.store import tracking_uri
from fraudsieve.training.tracking.tracked_run import CHAMPION


def champion_selection(data: LabelledData, recipe: Recipe) -> LabelSelection | None:
    """Compare how often the champion flags records of a training run with and without a label.

    Only records later than its training count. None if it cannot be known: there is no champion that can score these
    records as they were read, or no later record.
    """
    try:
        folder = _champion(recipe)
        if folder is None or not _reads_alike(champion := Scorer.load(folder), data, recipe):
            return None
        rows = rows_after_training(data, [champion.model]).rows
        return label_selection(champion, data, rows, by=tr(" by the champion"))
    except FraudsieveError:
        return None  # a champion that cannot be loaded, or needs other tables, says nothing about labels


def champion_order_key(recipe: Recipe) -> str:
    """Return the `History.order_key` of the champion's views, or an empty string.

    With the same key and views, a service that uses the champion needs no restart for the new model.
    """
    try:
        folder = _champion(recipe)
        views = () if folder is None else read_model(folder).matrix.history_declaration.histories
    except FraudsieveError:
        return ""
    return next((view.order_key for view in views), "")


def _champion(recipe: Recipe) -> Path | None:
    """Return the folder of the champion; None without one, and in a training that is not tracked."""
    if not recipe.track.enabled:
        return None
    registry = Registry(tracking_uri(recipe.track.uri), recipe.name)
    version = registry.aliases().get(CHAMPION)
    return None if version is None else registry.folder(version)


def _reads_alike(champion: Scorer, data: LabelledData, recipe: Recipe) -> bool:
    """Return whether a champion scores such records, under the same names of columns."""
    model = champion.model
    return (
        model.subject == data.subject
        and model.legitimate == data.legitimate
        and options_of_model(model).columns == recipe.data.columns
    )
