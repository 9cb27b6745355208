"""The meaning of labels: which one means legitimate, and which one means that a record has no label.

Times from which labels count as known: if only the day is given, from the end of that day.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import pandas as pd

from fraudsieve._translation import tr

from .cells import STRING
from .reader import CheckedTable
from .values.label_words import (
    CHINESE_CRIMES,
    CRIMES,
    FLAGS,
    FRAUD,
    LEGITIMATE,
    UNLABELLED,
    WORDS,
    missing_labels,
)
from .values.reading import normalise_label

AUTO: Final = "auto"
"""The setting with which the legitimate label is recognised by its name."""
SIGNS: Final = {"-1": LEGITIMATE, "1": FRAUD}
"""The same answers as signs, if there are no other labels."""
FRAUD_WORDS: Final = frozenset(
    {*CRIMES, *CHINESE_CRIMES, "vishing", "illicit", "betrug", "fraude", "estafa", "golpe", "frode"}
    | {"мошенничество", "спам", "사기", "スパム", "lừa đảo"}
)
"""Usual words for fraud, as `normalise_label` returns them."""
UNDECIDED: Final = frozenset(
    {"unknown", "pending", "unlabelled", "unlabeled", "unsure", "uncertain", "undecided", "unreviewed", "未知", "待定"}
)
"""Words for records without a decision: the other of two labels, but not legitimate."""

OTHERWISE: Final = "if that is wrong, name the label of legitimate records with --legitimate"


@dataclass(frozen=True)
class LabelReading:
    """The classes that labels stand for."""

    # The class of legitimate records, whether any record has it or not.
    legitimate: str = LEGITIMATE
    # Classes by label, in lower case; None for a label that means that a record has no label. Other labels are the
    # names of their classes.
    classes: Mapping[str, str | None] = field(default_factory=dict)
    # What was read, for the user.
    notes: tuple[str, ...] = ()

    def apply(self, labels: "pd.Series[Any]") -> "pd.Series[Any]":
        """Return the class of every label."""
        if not self.classes:
            return labels
        names = labels.dropna().unique()
        return labels.map({name: self.classes.get(normalise_label(name), name) for name in names}).astype(STRING)


LabelReader: TypeAlias = Callable[["pd.Series[Any]"], LabelReading]
"""Reads the labels of a table as classes, as `read_labels` does."""


def read_labels(labels: "pd.Series[Any]", legitimate: str = AUTO, *, of_two: bool = True) -> LabelReading:
    """Read labels as classes.

    0 and 1, true and false, yes and no stand for legitimate and fraud, and so do -1 and 1 alone. Otherwise the usual
    word for legitimate records names their class, if exactly one label is such a word. Of two labels of which one
    means fraud, the other is legitimate, unless it means fraud too, or that nothing is known.

    Where all labels are numbers and there are more than two, 0 stands for legitimate if more than half of the labels
    are 0. Otherwise it is a type like the others. If the other labels are 0 and 1, -1 stands for no label. So do NA,
    N/A, #N/A, null and -, and none if another label is legitimate.
    """
    names, counts = _spellings(labels)
    missing = missing_labels(names, legitimate, (legitimate,))
    notes = _missing_notes(names, counts, missing)
    for label in missing:
        del names[label], counts[label]
    found, by_label, note = _read_automatically(names, counts, of_two) if legitimate == AUTO else (legitimate, {}, "")
    spellings = _one_spelling({label: names[label] for label in names if label not in by_label}, found)
    notes += [f"{_listed(names[label])} read as one, {name!r}" for label, name in spellings.items()]
    return LabelReading(found, {**spellings, **by_label, **missing}, (*([note] if note else []), *notes))


def _spellings(labels: "pd.Series[Any]") -> tuple[dict[str, list[str]], dict[str, int]]:
    """Return the spellings of every normalised label, the most common first, and its count."""
    names: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for name, count in labels.value_counts().items():
        label = normalise_label(str(name))
        names.setdefault(label, []).append(str(name))
        counts[label] = counts.get(label, 0) + int(count)
    return names, counts


def _one_spelling(names: Mapping[str, list[str]], legitimate: str) -> dict[str, str | None]:
    """Return one spelling of labels that differ only in case or spaces: that of `legitimate`, or the most common."""
    several = {label: spellings for label, spellings in names.items() if len(spellings) > 1}
    return {label: legitimate if legitimate in spellings else spellings[0] for label, spellings in several.items()}


def _read_automatically(
    names: Mapping[str, list[str]], counts: Mapping[str, int], of_two: bool
) -> tuple[str, Mapping[str, str | None], str]:
    """Return the legitimate class, the classes by label, and a note."""
    if LEGITIMATE in names.get(LEGITIMATE, ()):
        return LEGITIMATE, {LEGITIMATE: LEGITIMATE}, ""
    if names and set(names) <= set(FLAGS):
        return LEGITIMATE, FLAGS, _flags_note(names, FLAGS)
    if set(names) == set(SIGNS):
        return LEGITIMATE, SIGNS, _flags_note(names, SIGNS)
    if "0" in names and all(value.isdecimal() for value in names):
        share = counts["0"] / sum(counts.values())
        return LEGITIMATE, {"0": LEGITIMATE} if share > 0.5 else {}, _numbers_note(share)
    words = [value for value in names if value in WORDS]
    other = _other_of_two(names) if of_two and not words else None
    if other is None and len(words) != 1:
        return LEGITIMATE, {}, _ambiguous_note([names[word][0] for word in words]) if words else ""
    label = other or words[0]
    word = names[label][0]
    opposite = next((spellings[0] for name, spellings in names.items() if name != label), "")
    why = f", because the other label, {opposite!r}, means fraud" if other else ""
    return word, {label: word}, f"the label {word!r} is read as legitimate{why}; {OTHERWISE}"


def _other_of_two(names: Collection[str]) -> str | None:
    """Return the label beside one that means fraud; None if there are more, or it may mean fraud too."""
    others = [label for label in names if label not in FRAUD_WORDS]
    if len(names) != 2 or len(others) != 1:
        return None
    says_fraud = FLAGS.get(others[0]) == FRAUD or any(word in others[0] for word in FRAUD_WORDS)
    return None if says_fraud or others[0] in UNDECIDED else others[0]


def _listed(names: Collection[str]) -> str:
    return (
        f"the label {next(iter(names))!r} is" if len(names) == 1 else f"the labels {' and '.join(map(repr, names))} are"
    )


def _flags_note(names: Mapping[str, list[str]], flags: Mapping[str, str]) -> str:
    readings = [
        f"{_listed([name for value in names if flags[value] == kind for name in names[value]])} read as {kind}"
        for kind in (LEGITIMATE, FRAUD)
        if any(flags[value] == kind for value in names)
    ]
    return f"{', '.join(readings)}; {OTHERWISE}"


def _numbers_note(share: float) -> str:
    if share > 0.5:
        return f"the label '0' ({share:.0%} of the labels) is read as legitimate, other numbers as types; {OTHERWISE}"
    return f"the label '0' is read as a type, because only {share:.0%} of the labels are 0; {OTHERWISE} 0"


def _ambiguous_note(words: Collection[str]) -> str:
    return f"{_listed(words)} read as types, because each of them usually means legitimate; {OTHERWISE}"


def _missing_notes(names: Mapping[str, list[str]], counts: Mapping[str, int], missing: Collection[str]) -> list[str]:
    notes = []
    if UNLABELLED in missing:
        rows = f"{counts[UNLABELLED]:,} rows, beside 0 and 1,"
        notes.append(f"the label '-1' of {rows} is read as no label; if it is a class, give it a name")
    words = [label for label in missing if label != UNLABELLED]
    if words:
        listed, count = _listed([name for label in words for name in names[label]]), sum(counts[word] for word in words)
        notes.append(f"{listed} read as no label ({count:,} rows); if it is a class, give it another name")
    return notes


def read_labels_for(
    labels: "pd.Series[Any]", read_as: Mapping[str, str | None], classes: Collection[str], legitimate: str | None
) -> LabelReading:
    """Read labels as those were read that a model was trained on.

    If none of the labels is then a class of the model, they are read independently of it. So a model that was trained
    on ham and spam can be evaluated on 0 and 1.
    """
    missing = missing_labels(_spellings(labels)[0], legitimate, classes)
    trained = LabelReading(legitimate or LEGITIMATE, {**missing, **read_as})
    if legitimate is None or labels.isna().all() or trained.apply(labels).isin(list(classes)).any():
        return trained
    found = read_labels(labels)
    others = [name for name in classes if name != legitimate]
    as_class = {found.legitimate: legitimate, FRAUD: others[0] if len(others) == 1 else FRAUD}
    by_label = {normalise_label(found.legitimate): found.legitimate, FRAUD: FRAUD, **found.classes}
    translated = {label: None if name is None else as_class.get(name, name) for label, name in by_label.items()}
    return LabelReading(legitimate, translated, (_foreign_note(labels, translated),))


def _foreign_note(labels: "pd.Series[Any]", read_as: Mapping[str, str | None]) -> str:
    classes = {label: read_as.get(label) for label in _spellings(labels)[0]}
    read = [f"{label!r} is read as {name!r}" for label, name in classes.items() if name is not None]
    return (
        f"no label is a class of the model; {', '.join(read) or 'all are read as types of fraud that it does not know'}"
    )


def read_classes(
    frame: pd.DataFrame, labels: CheckedTable | None, reader: LabelReader
) -> tuple[pd.DataFrame, CheckedTable | None, LabelReading]:
    """Replace labels by the classes that they stand for."""
    own = frame["label"]
    if labels is None:
        reading = reader(own)
        return frame.assign(label=reading.apply(own)), None, reading
    reading = reader(pd.concat([own.dropna(), labels.good["label"]], ignore_index=True))
    good = labels.good.assign(label=reading.apply(labels.good["label"]))
    good = good[good["label"].notna()].reset_index(drop=True)
    return frame.assign(label=reading.apply(own)), replace(labels, good=good), reading


ONE_DAY = pd.Timedelta(days=1)


def has_only_dates(times: pd.Series) -> bool:
    """Return whether all times are at midnight, so that only their dates are known."""
    known = times.dropna()
    return bool(len(known)) and bool((known == known.dt.normalize()).all())


def resolve_label_times(labelled_at: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return the times from which labels were certainly known."""
    if not has_only_dates(labelled_at):
        return labelled_at, []
    return labelled_at + ONE_DAY, [
        tr("labelled_at holds dates without times: a label counts as known from the end of its day")
    ]


def with_times(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return a copy of a checked table with the columns ``label`` and ``labelled_at``, empty if they were missing."""
    frame = frame.copy()
    for name in (*columns, "labelled_at"):
        if name not in frame:
            frame[name] = pd.Series(pd.NaT, frame.index, "datetime64[us, UTC]")
    if "label" not in frame:
        frame["label"] = pd.Series(None, frame.index, STRING)
    return frame
