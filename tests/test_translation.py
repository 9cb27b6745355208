"""Texts of pages in Chinese: the catalogue has every text, with the same slots, and no others."""

import ast
import copy
import json
import pickle
import re
import string
from collections.abc import Iterator

import pytest

from fraudsieve._translation import SENSE, Message, catalogue, check_language, in_language, tr
from fraudsieve.cases.links.table import LINK_KINDS
from fraudsieve.cases.pages import case_section, page, picture
from fraudsieve.features.history.declaration import FAMILIES, MEASURES
from fraudsieve.pages import words
from fraudsieve.review.draw import NO_RECALL
from fraudsieve.review.review_page import CONFIDENCES
from fraudsieve.tables import conversion
from fraudsieve.tables.formats.files import SEPARATORS
from fraudsieve.tables.schema import REPLACED
from fraudsieve.tables.values.moments import UNITS
from fraudsieve.training.attack.obfuscations import OBFUSCATIONS, STRENGTHS
from fraudsieve.training.data.column_notes import CANDIDATES
from fraudsieve.training.evaluation import capacity
from fraudsieve.training.evaluation.metrics import METRIC_NAMES, RATE_NAMES
from fraudsieve.training.evaluation.report_parts import slices
from fraudsieve.training.evaluation.report_parts.weighting import UNWEIGHTED
from fraudsieve.training.monitoring import page as monitoring
from fraudsieve.training.monitoring.monitoring_run import PERIODS
from fraudsieve.training.report_page import sections
from fraudsieve.training.splits.split import LEFT_OUT
from scripts.imports import LIBRARY, ROOT, modules, tree_of

IN_TEMPLATE = re.compile(r'tr\("((?:[^"\\]|\\.)*)"')
SUBJECTS = ("message", "account", "event")
LINKS = {name: name.removesuffix(" by") for name in case_section.LINK_WORDS.values()}
ROWS = (
    *("WARNING", "test", "left out", "found", "metrics", "false positives", "model folder", "model", "run in MLflow"),
    *("next", "more", "report", "in training", "digest", "review capacity", "unlike training", "labels", "rules"),
    *("under attack", "scores", "scored", "rejected", "rejected rows"),
)
ALL_METRICS = "--verbose prints all metrics"
CELLS = (
    *("unlabelled", "rejected", "rejected labels", "labelled but young", "nothing", "none: --no-track", ALL_METRICS),
    *(
        f"{ALL_METRICS}, and {page}"
        for page in ("the run has the page report.html", "--report report.html writes a page")
    ),
    f"{ALL_METRICS}, and evaluate --report report.html writes a page",
    "no fraud to measure recall and precision on",
    "unknown: these records, or those of training, have no times",
)
TABLES = {
    "": (
        CANDIDATES,
        *(f"Trained on {{n:,}} {subject}s" for subject in SUBJECTS),
        *(f"{{name}} on {{n:,}} {subject}s" for subject in SUBJECTS),
        *METRIC_NAMES.values(),
        *RATE_NAMES.values(),
        *monitoring.BOUND_NAMES.values(),
        *monitoring.TABLES,
        *(f"{period} from" for period in PERIODS),
        *LEFT_OUT.values(),
        *conversion.NOTES.values(),
        conversion.UNLIKE,
        *case_section.CHANGE_WORDS.values(),
        *LINKS,
        *LINKS.values(),
        *("same identifier", "same address range"),
        *(name for name, _, _ in picture.LEGEND),
        *("sends", "receives", "similar or near in time"),
        *("confirmed fraud", "not confirmed", page.OTHERS),
        *("Evaluation", "Monitor", "Cases", "Review", sections.OPTIMISTIC, UNWEIGHTED),
        *(NO_RECALL, *(words for _, _, words in CONFIDENCES)),
        *(capacity.GIVEN, capacity.AS_FRAUDS, capacity.AT_LEAST, "labels have no times", "unknown to the model"),
        *(f"by {kind}" for kind in ("time", "campaign", "account", "group", "random")),
        *("whether it is missing", "the order of its values", "which value it has"),
        *("they grow by themselves", "a table spans less than a week"),
        *(*SUBJECTS, "campaign", "group", "groups", "campaigns", *(f"{name}s" for name in SUBJECTS)),
        "skipped",
        *("{n:,} records of the reference", "{n:,} current records"),
        *UNITS.values(),
        *SEPARATORS.values(),
        *("lists", "objects", REPLACED),
        *("{share:.4g} % precision", "{share:.4g} % false positives"),
    ),
    "type": (
        *("legitimate", "fraud", "spam", "phishing", "personal_data_trade", "online_fraud", "telecom_scam"),
        *("extortion", "illegal_gambling", "drug_trade"),
    ),
    "decision": ("flag", "pass"),
    "unit": words.UNITS.values(),
    "month": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "table": ("messages", "accounts", "events", "labels", "features"),
    "kept apart": (
        *("time", "campaign", "account", "group", "campaigns", "accounts", "groups"),
        *("fraud campaigns", "fraud accounts", "fraud groups"),
    ),
    "slice of a split": ("train", "calibration", "test"),
    "split": ("time", "campaign", "account", "group", "random"),
    "slice": (
        *slices.COLUMNS,
        *("length", "age of the account", "with history", "no history", "Chinese", "Latin script", slices.OTHER),
        *(name for _, name in (*slices.LENGTHS, *slices.AGES)),
    ),
    "language": ("en", "zh"),
    "obfuscation": (*(name.replace("_", " ") for name in OBFUSCATIONS), *STRENGTHS, "character", "word"),
    "kind": ("message", "transfer", "payment"),
    "view": words.VIEWS,
    "row": ROWS,
    "cell": CELLS,
}
"""Texts that are not literals where they are translated, by their senses."""
BY_NAME = ("feature", "measure")
"""Senses of the names of features, which have a test of their own."""


