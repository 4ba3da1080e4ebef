"""The report in a real browser: at the width of a desk and of a phone, in both languages, light and dark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fakes import TASK
from playwright.sync_api import Browser, Page
from told_run import HOSTILE, fill_every_section

from loop.report.page import LANGUAGES, page
from loop.report.run import Run
from loop.report.sections import SECTIONS, collect
from loop.store import Store

Reports = dict[tuple[str, bool], Path]

WIDTHS = {"desktop": 1280, "phone": 390}
SCHEMES = ("light", "dark")
CURVE = [{"human_labels": 20 * n, "accuracy": 0.4 + 0.1 * n, "macro_f1": 0.4} for n in range(1, 6)]
REPLAY: dict[str, Any] = {
    "plan": {"train": "train.csv"},
    "full_supervision": {"accuracy": 0.9},
    "arms": [{"arm": arm, "seed": n, "curve": CURVE} for n in range(2) for arm in ("random", HOSTILE[0], "word" * 40)],
}
# Two pieces of text whose ink meets, and what is wider than the window. What a box cuts off or scrolls is not seen.
LAYOUT = (Path(__file__).parent / "layout.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The report of a run with hostile texts in every place, by language and whether a text may be of many classes."""
    folder = tmp_path_factory.mktemp("pages")
    with Store(folder / "run") as store:
        fill_every_section(store, HOSTILE)
        task = replace(TASK, sentence=HOSTILE[1])
        found: Reports = {}
        for sets, languages in ((False, LANGUAGES), (True, ("ko",))):
            run = Run(store, replace(task, multi_label=sets), HOSTILE[0], REPLAY)
            sections = collect(run)
            for language in languages:
                found[language, sets] = folder / f"{language}-{sets}.html"
                found[language, sets].write_text(page(run, sections, language), encoding="utf-8")
    return found


@dataclass(frozen=True)
class Opened:
    """A page with all that it says and asks for."""

    page: Page
    heard: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, file: Path, width: int, scheme: Any) -> Iterator[Opened]:
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        found = Opened(context.new_page())
        found.page.on("console", lambda message: found.heard.append(message.text))
        found.page.on("pageerror", lambda error: found.heard.append(str(error)))
        found.page.on("dialog", lambda dialog: found.heard.append(dialog.message))
        found.page.on("request", lambda request: found.asked.append(request.url))
        found.page.goto(file.as_uri())
        yield found


@pytest.fixture(params=[(w, s) for w in WIDTHS for s in SCHEMES], ids="-".join)
def window(request: pytest.FixtureRequest) -> tuple[int, str]:
    width, scheme = request.param
    return WIDTHS[width], scheme


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_reads_well_asks_for_nothing_and_shuts_nobody_out(
    browser: Browser, reports: Reports, language: str, window: tuple[int, str], tmp_path: Path
) -> None:
    with opened(browser, reports[language, False], *window) as found:
        found.page.screenshot(path=tmp_path / "report.png", full_page=True)
        assert found.page.locator("section").count() == len(SECTIONS)
        assert found.page.evaluate(LAYOUT) == {"wide": [], "met": []}
        assert found.asked == [found.page.url]
        assert found.heard == []
        violations = Axe().run(found.page).response["violations"]
    barred = [(v["id"], [n["html"] for n in v["nodes"]]) for v in violations if v["impact"] in ("serious", "critical")]
    assert barred == []


def test_hostile_texts_are_read_as_they_are(browser: Browser, reports: Reports) -> None:
    shapes = ("{{ 7 * 7 }}", "{{ config }}", "😀🎉👩‍👩‍👧‍👦", "배송이늦어요" * 20)
    with opened(browser, reports["en", False], WIDTHS["phone"], "light") as found:
        shown = found.page.locator("body").inner_text()
        assert [text for text in (HOSTILE[0], HOSTILE[1], HOSTILE[4], *shapes) if text not in shown] == []
        assert found.page.locator("script, img, iframe, link").count() == 0


def test_sets_of_classes_have_a_page_too(browser: Browser, reports: Reports) -> None:
    with opened(browser, reports["ko", True], WIDTHS["phone"], "dark") as found:
        assert found.page.locator("section").count() == len(SECTIONS) - 1
        assert found.page.evaluate(LAYOUT) == {"wide": [], "met": []}
        assert found.heard == []


def test_what_meets_or_sticks_out_is_found(browser: Browser, reports: Reports) -> None:
    with opened(browser, reports["en", False], WIDTHS["phone"], "light") as found:
        found.page.add_style_tag(content="h2 { margin-bottom: -2rem } .lead { width: 1000px }")
        layout = found.page.evaluate(LAYOUT)
        assert layout["met"]
        assert layout["wide"]
        found.page.evaluate("console.error('mind this'); fetch('http://127.0.0.1:9/').catch(() => 0)")
        assert "mind this" in found.heard
        assert any("127.0.0.1:9" in said for said in found.heard)
