"""kill -9 at random instants of push, poll and pull, before a server that fails and restarts: nothing is lost or
doubled."""

import multiprocessing
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sync_child
from faulty_proxy import Proxy

from connectors.label_studio_api import LabelStudioApi
from connectors.label_studio_project import find_project
from connectors.labeling_config import choice_result
from connectors.studio import Studio, start
from loop.people.consensus import last_words
from loop.store import Store
from models.errors import AnnotatorError
from models.records import Verdict

PER_LIFE = 5
FORK = multiprocessing.get_context("forkserver")


class Person:
    """Judges whatever is unjudged, through the server itself, and changes every fifth answer a moment later. What the
    server has confirmed is in `said`."""

    def __init__(self, studio: Studio, title: str, seed: int) -> None:
        self._api = LabelStudioApi(studio.url, studio.token)
        self._title = title
        self._dice = random.Random(seed)
        self._stop = threading.Event()
        self.said = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(0.1):
            try:
                self._judge()
            except AnnotatorError:
                continue

    def _judge(self) -> None:
        project = find_project(self._api, self._title)
        nobody = [("total_annotations", "equal", "Number", 0)]
        rows = self._api.tasks(project, nobody, include="id,data", limit=50) if project else []
        if not rows:
            return
        row = self._dice.choice(rows)
        label = self._dice.choice(sync_child.CLASSES)
        made = self._api.ask(lambda c: c.annotations.create(row.id, result=choice_result(label)))
        self.said += 1
        if self._dice.random() < 0.2:
            other = self._dice.choice(sync_child.CLASSES)
            self._api.ask(lambda c: c.annotations.update(made.id, result=choice_result(other)))


def killed_at_random(studio: Studio, directory: Path, title: str, kills: int, restart: Callable[[int], None]) -> str:
    """Plays the lives of a run until so many have ended by a kill at their work, and holds the store against the
    server."""
    dice, moments = random.Random(7), Counter[str]()
    FORK.set_forkserver_preload(["sync_child"])
    with Proxy(studio.url) as proxy:
        person = Person(studio, title, seed=1)
        proxy.dice, proxy.rate = random.Random(3), 0.05
        lives = 0
        while moments["push"] + moments["poll"] + moments["pull"] < kills:
            lives += 1
            process = _life(directory, proxy, studio, title, PER_LIFE * lives)
            _wait_for_requests(proxy, dice.randint(4, 28), process)
            process.join(dice.uniform(0.0, 0.1))
            process.kill()
            process.join()
            if process.exitcode != -signal.SIGKILL:
                # Everything was judged before its time had come.
                assert process.exitcode == 0
                continue
            moments[_doing(proxy.seen)] += 1
            restart(moments.total())
        count = PER_LIFE * lives + 1
        for _ in range(20):
            process = _life(directory, proxy, studio, title, count)
            process.join()
            if process.exitcode == 0:
                break
        # What was sent for dead may have landed by now: the next round's comparison, undisturbed.
        proxy.rate = 0.0
        last = _life(directory, proxy, studio, title, count)
        last.join()
        person.stop()
        struck = sum(proxy.struck.values())
    assert last.exitcode == 0
    lost, doubled = _held_against(studio, directory, title, count)
    assert (lost, doubled) == (0, 0)
    return (
        f"{moments.total()} kills {dict(moments)} in {lives} lives, {struck} faults {dict(proxy.struck)}: "
        f"{count} tasks, {person.said} verdicts, {lost} lost, {doubled} doubled"
    )


def _life(directory: Path, proxy: Proxy, studio: Studio, title: str, count: int) -> Any:
    arguments = (directory, proxy.url, studio.token, title, count)
    process = FORK.Process(target=sync_child.work, args=arguments, daemon=True)
    proxy.seen.clear()
    process.start()
    return process


def _wait_for_requests(proxy: Proxy, count: int, process: Any) -> None:
    end = time.monotonic() + 60
    while len(proxy.seen) < count and process.is_alive() and time.monotonic() < end:
        time.sleep(0.002)


def _doing(seen: list[str]) -> str:
    """What a life was at when it ended, by what it had asked."""
    if any("annotations_ids" in line for line in seen):
        return "poll" if "annotations_ids" in seen[-1] else "pull"
    # Before anything is sent, what is there is listed.
    return "push" if any("/api/tasks/" in line for line in seen) else "looking for the project"


def _held_against(studio: Studio, directory: Path, title: str, count: int) -> tuple[int, int]:
    """The server's annotations that are not in the store as they are, and the tasks that are there twice."""
    api = LabelStudioApi(studio.url, studio.token)
    project = find_project(api, title)
    assert project is not None
    rows = api.tasks(project, [])
    with Store(directory) as store:
        words = last_words(sync_child.tasks(count), store.all(Verdict))
    held = {uid: next(iter(said.values())) for uid, said in words.items()}
    lost = 0
    for row in rows:
        (annotation,) = row.annotations
        verdict = held.get(row.data["uid"])
        revision = f"{annotation['id']}@{annotation['updated_at']}"
        lost += verdict is None or verdict.revision.partition(" ")[0] != revision
    uids = Counter(row.data["uid"] for row in rows)
    assert set(uids) == {task.uid for task in sync_child.tasks(count)}
    return lost, len(rows) - len(uids)


@pytest.mark.timeout(900)
def test_a_few_kills(studio: Studio, tmp_path: Path) -> None:
    print(killed_at_random(studio, tmp_path, f"few kills {tmp_path.parent.name}", 5, lambda _: None))


@pytest.mark.slow
@pytest.mark.timeout(2700)
def test_sixty_kills_and_restarts(studio_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    server = [start(studio_home, data)]
    port = int(server[0].url.rsplit(":", 1)[1])

    def restart(number: int) -> None:
        if number % 20 == 10:
            server[0].process.send_signal(signal.SIGKILL)
            server[0].process.wait()
            server[0] = start(studio_home, data, port)

    try:
        said = killed_at_random(server[0], tmp_path / "run", "killed at random", 62, restart)
    finally:
        server[0].stop()
    with capsys.disabled():
        print(f"\n{said}, 3 restarts of the server")
