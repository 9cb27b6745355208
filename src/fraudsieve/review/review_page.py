"""The page that people answer a draw in, which needs no other file and no network.

**What people see before they answer.** The record: its text or columns, sender and time. A probability on the screen
pulls an answer towards itself, and a label that repeats the model teaches it nothing. So the probability, the reasons
and the case are hidden until the answer is given. Who needs them earlier can ask. The answer then has ``model_shown``,
and so have those of the other records of its case, so that labels with and without can be compared.

Nothing before the answer tells an audited record from an alert: the order depends on ids only, and a case, which only
alerts have, is hidden with the rest. Why a record was drawn appears after the answer, never before. It is in the source
of the page, because the saved answers need it.

**What the page keeps.** Answers are in the memory of the page until they are downloaded, and nowhere else: a browser
gives the storage of one local file to others. Leaving with answers that were not downloaded asks.
"""

import hashlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from fraudsieve._translation import Language, current_language, in_language, tr
from fraudsieve._typing import JsonObject
from fraudsieve.models.sentences.entities import label_in_words, plain_words
from fraudsieve.pages.origin import PageOrigin
from fraudsieve.pages.rendering import Notice, capitalised, render_page
from fraudsieve.tables.values.reading import MISSING_WORDS, is_missing

from .candidates import TIMES
from .context import Before, Context
from .draw import COLUMNS, NO_RECALL, SENTENCE

SUMMARY: Final = 160
"""Characters of a record in the list of its case."""
CONFIDENCES: Final = (("1", "Q", "sure"), ("0.8", "W", "fairly sure"), ("0.6", "E", "unsure"))


def render_review_page(
    records: pd.DataFrame,
    labels: Sequence[str],
    *,
    title: str = "Review",
    origin: PageOrigin | None = None,
    context: Context = MappingProxyType({}),
    language: Language = "en",
) -> str:
    """Render a draw as one page of HTML, in which people answer.

    Parameters
    ----------
    records : DataFrame of shape (n_drawn, n_columns)
        The records of a draw, as of `ReviewDraw` or `third_opinions`.
    labels : sequence of str
        Labels to choose from. The first nine have the keys 1 to 9. People can also type another one.
    title : str, default="Review"
        Heading of the page.
    origin : PageOrigin, default=None
        The origin of the page; None for the current time and command.
    context : dict of str to list of Before, optional
        What came before each record, as of `ReviewDraw`.
    language : {"en", "zh"}, default="en"
        The language of the page. Sentences of reasons stay in that of the draw.

    Returns
    -------
    str
        A page with one script, whose hash its policy allows. It makes no requests.

    Examples
    --------
    >>> records = pd.DataFrame({"subject_id": ["a"], "why_drawn": "audit", "inclusion_probability": 0.25,
    ...     "text": "see you at six"})
    >>> page = render_review_page(records, ["fraud", "legitimate"])
    >>> "see you at six" in page, "connect-src" in page, page.count("<script>")
    (True, False, 1)
    """
    with in_language(language):
        ordered = sorted(records.to_dict("records"), key=lambda row: _place(str(row["subject_id"])))
        days = sorted({str(row["day"]) for row in ordered if not is_missing(row.get("day"))})
        content = {
            "texts": _texts(),
            "labels": [{"value": name, "words": label_in_words(name, language)} for name in labels],
            "records": [
                _record({str(name): cell for name, cell in row.items()})
                | {"context": [_table(before) for before in context.get(str(row["subject_id"]), ())]}
                for row in ordered
            ],
            "file": days[-1] if days else "draw",
            "missing": sorted(MISSING_WORDS),
        }
        return render_page(
            "review.html.j2",
            script=_asset("review_page.js"),
            rules=_asset("review_page.css"),
            title=tr(title),
            subtitle=tr("{n:,} records to label", n=len(ordered)),
            origin=origin or PageOrigin(),
            notices=list(_notices(records)),
            without_script=[Notice(tr("This page needs JavaScript, which is off or blocked in this browser."))],
            confidences=[(value, key, tr(words)) for value, key, words in CONFIDENCES],
            data=content,
        )


def _asset(name: str) -> str:
    return (files("fraudsieve.review") / name).read_text(encoding="utf-8")


