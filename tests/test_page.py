"""The annotators' page in a real browser: what people press, see, and are spared. Pictures of every step lie in the
folder that LABELLOOP_SCREENSHOTS names, otherwise in pytest's own."""

import itertools
import os
import re
from collections.abc import Callable, Iterator
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
Seated = Callable[[], tuple[Desk, Desk]]


@pytest.fixture(scope="module")
def logins(studio_home: Path, studio_data: Path, studio: Studio) -> dict[str, str]:
    emails = ("kim@example.org", "lee@example.org")
    return {email: add_annotator(studio_home, studio_data, studio, email) or "" for email in emails}


@pytest.fixture
def desks(
    browser: Browser, studio: Studio, logins: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[list[Desk]]:
    """Two people who have logged in."""
    shots = Path(os.environ.get("LABELLOOP_SCREENSHOTS", tmp_path)) / re.sub(r"\W+", "-", request.node.name)
    seated = [Desk(browser, studio, email, password, shots) for email, password in logins.items()]
    yield seated
    for desk in seated:
        desk.page.context.close()
    assert [desk.troubles for desk in seated] == [[], []]


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
    desks: list[Desk], studio: Studio, store: Store
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
            pressed[text] = (desk.id, outcome, label)
        elif not any(other.text for other in desks):
            break
    texts = {t.uid: t.text for t in tasks}
    assert pressed.keys() == plan.keys()
    assert {who for who, _, _ in pressed.values()} == {desk.id for desk in desks}
    first = in_store(store, annotators, tasks)
    assert {texts[v.task]: (v.annotator, v.outcome, v.label) for v in first} == pressed
    assert len(first) == len(tasks)
    assert all(v.seconds > 0 for v in first)

    edited = "text to accept"
    mind = next(desk for desk in desks if desk.id == pressed[edited][0])
    mind.reopen(annotators, edited)
    mind.press("2", "Enter")
    mind.shoot("edited afterwards")
    both = in_store(store, annotators, tasks)
    assert len(both) == len(tasks) + 1
    old, new = (v for v in both if texts[v.task] == edited)
    assert [(v.annotator, v.label) for v in (old, new)] == [(mind.id, "sport"), (mind.id, "money")]
    assert old.revision.partition("@")[0] == new.revision.partition("@")[0]
