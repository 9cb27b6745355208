"""``fraudsieve compare``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .console import answer, exit_on_error, notes, steps
from .options import Accounts, Events, Json, Labels, Messages, Name
from .tables import comparison_rows, gate_rows

__all__ = ["compare"]


def compare(
    champion: Annotated[
        str | None, typer.Option(help="A model folder or an address; by default models:/NAME@champion.")
    ] = None,
    challenger: Annotated[
        str | None, typer.Option(help="A model folder or an address; by default models:/NAME@challenger.")
    ] = None,
    name: Name = None,
    messages: Messages = None,
    accounts: Accounts = None,
    events: Events = None,
    labels: Labels = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A TOML file; its sections [evaluate] and [gates] say what is looked at.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare two models on the same later records, and say whether the gates would let the challenger pass."""
    with exit_on_error(as_json=json), steps(quiet=json) as say:
        say("loading the models")
        from fraudsieve.models.flavor import model_folder
        from fraudsieve.models.predict import Scorer
        from fraudsieve.training.promotion.compare import check_comparable, compare_models, read_to_compare
        from fraudsieve.training.promotion.gates import judge
        from fraudsieve.training.recipe.recipe import Recipe
        from fraudsieve.training.tracking.run import tracking_uri, use_store

        read = Recipe.read(recipe, {"name": name})
        use_store(tracking_uri(read.track.uri))
        addresses = [champion or f"models:/{read.name}@champion", challenger or f"models:/{read.name}@challenger"]
        old, new = (Scorer.load(model_folder(address)) for address in addresses)
        check_comparable(old.model, new.model)
        say("reading")
        tables = {"messages": messages, "accounts": accounts, "events": events, "labels": labels}
        data = read_to_compare(read, new.model.subject, tables)
        comparison = compare_models(old, new, data, settings=read.evaluate, progress=say)
        gates = judge(comparison, read.gates)
    notes((*data.notes, *comparison["warnings"]))
    passes = all(gate.passed for gate in gates)
    verdict = "would be promoted" if passes else "would be refused"
    rows = [*comparison_rows(comparison), *gate_rows(gates), ("the challenger", verdict)]
    content = comparison | {"addresses": addresses, "gates": [asdict(gate) for gate in gates], "passes": passes}
    answer(content, as_json=json, title=f"{addresses[0]} against {addresses[1]}", rows=rows)
