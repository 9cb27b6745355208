"""Texts that MLflow shows on the pages of a run and of a registered model, in Markdown."""

from typing import Final

import mlflow

__all__ = ["ABANDONED", "IN_PROGRESS", "KILLED", "describe_failure", "describe_once"]

IN_PROGRESS: Final = "In progress."
KILLED: Final = "Stopped before it was finished."
ABANDONED: Final = "Its process is gone: it was killed, or the machine stopped."


def describe_failure(error: Exception) -> str:
    """Return the description of a failed run. It has the type of the error, not its text, which may quote a record.

    Examples
    --------
    >>> describe_failure(ValueError("secret"))
    'Failed with `ValueError`. The output of the command says why, and what to do.'
    """
    return f"Failed with `{type(error).__name__}`. The output of the command says why, and what to do."


def describe_once(client: mlflow.MlflowClient, name: str) -> None:
    """Describe a registered model, unless it has a description: what its aliases are, and the commands for them."""
    if not client.get_registered_model(name).description:
        client.update_registered_model(name, _registered_model(name))


def _registered_model(name: str) -> str:
    return "\n".join(
        [
            "Models that fraudsieve trained. `champion` is the version in use, `challenger` the newest one.",
            "",
            f"- compare them on later records: `fraudsieve compare --name {name}`",
            f"- make the challenger champion if it is better: `fraudsieve promote --name {name}`",
            f"- undo that: `fraudsieve rollback --name {name}`",
            f"- score records: `fraudsieve predict --model models:/{name}@champion`",
        ]
    )
