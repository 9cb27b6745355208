"""Options that commands share, declared once: a command takes a group of options as one parameter."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer
from typer.core import TyperCommand

from fraudsieve._translation import Language
from fraudsieve.cli.console import Answer, Report, exit_on_error, steps
from fraudsieve.exceptions import EvidenceError, RecipeError

if TYPE_CHECKING:  # imported at first use: PyArrow takes time
    from fraudsieve.evidence.log import EvidenceSettings
    from fraudsieve.models.artifact.folder import Model
    from fraudsieve.models.predict import Scorer
    from fraudsieve.models.rules.rule_set import RuleSet
    from fraudsieve.tables.source import InputTable
    from fraudsieve.training.recipe.recipe import Recipe

Json = Annotated[bool, typer.Option("--json", help="Print the result as a single JSON object.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Print all metrics instead of what the model finds and what to do next.")
]
ModelOption = Annotated[str, typer.Option("--model", help="Model folder, or an address such as models:/NAME@champion.")]
Lateness = Annotated[str, typer.Option(help="How late an event may arrive, such as 1d.")]
LabelDays = Annotated[
    float, typer.Option(min=0, help="Days that an event can wait for its label: the store keeps it that long.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing model folder.")]
Track = Annotated[
    bool | None,
    typer.Option(
        "--track/--no-track", help="Whether to log the run and the model to MLflow; by default they are logged."
    ),
]
Legitimate = Annotated[str, typer.Option(help="Label of legitimate records; by default, common words are recognised.")]
Threshold = Annotated[
    float | None,
    typer.Option(help="Flag records with at least this probability; by default, the column decision is used."),
]
RECORDS = ("--messages", "--accounts", "--events")
NEAR_MISSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("--input", "--data", "--file", "--records", "--table", "--current", "--source"), RECORDS),
    **dict.fromkeys(("--past", "--history", "--previous-events"), ("--history", *RECORDS)),
    "--labels": ("--known-labels",),
    "--known-labels": ("--labels",),
    "--part": (*RECORDS, "--labels"),
    "--baseline": ("--reference",),
    **dict.fromkeys(("--text", "--text-col"), ("--text-column",)),
    **dict.fromkeys(("--columns", "--rename"), ("--column",)),
    **dict.fromkeys(("--delimiter", "--sep"), ("--separator",)),
    **dict.fromkeys(("--out", "--output-file", "--output-dir"), ("--output",)),
    **dict.fromkeys(("--config", "--settings"), ("--recipe",)),
    **dict.fromkeys(("--random-state", "--random-seed"), ("--seed",)),
    **dict.fromkeys(("--force", "--replace"), ("--overwrite",)),
    **dict.fromkeys(("--page", "--html"), ("--report",)),
}
"""Options of other commands and programs, and what they may mean here."""
Messages = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TABLE",
        help="Messages: a file (Parquet, CSV, Excel, JSON), a folder of Parquet files, a pattern such as 'week/*.csv', "
        "s3://..., or a table or query of a database: postgresql://user@host/name#sms, world.duckdb#sms. Repeat it for "
        "several tables: of two rows with one id, that of the later one counts. The same holds for every other table.",
    ),
]
Accounts = Annotated[list[str] | None, typer.Option(metavar="TABLE", help="Accounts, with their profile columns.")]
Events = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TABLE",
        help="Events, such as payments: what is scored, or else the history of accounts and of senders of messages.",
    ),
]
Labels = Annotated[
    list[str] | None, typer.Option(metavar="TABLE", help="Labels of the records, if they are not a column of them.")
]
KnownLabels = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TABLE", help="Labels known so far, with their times, for models that use labels. They set no rate."
    ),
]
History = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TABLE",
        help="Earlier records of the type that the model scores: earlier events, or, for models that use campaigns, "
        "earlier messages. The records that are scored are history of later ones anyway.",
    ),
]
Scores = Annotated[
    list[str], typer.Option(metavar="TABLE", help="Scores that predict has written. Repeat it for several files.")
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", help="Work as if it were this time (UTC): what became known later is left out."),
]
Name = Annotated[str | None, typer.Option(help="Name of the registered model; by default the name in the recipe.")]
LanguageOption = Annotated[
    Language | None,
    typer.Option(
        "--language",
        help="Language of pages and of the sentences of reasons, by default that of the recipe or English.",
    ),
]
RulesOption = Annotated[
    Path | None,
    typer.Option("--rules", help="Rules file (TOML): senders, hosts and accounts that are always flagged or passed."),
]
Group = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column whose values belong together, such as host, video or branch: splits by group keep them whole, and "
        "promises and intervals count them. It is not a feature by itself.",
    ),
]


@dataclass(frozen=True)
class EvidenceOptions:
    """The log of evidence, and what it contains."""

    evidence: Annotated[
        Path | None, typer.Option(help="Log file for evidence of every flagged score, such as evidence.jsonl.")
    ] = None
    evidence_all: Annotated[
        bool, typer.Option("--evidence-all", help="Record evidence of all scores, not only of flagged ones.")
    ] = False
    evidence_content: Annotated[
        Literal["omitted", "pseudonymised", "kept"],
        typer.Option(help="What evidence records keep of texts and identifiers."),
    ] = "omitted"
    evidence_key: Annotated[
        Path | None, typer.Option(help="File with the key for pseudonyms and digests, at least 32 characters.")
    ] = None

    def settings(self) -> "EvidenceSettings | None":
        """Return the settings of the options; None without a log."""
        if self.evidence is None:
            if self != EvidenceOptions():
                problem = "expected a file, because other options of evidence are given"
                raise EvidenceError("--evidence", problem, "Add it.")
            return None
        if self.evidence_content == "pseudonymised" and self.evidence_key is None:
            fix = "Add --evidence-key FILE; create one, for example with: openssl rand -hex 32."
            raise EvidenceError("--evidence-content", "pseudonyms need a key", fix)
        from fraudsieve.evidence.log import EvidenceSettings

        which: Literal["all", "flagged"] = "all" if self.evidence_all else "flagged"
        return EvidenceSettings(self.evidence, which, self.evidence_content, self.evidence_key)


@dataclass(frozen=True)
class RecordOptions:
    """The records of a command, by their type, and the events of accounts and senders."""

    messages: Messages = None
    accounts: Accounts = None
    events: Events = None

    def inputs(self, reading: "ReadingOptions | None" = None) -> dict[str, Any]:
        """Return the tables to read by name; None for those that were not given."""
        return {name: input_table(source, reading) for name, source in vars(self).items()}


@dataclass(frozen=True)
class TableOptions(RecordOptions):
    """Labelled records."""

    labels: Labels = None


@dataclass(frozen=True)
class ScoredOptions(RecordOptions):
    """Records to score, and their history."""

    history: History = None


@dataclass(frozen=True)
class ReadingOptions:
    """How tables are read."""

    text_column: Annotated[
        list[str] | None,
        typer.Option(help="Column with the text of messages, if not text, or with further texts. Repeatable."),
    ] = None
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=COLUMN for a column with another name: sent_at=date, events.account_id=card. Of several tables "
            "of events, logins.account_id=user is of logins.csv alone. Repeatable."
        ),
    ] = None
    kind: Annotated[
        list[str] | None, typer.Option(help="TABLE=KIND of a file without a column kind: logins=login; else its name.")
    ] = None
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text files, such as gb18030; detected by default.")
    ] = None
    separator: Annotated[str | None, typer.Option(help="Separator of text files; detected by default.")] = None
    sheet: Annotated[str | None, typer.Option(help="Sheet of workbooks; by default the first.")] = None
    header_row: Annotated[
        int | None,
        typer.Option(min=1, help="Row with the names of the columns, counted from 1; found by default."),
    ] = None
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="Read 03/04/2026 as 3 April, or as March 4."),
    ] = None
    decimal: Annotated[
        str | None, typer.Option(help="Decimal sign of numbers such as 1.234,50: . or ,; found by default.")
    ] = None
    time_zone: Annotated[
        str | None,
        typer.Option(help="Zone of times without one, such as Asia/Shanghai, and of hours of the day; by default UTC."),
    ] = None
    time_unit: Annotated[
        str | None, typer.Option(help="What times count that are numbers since a start: s, m, h or d.")
    ] = None
    time_start: Annotated[
        str | None, typer.Option(help="The start of such times, such as 2017-12-01; by default 2000-01-01.")
    ] = None
    max_rejected: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of rejected rows above which a table is an error; by default 0.2."),
    ] = None

    def overrides(self) -> dict[str, Any]:
        """Return the settings of a recipe that say how tables are read; None for those that were not given."""
        return {f"data.{name}": value for name, value in self.given().items()}

    def given(self) -> dict[str, Any]:
        """Return the options by their names in `ReadOptions`; None for those that were not given."""
        names = dict(_pair("--column", column, "NAME=COLUMN, such as text=content") for column in self.column or [])
        kinds = dict(_pair("--kind", kind, "TABLE=KIND, such as logins=login") for kind in self.kind or [])
        if self.text_column:
            names["messages.text"] = self.text_column[0]
        others = {name: value for name, value in vars(self).items() if name not in ("text_column", "column", "kind")}
        return {"columns": names or None, "kinds": kinds or None, **others}


@dataclass(frozen=True)
class RunOptions:
    """How records are labelled and split, and which features they have; further settings are in a recipe."""

    subject: Annotated[
        str | None, typer.Option(help="What the model scores: auto, message, account or event (such as a payment).")
    ] = None
    score_kind: Annotated[
        str | None, typer.Option(help="Kind of events to score, such as payment; others are history only.")
    ] = None
    recipe: Annotated[Path | None, typer.Option(help="Recipe (TOML) with all settings of the run.")] = None
    name: Name = None
    legitimate: Annotated[
        str | None,
        typer.Option(
            help="Label of legitimate records, or none to train types only; by default, common words are recognised."
        ),
    ] = None
    legitimate_after: Annotated[
        str | None,
        typer.Option(
            help="Age from which a record without a label counts as legitimate, such as 60d; by default, never."
        ),
    ] = None
    split: Annotated[str | None, typer.Option(help="Split by: auto, time, campaign, account, group or random.")] = None
    group: Group = None
    threshold_by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column, such as channel, each value of which has a threshold of its own; it becomes a feature.",
        ),
    ] = None
    campaigns: Annotated[
        bool | None,
        typer.Option(
            "--campaigns",
            help="Use earlier near-duplicates of messages as features; scoring then also needs earlier messages.",
        ),
    ] = None
    feature_columns: Annotated[
        str | None,
        typer.Option(help="Your own columns of messages to use as features, such as channel,country."),
    ] = None
    sample_rate: Annotated[
        float | None,
        typer.Option(
            help="Train on this share of the legitimate accounts or events, and on all fraud, to save time and memory; "
            "by default on all, or on 300,000 of more."
        ),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None

    def read(self, tables: TableOptions, reading: ReadingOptions, more: dict[str, Any]) -> "Recipe":
        """Return the recipe of a run: that of the file, with the options that were given."""
        from fraudsieve.training.recipe.recipe import Recipe

        overrides = {
            **{f"data.{table}": place for table, place in vars(tables).items()},
            **reading.overrides(),
            "data.subject": self.subject,
            "data.score_kind": self.score_kind,
            "data.legitimate": self.legitimate,
            "labels.legitimate_after": self.legitimate_after,
            "name": self.name,
            "split.kind": self.split,
            "split.group": self.group,
            "thresholds.by": self.threshold_by,
            "features.campaigns": self.campaigns,
            "features.columns": None if self.feature_columns is None else split_names(self.feature_columns),
            "model.sample_rate": self.sample_rate,
            "seed": self.seed,
        }
        recipe = Recipe.read(self.recipe, overrides | more)
        has_messages = recipe.data.messages is not None and recipe.data.subject in ("auto", "message")
        texts = tuple(reading.text_column or ())[has_messages:]
        return recipe.with_values({"history.texts": texts}) if texts else recipe


def loaded_scorer(address: str, progress: Report, *, n_threads: int = 1, rules: "RuleSet | None" = None) -> "Scorer":
    """Load a model, after wrong options and tables were reported."""
    progress("loading the model")
    from fraudsieve.models.predict import Scorer

    return Scorer.load(address, n_threads=n_threads, rules=rules)


def records_to_score(model: "Model", inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the records that a model scores, and the tables beside them by the names of `score_file`."""
    from fraudsieve.models.batch.scored_tables import check_usable

    beside, rows = dict(inputs), f"{model.subject}s"
    records = beside.pop(rows)
    check_usable([model], beside)
    if records is None:
        raise RecipeError(f"--{rows}", [f"expected the {rows} that the model is to score, got none. Add --{rows}"])
    return records, {name: beside.get(name) for name in ("events", "history")}


