"""The command line: the commands by name."""

import sys
from typing import Annotated

__all__ = ["app", "main"]

try:
    import typer

    from .compare import compare
    from .evaluate import evaluate
    from .monitor import monitor
    from .predict import predict
    from .promote import promote
    from .quickstart import quickstart
    from .rollback import rollback
    from .serve import serve
    from .simulate import simulate
    from .train import train
    from .verify import verify
except ModuleNotFoundError as error:  # the base installation scores, and has no command line
    sys.exit(f"fraudsieve: {error.name} is not installed. The command line needs: pip install 'fraudsieve[train]'")

app = typer.Typer(
    name="fraudsieve",
    help="Labelled messages and account histories in, a fraud model out, scores back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks print local variables, and so messages
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        import fraudsieve

        typer.echo(fraudsieve.__version__)
        raise typer.Exit


for command in (
    quickstart,
    simulate,
    train,
    evaluate,
    predict,
    monitor,
    compare,
    promote,
    rollback,
    serve,
    verify,
):
    app.command()(command)


def main() -> None:
    """Run the command line."""
    app()
