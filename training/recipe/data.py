"""The sections ``[data]`` and ``[labels]`` of a recipe: the tables, how to read them, and what their labels mean."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import RecipeError, RejectedRecordError
from fraudsieve.features.history.declaration import window_seconds
from fraudsieve.features.label_trust import Trust
from fraudsieve.tables.formats.loaded import ReadOptions
from fraudsieve.tables.label_values import AUTO
from fraudsieve.tables.schema import MAX_REJECTED
from fraudsieve.tables.values.moments import counted_from, time_zone

Share = Annotated[float, Field(ge=0, le=1)]


class RecipeSection(BaseModel):
    """A section of a recipe: unknown keys are an error, and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Place = Annotated[str, BeforeValidator(lambda place: os.fspath(place) if isinstance(place, os.PathLike) else place)]
"""A path or an address."""
Places = Annotated[
    Place | list[Place],
    BeforeValidator(lambda places: places[0] if isinstance(places, list | tuple) and len(places) == 1 else places),
]
"""One or several tables: of two rows with one id, that of the later table counts."""


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _check_start(start: str) -> str:
    try:
        counted_from("s", start, None)
    except RejectedRecordError as error:
        raise ValueError(str(error)) from None
    return start


class DataRecipe(RecipeSection):
    """The paths of the tables, the subject, and the legitimate class."""

    messages: Places | None = None
    """A file, a folder, a pattern of files, an address of a store or database (as for `InputTable`), or a list of
    these: of two rows with one id, that of the later table counts."""
    accounts: Places | None = None
    """The accounts with the columns of their profiles, as above."""
    events: Places | None = None
    """The events: the history of accounts, or of the senders of messages."""
    labels: Places | None = None
    """The labels, if they are not a column of the labelled table."""
    features: Place | None = None
    """A Parquet file or folder with a precomputed feature matrix, from `fraudsieve.spark.training_sample`. It replaces
    the other tables."""
    columns: dict[str, str] = {}
    """Names of columns in your tables: ``text = "content"``, or ``"events.account_id" = "card"`` for one table. Of
    several tables of events, ``"logins.account_id" = "user"`` is of a file ``logins.csv`` alone."""
    kinds: dict[str, str] = {}
    """The kind of the events of a table that has no column for it: ``logins = "login"`` for a file ``logins.csv``. With
    `score_kind`, or if a table is named here or in `columns`, each of several tables of events has its own name as
    kind, unless it has the column."""
    encoding: str | None = None
    """Encoding of text files; by default it is detected."""
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    """Character between the columns of text files; by default it is detected."""
    sheet: str | None = None
    """Name of the sheet of workbooks; by default the first is read."""
    header_row: int | None = Field(default=None, ge=1)
    """The row with the names of the columns in workbooks and text files, counted from 1; by default it is found."""
    day_first: bool | None = None
    """Whether dates such as 03/04/2026 begin with the day, or with the month; by default they are rejected."""
    decimal: Literal[".", ","] | None = None
    """The decimal sign of numbers in strings; by default it is found."""
    time_zone: Annotated[str, AfterValidator(lambda name: time_zone(name).key)] | None = None
    """Zone of times that have none, such as Asia/Shanghai. Hours of the day are in this zone too. By default UTC."""
    time_unit: Literal["s", "m", "h", "d"] | None = None
    """What numbers count that are times: seconds, minutes, hours or days since `time_start`; by default, epochs."""
    time_start: Annotated[str, AfterValidator(_check_start)] | None = None
    """When they start, such as 2017-12-01; by default 2000-01-01."""
    max_rejected: Share = MAX_REJECTED
    """The share of rejected rows above which a table is an error. A single rejected row is not, except with 0."""
    as_of: Annotated[datetime, AfterValidator(_in_utc)] | None = None
    """The time as of which the tables are read, in UTC if it has no zone: records and labels of this time and later are
    left out. By default all count. A model does not keep it."""
    subject: Literal["auto", "message", "account", "event"] = "auto"
    """What is scored; with ``auto`` messages if there are any, otherwise accounts, otherwise events."""
    score_kind: str | None = None
    """The kind of events that are scored; those of other kinds are history only. By default all are scored."""
    legitimate: str = AUTO
    """The label of legitimate records, or ``none`` to train types only. With ``auto``, 0 and 1, true and false, or yes
    and no are read as legitimate and fraud; otherwise the usual word (legitimate, ham, normal, ok, 正常 ...) is found,
    or the other of two labels of which one means fraud. If no label is legitimate, training is an error. See
    `read_labels`."""
    min_label_rows: int = Field(default=10, ge=2)
    """Rows that a label needs; records of rarer labels are left out."""
    trust: dict[str, Share] = {}
    """Weight of each source of labels, 0 to ignore it; without any, all sources have the same weight."""
    default_trust: Share | None = None
    """Weight of the sources that `trust` does not name; without it a label from such a source is an error."""

    @property
    def options(self) -> ReadOptions:
        """How the tables are read."""
        names = {field.name for field in fields(ReadOptions)} & set(type(self).model_fields)
        return ReadOptions(**{name: getattr(self, name) for name in names})

    @property
    def trusted(self) -> Trust:
        """The weights of the sources of labels."""
        return Trust(self.trust, self.default_trust)

    def subject_of(self, given: Iterable[str]) -> Subject:
        """Return what is scored: by default messages if there are any, otherwise accounts, otherwise events."""
        names = set(given)
        first = next((table for table in ("messages", "accounts", "events") if table in names), "messages")
        subject = first.removesuffix("s") if self.subject == "auto" else self.subject
        needed = {"message": ["messages"], "account": ["accounts", "labels"], "event": ["events"]}[subject]
        if not names & set(needed):
            tables = " or ".join(f"data.{name} (--{name})" for name in needed)
            raise RecipeError("recipe", [f"a table of {needed[0]} is missing. Give {tables}"])
        return Subject(subject)


def _check_age(age: str) -> str:
    if age == "all":
        raise ValueError("expected an age such as 60d or 8w, got 'all'")
    window_seconds(age)
    return age


class LabelRecipe(RecipeSection):
    """What records without a label count as; by default they are waiting for one, however old they are."""

    legitimate_after: Annotated[str, AfterValidator(_check_age)] | None = None
    """The age, such as ``60d``, from which a record without a label counts as legitimate. Labelled records that are
    younger are left out, because most of the legitimate ones beside them have no label yet. The report says what share
    of the frauds become known later than that."""

    @property
    def age(self) -> timedelta | None:
        """The age from which a record without a label counts as legitimate; None for none."""
        return None if self.legitimate_after is None else timedelta(seconds=window_seconds(self.legitimate_after))

    @classmethod
    def of_training(cls, training: Mapping[str, Any]) -> Self:
        """Return what a model was trained with (``model.training``), which may be a shorter age than in its recipe."""
        return cls(legitimate_after=training.get("assumed_after", _written_age(training)))

    def as_trained(self, training: Mapping[str, Any]) -> Self:
        """Return what a model was trained with, unless these are other settings than those of its recipe."""
        return self.of_training(training) if self.legitimate_after in (None, _written_age(training)) else self


def _written_age(training: Mapping[str, Any]) -> str | None:
    age: str | None = ((training.get("recipe") or {}).get("labels") or {}).get("legitimate_after")
    return age
