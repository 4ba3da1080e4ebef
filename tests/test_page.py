"""The annotators' page in a real browser: what people press, see, and are spared. Pictures of every step lie in the
folder that LABELLOOP_SCREENSHOTS names, otherwise in pytest's own."""

import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from connectors.label_studio import LabelStudioAnnotators
from connectors.studio import Studio
from connectors.studio_people import add_annotator
from loop.store import Store
from loop.verify import gather
from models.records import ClassDefinition, LabelTask, TaskDescription, Verdict
from tests.desk import Desk

NEWS = TaskDescription(
    "What is the message about?",
    (
        ClassDefinition("sport", "games and those who play them"),
        ClassDefinition("money", "prices, banks, pay"),
        ClassDefinition("law", "courts and what they decide"),
    ),
    guideline="Take the topic that the writer asks about.\nWhere there are two, take the first.",
)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def logins(studio_home: Path, studio_data: Path, studio: Studio) -> dict[str, str]:
    emails = ("kim@example.org", "lee@example.org")
    return {email: add_annotator(studio_home, studio_data, studio, email) or "" for email in emails}


@pytest.fixture
def seat(
    browser: Browser, studio: Studio, logins: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[int], Desk]]:
    """Logs the first or the second of two people in."""
    shots = Path(os.environ.get("LABELLOOP_SCREENSHOTS", tmp_path)) / re.sub(r"\W+", "-", request.node.name)
    seated = []

    def log_in(number: int) -> Desk:
        seated.append(Desk(browser, studio, *list(logins.items())[number], shots))
        return seated[-1]

    yield log_in
    for desk in seated:
        desk.page.context.close()
        assert desk.troubles == []


def project(
    studio: Studio, description: TaskDescription, tasks: list[LabelTask], **shown: bool
) -> LabelStudioAnnotators:
    annotators = LabelStudioAnnotators(studio.url, studio.token, f"page {next(_numbers)}", description, **shown)
    annotators.post(tasks)
    return annotators


def task(number: int, text: str, suggestion: str | None = None, round_: int = 1) -> LabelTask:
    """Earlier numbers have a higher priority."""
    kind = "query" if suggestion else "candidate"
    confidence = 0.87 if suggestion else None
    return LabelTask(
        f"{round_:02x}{number:04x}", f"e{number}", text, round_, kind, 1 - number / 100, suggestion, confidence
    )


def in_store(store: Store, annotators: LabelStudioAnnotators, tasks: list[LabelTask]) -> list[Verdict]:
    """What the loop has stored of the tasks after a look at the server; the last is the newest."""
    store.add(tasks)
    gather(store, annotators, tasks, 0, wait=False, waiting=lambda _: None)
    return store.all(Verdict)


def test_two_people_at_once_and_the_store_holds_exactly_what_they_pressed(
    seat: Callable[[int], Desk], studio: Studio, store: Store
) -> None:
    # For each text what is pressed, what ends up chosen before the last key, and what the verdict then is.
    plan: dict[str, tuple[str, tuple[str, ...], tuple[str, str | None]]] = {}
    tasks = []
    for number, (what, suggestion, keys, verdict) in enumerate(
        [
            ("accept", "sport", ("Enter",), ("label", "sport")),
            ("change", "sport", ("2", "Enter"), ("label", "money")),
            ("skip", "law", ("Space",), ("skip", None)),
            ("reject", None, ("x", "Enter"), ("reject", None)),
            ("press the key of the suggestion", "law", ("3", "Enter"), ("label", "law")),
            ("choose without a suggestion", None, ("1", "Enter"), ("label", "sport")),
            ("change twice", "money", ("1", "3", "Enter"), ("label", "law")),
            ("accept another", "money", ("Enter",), ("label", "money")),
        ]
    ):
        tasks.append(task(number, f"text to {what}", suggestion))
        plan[tasks[-1].text] = (what, keys, verdict)
    annotators = project(studio, NEWS, tasks)
    desks = [seat(0), seat(1)]
    for desk in desks:
        desk.begin(annotators)
        desk.shoot("begins")
    assert desks[0].text != desks[1].text

    pressed: dict[str, tuple[str, str, str | None]] = {}
    for desk in itertools.cycle(desks):
        if desk.text:
            text = desk.text
            what, keys, (outcome, label) = plan[text]
            assert desk.press(*keys) == {"accept": 1, "skip": 1}.get(what.split()[0], len(keys))
            desk.shoot(f"after {what}")
            assert text not in pressed
            pressed[text] = (desk.email, outcome, label)
        elif not any(other.text for other in desks):
            break
    texts = {t.uid: t.text for t in tasks}
    assert pressed.keys() == plan.keys()
    assert {who for who, _, _ in pressed.values()} == {desk.email for desk in desks}
    first = in_store(store, annotators, tasks)
    assert {texts[v.task]: (v.annotator, v.outcome, v.label) for v in first} == pressed
    assert len(first) == len(tasks)
    assert all(v.seconds > 0 for v in first)

    edited = "text to accept"
    mind = next(desk for desk in desks if desk.email == pressed[edited][0])
    mind.reopen(annotators, edited)
    mind.press("2", "Enter")
    mind.shoot("edited afterwards")
    both = in_store(store, annotators, tasks)
    assert len(both) == len(tasks) + 1
    old, new = (v for v in both if texts[v.task] == edited)
    assert [(v.annotator, v.label) for v in (old, new)] == [(mind.email, "sport"), (mind.email, "money")]
    assert old.revision.partition("@")[0] == new.revision.partition("@")[0]


