"""The command line: the commands by name."""

import atexit
import gc
import os
import sys
from collections.abc import Callable
from typing import Annotated, Final

from fraudsieve._command import remember_command

COLLECTOR_THRESHOLD = 50_000
"""New objects between two collections of garbage; Python's default is 700."""

MLFLOW_SETTINGS: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Settings of MLflow, unless the user sets them.

By itself, it waits twenty minutes for a server that falls silent. Commands say what they do, and print the address of a
run."""

try:
    import typer

    from fraudsieve.cli.commands.evaluate import rollback_command
    from fraudsieve.cli.commands.state import scores_app
    from fraudsieve.cli.commands.train import simulate_command

    from .commands.cases import cases_command, evidence_app, lead_app
    from .commands.evaluate import evaluate_command, monitor_command, promote_command, rehearse_command
    from .commands.serve import predict_command, serve_command, verify_command
    from .commands.state import review_app, state_app
    from .commands.train import (
        features_command,
        quickstart_command,
        recalibrate_command,
        retrain_command,
        train_command,
    )
    from .console import Answer
    from .options import Command, subcommand, with_groups
except ModuleNotFoundError as error:  # the base installation scores, and has no command line
    sys.exit(f"fraudsieve: {error.name} is not installed. The command line needs: pip install 'fraudsieve[train]'")

app = typer.Typer(
    name="fraudsieve",
    help="Train fraud models on labelled messages and account histories. Evaluate, score and serve them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, which may hold messages
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        import fraudsieve

        typer.echo(fraudsieve.__version__)
        raise typer.Exit


COMMANDS: dict[str, Callable[..., Answer]] = {
    "quickstart": quickstart_command,
    "simulate": simulate_command,
    "train": train_command,
    "features": features_command,
    "evaluate": evaluate_command,
    "predict": predict_command,
    "cases": cases_command,
    "monitor": monitor_command,
    "rehearse": rehearse_command,
    "recalibrate": recalibrate_command,
    "promote": promote_command,
    "rollback": rollback_command,
    "retrain": retrain_command,
    "verify": verify_command,
}
for name, command in COMMANDS.items():
    subcommand(app, name)(command)
app.command("serve", cls=Command)(with_groups(serve_command))
app.add_typer(state_app)
app.add_typer(scores_app)
app.add_typer(review_app)
app.add_typer(evidence_app)
app.add_typer(lead_app)


def main() -> None:
    """Run the command line."""
    remember_command(sys.argv[1:])
    # Libraries make hundreds of thousands of objects that stay. The collector would walk through them every few
    # thousand objects, and again at the end: half of the time of a short command.
    gc.set_threshold(COLLECTOR_THRESHOLD)
    atexit.register(gc.freeze)
    for name, value in MLFLOW_SETTINGS.items():
        os.environ.setdefault(name, value)
    app()