def _place(name: str) -> str:
    """Return what records are ordered by: nothing that says why they were drawn."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _notices(records: pd.DataFrame) -> Iterator[Notice]:
    can = records.get("recall_can_be_estimated")
    if can is not None and not can.astype(str).str.lower().eq("true").any():  # a draw from CSV has text
        yield Notice(tr("{text}.", text=capitalised(tr(NO_RECALL))), kind="warn")


def _record(row: JsonObject) -> JsonObject:
    """Return what the page has of a record, as text."""
    texts = {name: _text(cell) for name, cell in row.items() if not is_missing(cell)}
    cells = {name: cell for name, cell in texts.items() if cell.strip()}
    is_message = cells.get("subject", "message") == "message"
    text = cells.get("text", "") if is_message else ""
    known = ((tr("time"), "time"), (tr("from"), "account_id"))
    facts = [(str(words), cells.get(name, "")) for words, name in known]
    others = [
        (name, cell)
        for name, cell in cells.items()
        if name not in COLUMNS
        and not SENTENCE.fullmatch(name)
        and not (is_message and name == "text")
        and not (name in TIMES and cell == cells.get("time"))
    ]
    named = [(plain_words(name, current_language()), cell) for name, cell in others]
    facts = [(name, cell) for name, cell in (*facts, *named) if cell]
    summary = " · ".join([*(cell for _, cell in facts[:2]), text or " · ".join(cell for _, cell in facts[2:])])
    return {
        "id": str(row["subject_id"]),
        "text": text,
        "facts": facts,
        "opinion": list(_opinion(row, cells)),
        "reasons": [cells[name] for name in cells if SENTENCE.fullmatch(name)],
        "case": cells.get("case_id", ""),
        "summary": f"{summary[:SUMMARY]}…" if len(summary) > SUMMARY else summary,
        "why": cells.get("why_drawn", ""),
        "weight": cells.get("inclusion_probability", ""),
        "digest": cells.get("model_digest", ""),
    }


def _table(before: Before) -> JsonObject:
    """Return a table of what came before, as text."""
    cells = [["" if is_missing(cell) else _text(cell, "minutes")[:SUMMARY] for cell in row] for row in before.rows]
    return {
        "title": tr("Last {n} of this {entity}", n=len(cells), entity=plain_words(before.entity, current_language())),
        "head": [tr("time"), *(plain_words(name, current_language()) for name in before.columns)],
        "rows": cells,
    }


def _opinion(row: JsonObject, cells: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what the model says of a record."""
    for name, words in (("probability", tr("probability of fraud")), ("unlike_training", tr("unlike training"))):
        if name in cells:
            yield words, f"{float(row[name]):.3f}"
    if "predicted" in cells:
        yield tr("most probable label"), label_in_words(cells["predicted"], current_language())
    if "decision" in cells:
        yield tr("decision"), tr(cells["decision"], sense="decision")
    if "case_id" in cells:
        yield tr("case"), cells["case_id"]


def _text(cell: Any, until: str = "seconds") -> str:
    """Return a cell as text: times in UTC, and numbers with all their digits."""
    if isinstance(cell, pd.Timestamp):
        utc = cell.tz_convert("UTC") if cell.tzinfo else cell
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC" if until == "seconds" else f"{utc:%Y-%m-%d %H:%M}"
    return str(cell)


def _texts() -> dict[str, str]:
    """Return the sentences of the script, whose slots it fills."""
    return {
        "record": tr("Record {n} of {all}"),
        "progress": tr("{n} of {all} answered, {skipped} skipped, {unsaved} not downloaded."),
        "answered": tr("Record {n}: {label}."),
        "skipped": tr("skipped", sense="answer"),
        "undone": tr("The last answer is undone."),
        "done": tr("All records are done. Download the answers."),
        "name": tr("Enter your name first. It becomes part of each label."),
        "other": tr("Enter a label first."),
        "nothing": tr("There are no answers to download yet."),
        "saved": tr("{n} answers are in {file}."),
        "read": tr("{n} answers were read; {others} are older, or of records of another draw."),
        "unreadable": tr("This file has no answers. Choose a CSV file that this page has saved."),
        "neighbours": tr("{n} other records of this draw are in the same case:"),
        "why": tr("drawn as"),
        "why_alert": tr("alert", sense="why drawn"),
        "why_audit": tr("audit", sense="why drawn"),
        "why_near": tr("near", sense="why drawn"),
        "why_disagreement": tr("disagreement", sense="why drawn"),
    }
