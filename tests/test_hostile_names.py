"""Pages with hostile names in a real browser: no script runs, nothing is loaded, and the layout holds at 400 pixels.

Columns, classes, categories, slices, files, accounts, devices, models and reviewers have names that are HTML, and long.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from fraudsieve.cases import find_cases
from fraudsieve.cases.pages.page import render_cases_page
from fraudsieve.review import render_review_page
from fraudsieve.training.evaluation.evaluation_run import evaluate_tables
from fraudsieve.training.fit import train
from fraudsieve.training.monitoring.monitoring_run import monitor_tables
from fraudsieve.training.recipe.recipe import Recipe
from fraudsieve.training.report_page.evaluation import render_report
from tests.cases.pages.worlds import ring
from tests.chromium import BROWSER, Chromium
from tests.profiles import size
from tests.review.answering import Page
from tests.review.drawn import drawn
from tests.training.conftest import town_payments

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed: apt-get install chromium"),
]

LONG = "W" * 150
HOSTILE = (
    "<script>document.title='x'</script>",
    "<img src=//evil.example/a.png onerror=\"document.title='x'\">",
    "\"'></style></title></svg></textarea><a href='//evil.example'>here</a>",
    "javascript:alert(1)//{{7*7}}{%raw%}&lt;b&gt;",
    f"\u202e<b onclick=alert(1)>{LONG}",
)
FOUND = """JSON.stringify({
  scripts: [...document.scripts].filter(e => e.type === '' && /alert\\(|title=/.test(e.textContent)).length,
  handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/i.test(a.name))).length,
  foreign: [...document.querySelectorAll('[href],[src],[action],[data],[srcset]')].filter(e =>
    /evil|^javascript:/i.test(e.href || e.src || e.action || e.data || e.srcset || '')).length,
  title: document.title === 'x',
  wide: document.documentElement.scrollWidth > innerWidth,
})"""
NOTHING = '{"scripts":0,"handlers":0,"foreign":0,"title":false,"wide":false}'


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def check(chromium: Chromium, page: Path, *names: str) -> None:
    """Open a page, with every part of it, and check that names are shown as they are and do nothing."""
    for width in (1280, 400):
        chromium.open(page, width, "light")
        chromium.value("[...document.querySelectorAll('details')].forEach(d => d.open = true)")
        check_shown(chromium, page)
        shown = chromium.value("document.body.innerText + document.documentElement.outerHTML")
        for name in names:
            assert name[:20].replace("<", "&lt;").replace(">", "&gt;") in shown, name


def check_shown(chromium: Chromium, page: Path) -> None:
    """Check that nothing in the open page runs, is requested or leads elsewhere, and that nothing is too wide."""
    requested = [event["request"]["url"] for event in chromium.of("Network.requestWillBeSent")]
    assert [url for url in requested if not url.startswith(("data:", "blob:"))] == [page.as_uri()]
    found = chromium.of("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening")
    assert found == []
    assert chromium.value(FOUND) == NOTHING


def test_cases_of_hostile_accounts(chromium: Chromium, tmp_path: Path) -> None:
    flagged = pd.concat([ring(name, 5, seed=number) for number, name in enumerate(HOSTILE)], ignore_index=True)
    flagged = flagged.assign(type=[HOSTILE[at % 5] for at in range(len(flagged))], reason_sentence=HOSTILE[1])
    page = tmp_path / "cases.html"
    page.write_text(render_cases_page(find_cases(flagged, key=b"a key"), title=HOSTILE[2]), "utf-8")
    check(chromium, page, *HOSTILE[:2])


def test_the_check_finds_what_is_not_escaped(chromium: Chromium, tmp_path: Path) -> None:
    for name in (*HOSTILE[:3], HOSTILE[4]):
        page = tmp_path / "raw.html"
        page.write_text(f"<title>a</title><body>{name}", "utf-8")
        chromium.open(page, 400, "light")
        assert chromium.value(FOUND) != NOTHING


def payments(days: tuple[int, int], seed: int, column: str) -> pd.DataFrame:
    frame = town_payments(days=days, seed=seed, n_accounts=100, per_day=60)
    names = dict(zip(("app", "web", "pos", "phone"), HOSTILE, strict=False))
    return frame.assign(
        channel=frame["channel"].replace(names),
        account_id=frame["account_id"] + HOSTILE[0],
        label=frame["label"].replace("online_fraud", HOSTILE[1]),
        **{column: frame["channel"].replace({name: f"{value}{LONG}" for name, value in names.items()})},
    )


@pytest.mark.parametrize("column", size(HOSTILE, usual=HOSTILE[-1:]))
def test_reports_of_a_model_with_hostile_names(chromium: Chromium, tmp_path: Path, column: str) -> None:
    views = ({"windows": ["1d"], "measures": ["count"]},)
    settings = {"split.kind": "time", "model.n_rounds": 8, "evaluate.replicates": 20, "history.views": views}
    settings |= {"evaluate.by": [column], "track.enabled": False, "n_jobs": 1}
    folder = tmp_path / f"a {HOSTILE[3].replace('/', '_')}"
    folder.mkdir()
    for name, days, seed in (("past", (0, 30), 1), ("reference", (30, 40), 2), ("current", (40, 50), 3)):
        payments(days, seed, column).to_parquet(folder / f"{name}.parquet")
    recipe = Recipe.read(overrides=settings)
    trained = train(recipe, output=folder / "model", events=folder / "past.parquet")
    labelled = pd.read_parquet(folder / "reference.parquet")
    labels = labelled[["event_id", "label", "labelled_at"]].rename(columns={"event_id": "subject_id"})
    reviewers = [f"review:{column}", "review:ann"]
    labels = labels.assign(source=[reviewers[at % 2] for at in range(len(labels))])
    events = labelled.drop(columns=["label", "labelled_at"])
    done = evaluate_tables(trained.folder, events=events, labels=labels, recipe=recipe)
    page = tmp_path / "report.html"
    facts = {column: column, "tables": str(folder)}
    page.write_text(render_report(done.report, title=HOSTILE[2], facts=facts), "utf-8")
    check(chromium, page, column, HOSTILE[1], *reviewers)
    page = tmp_path / "monitor.html"
    monitor_tables(trained.folder, folder / "reference.parquet", folder / "current.parquet", page=page)
    check(chromium, page, column)


WIDER = (
    "[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 0.5).length"
)


@pytest.mark.parametrize("name", HOSTILE)
def test_reviews_by_hostile_people_of_hostile_columns_classes_and_slices(
    chromium: Chromium, tmp_path: Path, name: str
) -> None:
    """A person with such a name answers with such classes, also with one of their own, and reads the answers again."""
    records = drawn(12).rename(columns={"channel": name})
    slices = dict.fromkeys(("case_id", "predicted", "decision", "why_drawn", "day", "account_id", "model_digest"), name)
    records = records.assign(**slices, reason_1_sentence=name, **{f"x{name}": name})
    path = tmp_path / "review.html"
    path.write_text(render_review_page(records, [*HOSTILE, f"{name}{LONG}", name[::-1]], title=name), "utf-8")
    page = Page(chromium, tmp_path)

    def check_review(*names: str) -> None:
        check_shown(chromium, path)
        assert chromium.value(WIDER) == 0
        shown = chromium.value("document.body.innerText")
        for one in names:
            assert one[:20] in shown, one

    for width in (1280, 400):
        page.show(path, width)
        page.name(name)
        check_review(name, *HOSTILE)
        page.keys("m")
        check_review(name)
        page.keys("1")
        page.fill("#other", f"own {name}")
        page.fill("#comment", name)
        chromium.value("document.querySelector('#other_answer').click()")
        check_review(name)
        chromium.press("ArrowLeft")
        check_review(name)
        file = page.saved()
        answers = pd.read_csv(file, dtype=str)
        assert len(file.name) < 100
        assert set(answers["reviewer"]) == {name.strip()}
        assert set(answers["label"]) == {HOSTILE[0], f"own {name}"}
        page.show(path, width)
        page.read(file)
        assert chromium.value("document.querySelector('#reviewer').value") == name
        check_review(name)