def used() -> Iterator[str]:
    """Yield all texts that are translated, with their senses."""
    for path in modules(*LIBRARY):
        for node in ast.walk(tree_of(path)):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if isinstance(node, ast.Call) and called in ("tr", "tr_all"):
                yield from text_of(node)
    for path in (ROOT / "src/fraudsieve/pages/templates").iterdir():
        yield from IN_TEMPLATE.findall(path.read_text("utf-8"))
    for sense, texts in TABLES.items():
        yield from (f"{sense}{SENSE}{text}" if sense else text for text in texts)


def text_of(call: ast.Call) -> Iterator[str]:
    senses = [
        word.value.value for word in call.keywords if word.arg == "sense" and isinstance(word.value, ast.Constant)
    ]
    for text in call.args:
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield SENSE.join([*map(str, senses), text.value])


def slots(text: str) -> list[tuple[str, str]]:
    return sorted((name, form or "") for _, name, form, _ in string.Formatter().parse(text) if name)


def test_the_catalogue_has_every_text_of_the_pages_and_no_others() -> None:
    known, texts = {*catalogue("zh")}, {text.strip(" ") for text in used()}
    by_name = {text for text in known if text.partition(SENSE)[0] in BY_NAME}
    assert sorted(texts - known) == []
    assert sorted(known - texts - by_name) == []


def test_a_text_has_the_same_slots_in_both_languages() -> None:
    differing = [english for english, chinese in catalogue("zh").items() if set(slots(english)) != set(slots(chinese))]
    assert differing == []


def test_no_text_is_twice_in_the_catalogue() -> None:
    lines = (ROOT / "src/fraudsieve/messages.zh.tsv").read_text("utf-8").splitlines()
    keys = [line.partition("\t")[0] for line in lines if line[:1] != "#"]
    assert len(keys) == len({*keys})


def test_a_message_is_a_string_that_a_later_page_translates() -> None:
    note = tr("{n:,} records could not be scored. They are not in these metrics.", n=1200)
    assert note == "1,200 records could not be scored. They are not in these metrics."
    assert json.dumps(note) == json.dumps(str(note))
    for same in (note, copy.deepcopy(note), pickle.loads(pickle.dumps(note))):
        with in_language("zh"):
            assert tr(same) == "有 1,200 条记录无法打分，未计入指标。"


def test_messages_in_messages_are_translated() -> None:
    how = tr("{how}; training and test share no {apart}", how=tr("by time"), apart=tr("accounts", sense="kept apart"))
    assert how == "by time; training and test share no accounts"
    with in_language("zh"):
        assert tr("Split {how}.", how=how) == "按时间切分；训练和测试没有共同的账户。"
        assert tr(tr("month", sense="none")) == "month"


@pytest.mark.parametrize("text", ["{0} of {x}", "a|b", "电信诈骗", "100 %", ""])
def test_a_text_of_the_user_stays_as_it_is(text: str) -> None:
    for language in ("en", "zh"):
        with in_language(language):
            assert tr(text) == text
            assert tr("{text}.", text=text)[:-1] == text


def test_an_unknown_language_is_an_error() -> None:
    assert check_language("zh") == "zh"
    with pytest.raises(ValueError, match="expected one of en, zh"), in_language("fr"):
        pass


def test_the_language_ends_with_its_block() -> None:
    with in_language("zh"), in_language("en"):
        assert tr("recall") == "recall"
    assert tr("recall") == "recall"
    assert isinstance(tr("recall"), Message)


def test_every_measure_has_a_name() -> None:
    with in_language("zh"):
        unnamed = [name for name in FAMILIES if words.measure_name(name) in ("", name)]
        families = [family for family in {*FAMILIES.values()} if tr(family, sense="feature") == family]
    assert unnamed == families == []
    assert {*MEASURES} <= {*FAMILIES}
    assert len(LINK_KINDS) == len(case_section.LINK_WORDS)
