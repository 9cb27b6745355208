"""``fraudsieve serve``."""

import logging
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from fraudsieve.cli.console import exit_on_error
from fraudsieve.cli.options import Json, ModelOption
from fraudsieve.exceptions import ServiceError

__all__ = ["serve_command"]


def serve_command(
    model: ModelOption,
    state: Annotated[
        Path | None, typer.Option(help="Folder that stores the event history; without it, the history is lost on exit.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 for any free port.", min=0, max=65535)] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must send; by default FRAUDSIEVE_TOKEN.")
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Allow other machines to call without a token.")] = False,
    lateness: Annotated[str, typer.Option(help="How late an event may arrive.")] = "1d",
    threads: Annotated[int | None, typer.Option(help="Threads that score; by default one per core.", min=1)] = None,
    max_body: Annotated[int, typer.Option(help="Largest request body in bytes.", min=1)] = 1 << 20,
    max_records: Annotated[int, typer.Option(help="Records per request.", min=1)] = 1000,
    max_requests: Annotated[int, typer.Option(help="Requests in progress; further ones are answered 503.", min=1)] = 64,
    body_seconds: Annotated[float, typer.Option(help="Seconds that a request may take to arrive.", min=0.1)] = 10.0,
    watch_seconds: Annotated[float, typer.Option(help="Seconds between checks of a registry alias.", min=0.1)] = 30.0,
    grace_seconds: Annotated[float, typer.Option(help="Seconds that requests may take to finish on shutdown.")] = 30.0,
    json: Json = False,
) -> None:
    """Serve a model over HTTP until it is stopped (POSIX only). It logs JSON lines to standard error."""
    with exit_on_error(as_json=json):
        create_app, run, listen = _import_service()
        from fraudsieve.models.predict import Scorer
        from fraudsieve.models.service.json_log import configure_json_logging, log_event
        from fraudsieve.models.service.settings import Settings, check_exposure, read_token

        token = read_token(token_file)
        check_exposure(host, token, is_open=open)
        configure_json_logging()
        if token is None:
            clients = "every machine that can reach it" if open else "all users of this machine"
            log_event(f"no token is set: the service accepts requests from {clients}", level=logging.WARNING)
        folder, digest, version = _find(model)
        settings = Settings(
            token=token,
            is_open=open,
            address=model,
            version=version,
            state=state,
            lateness=lateness,
            max_body=max_body,
            max_records=max_records,
            max_requests=max_requests,
            threads=threads,
            body_seconds=body_seconds,
            watch_seconds=watch_seconds,
            grace_seconds=grace_seconds,
        )
        listener = listen(host, port)
        run(create_app(Scorer.load(folder, digest=digest), settings), settings, listener)


def _import_service() -> tuple[Any, Any, Any]:
    from fraudsieve.models.service.settings import check_platform

    check_platform()
    try:
        from fraudsieve.models.service.app import create_app
        from fraudsieve.models.service.server import listen, run
    except ModuleNotFoundError as error:
        fix = "Install it: pip install 'fraudsieve[serve]'."
        package = (error.name or "a package").partition(".")[0]
        raise ServiceError("fraudsieve serve", f"{package} is not installed", fix) from None
    return create_app, run, listen


def _find(model: str) -> tuple[Path, str | None, str | None]:
    """Return the model folder, the digest that it must have, and the registered version."""
    if (Path(model) / "manifest.json").is_file():
        return Path(model), None, None  # MLflow is not needed
    # Standard error holds JSON lines only: neither MLflow's own log format nor its progress bars.
    os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        from fraudsieve.models.flavor import logged_digest, model_folder, resolve_version
    except ModuleNotFoundError as error:
        fix = "Install it: pip install 'fraudsieve[train,serve]', or pass a model folder."
        raise ServiceError(model, f"{error.name} is not installed", fix) from None
    version = None
    if model.startswith("models:/"):
        # The alias is resolved once, so that the version shown is the one that is loaded.
        version = resolve_version(model)
        model = f"{model.partition('@')[0]}/{version}" if "@" in model else model
    folder = model_folder(model)
    return folder, logged_digest(folder), version