def files_of(*tables: "InputTable | None") -> list[Path]:
    """Return the files of tables, which no output may overwrite."""
    from fraudsieve.tables.source import local_files

    return [file for table in tables if table is not None for file in local_files(table)]


def split_names(names: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in names.split(",") if name.strip()]


def _pair(option: str, text: str, expected: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals or not ours or not theirs:
        raise RecipeError(option, [f"expected {expected}"])
    return ours.strip(), theirs


def input_table(sources: list[str] | None, reading: ReadingOptions | None = None) -> "InputTable | None":
    """Return the tables of an option, with the options of reading that were given; those of the model complete them.

    A file that does not exist is an error here, before the work and the imports of a command.
    """
    if not sources:
        return None
    from fraudsieve.tables.formats.encoding import check_exists
    from fraudsieve.tables.formats.loaded import ReadOptions
    from fraudsieve.tables.source import InputTable, local_file

    for source in sources:
        file = local_file(source)
        if file is not None:
            check_exists(file, source)
    options = {} if reading is None else {name: value for name, value in reading.given().items() if value is not None}
    return InputTable(sources[0] if len(sources) == 1 else sources, ReadOptions(**options))


def command_group(name: str, description: str) -> typer.Typer:
    """Return a command that has subcommands."""
    return typer.Typer(name=name, help=description, no_args_is_help=True, rich_markup_mode=None)


def subcommand(app: typer.Typer, name: str) -> Callable[[Callable[..., Answer]], Callable[..., None]]:
    """Add a command to an app, which answers with a table or, by its option --json, with one line of JSON."""
    return lambda command: app.command(name, cls=Command)(answering(command))


def answering(command: Callable[..., Answer]) -> Callable[..., None]:
    """Return a command that prints its answer and its errors, and its steps if it has the parameter `progress`."""
    own = inspect.signature(command, eval_str=True).parameters
    has_steps = "progress" in own

    @wraps(command)
    def call(*, json: bool, **options: Any) -> None:
        with exit_on_error(as_json=json), steps(quiet=json or not has_steps) as progress:
            answer = command(**options, **({"progress": progress} if has_steps else {}))
        answer.show(as_json=json)
        if answer.code:
            raise typer.Exit(answer.code)

    as_json = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json)
    options = [parameter for parameter in own.values() if parameter.name != "progress"]
    call.__signature__ = inspect.Signature([*options, as_json])  # type: ignore[attr-defined]
    return with_groups(call)


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with an option for each field of the parameters that are dataclasses."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {one.name: one.annotation for one in parameters if is_dataclass(one.annotation)}

    @wraps(command)
    def call(**options: Any) -> None:
        for name, group in groups.items():
            options[name] = group(**{field.name: options.pop(field.name) for field in fields(group)})
        command(**options)

    options = [option for one in parameters for option in _options_of(one)]
    call.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    call.__annotations__ = {option.name: option.annotation for option in options}
    return call


class Command(TyperCommand):
    """A command that names its own option for one that others have, or that another program would have."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments; an option that does not exist is an error that names what it may mean."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            meant = NEAR_MISSES.get(getattr(error, "option_name", None) or "", ())
            own = [name for parameter in self.params for name in parameter.opts if name in meant]
            if own:
                error.possibilities = own  # type: ignore[attr-defined]
            raise


def _options_of(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Return a parameter as it is, or the fields of its group."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    if not is_dataclass(parameter.annotation):
        return [parameter.replace(kind=keyword)]
    hints = get_type_hints(parameter.annotation, include_extras=True)
    return [
        inspect.Parameter(field.name, keyword, default=field.default, annotation=hints[field.name])
        for field in fields(parameter.annotation)
    ]