def test_one_of_150_classes_takes_a_key_or_a_search(seat: Callable[[int], Desk], studio: Studio) -> None:
    names = [f"{what} {n}" for n, what in enumerate(["card arrival", "lost card", "exchange rate"] * 50)]
    many = replace(NEWS, classes=tuple(ClassDefinition(name, f"about {name}") for name in names))
    tasks = [task(0, "accept", names[149]), task(1, "key", names[3]), task(2, "search")]
    annotators, desk = project(studio, many, tasks), seat(0)
    desk.begin(annotators)
    assert names[149] in desk.page.get_by_text("a machine suggests").inner_text()
    assert desk.chosen == [names[149]]
    desk.shoot("150 classes")
    assert desk.press("Enter") == 1
    assert desk.press("Shift+1", "Enter") == 2
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("RATE 98")
    desk.shoot("search")
    desk.press("Enter", "Tab", "Enter")
    labels = {v.task: v.label for v in annotators.collect(tasks)}
    assert [labels[t.uid] for t in tasks] == [names[149], names[32], "exchange rate 98"]


HOSTILE = [
    "<script>window.owned = 1; alert(1)</script><img src=x onerror='window.owned = 1; alert(2)'><svg onload=alert(3)>",
    "</style><style>* { display: none !important }</style><link rel=stylesheet href=//127.0.0.1:9/x.css>",
    "<div style='position: fixed; inset: 0; background: red; z-index: 9999'><form><button>Submit</form>",
    "$label $provenance ${uid} {{text}} {% csrf_token %} $text",
    "[here](javascript:alert(4)) javascript:alert(5) data:text/html,<script>alert(6)</script>",
    "\u202eright to left, without an end, שלום \u2067",
    "long" * 5000,
]


def test_nothing_in_a_text_runs_or_restyles_the_page(seat: Callable[[int], Desk], studio: Studio) -> None:
    classes = (ClassDefinition(HOSTILE[0], HOSTILE[1]), ClassDefinition("$text", HOSTILE[3]), ClassDefinition("true"))
    told = TaskDescription(HOSTILE[3], classes, guideline="\n".join(HOSTILE[:6]))
    tasks = [task(n, text, classes[n % 3].name) for n, text in enumerate(["harmless", *HOSTILE])]
    annotators, desk = project(studio, told, tasks), seat(0)
    desk.rows(annotators)
    desk.shoot("list")
    desk.begin(annotators)
    before = desk.frame()
    for shown in tasks:
        desk.shoot(f"text {shown.example}")
        assert desk.text == shown.text
        assert desk.frame() == before
        desk.press("Enter")
    assert desk.page.evaluate("window.owned") is None
    assert {v.task: v.label for v in annotators.collect(tasks)} == {t.uid: t.suggestion for t in tasks}


def test_list_and_queue_hold_the_order_and_the_page_speaks_korean(seat: Callable[[int], Desk], studio: Studio) -> None:
    korean = TaskDescription(
        "무엇에 관한 글인가요?",
        (ClassDefinition("배송", "택배와 도착"), ClassDefinition("환불", "돈을 돌려받는 일")),
        "ko",
        "글쓴이가 묻는 것을 고르세요.",
    )
    first = [task(n, f"글 {n}", "배송" if n % 3 else None) for n in range(6)]
    annotators, desk = project(studio, korean, first[::-1], provenance=False, confidence=False), seat(0)
    rows = desk.rows(annotators)
    assert [re.findall(r"글 \d", row) for row in rows] == [[t.text] for t in first]
    assert not any("87%" in row or "LLM" in row for row in rows)
    desk.begin(annotators)
    desk.shoot("Korean")
    page = desk.page.locator(".lsf-main-view, .lsf-main-content").first.inner_text()
    for said in ("단축키", "지침", "글쓴이가 묻는 것을 고르세요.", "배송: 택배와 도착", "쓸 수 없음"):
        assert said in page
    for hidden in ("Guideline", "Classes", "Enter submits", "87%", "LLM이 쓴 글", "실제 글"):
        assert hidden not in page
    seen = []
    for _ in range(4):
        seen.append(desk.text)
        desk.press("1", "Enter")
    assert seen == [t.text for t in first[:4]]

    second = [task(n, f"새 글 {n}", "환불" if n % 2 else None, round_=2) for n in range(3)]
    annotators.post(second[::-1])
    desk.begin(annotators)
    seen = []
    while desk.text:
        seen.append(desk.text)
        desk.press("2", "Enter")
    # The text that she left open comes first, then the new round by its order, then what is left of the old one.
    assert seen == [first[4].text, *(t.text for t in second), first[5].text]
