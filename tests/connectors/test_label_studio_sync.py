"""The page and the run's store stay one: edits, second thoughts, deletions, drafts, and a second writer."""

import logging
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from on_server import NEWS, Opened, ids, on_server, project_of, tasks_of, uids

from connectors.label_studio import LabelStudioAnnotators
from connectors.label_studio_lease import LASTS, Lease, Writer
from connectors.labeling_config import choice_result
from connectors.studio import Studio
from loop.people.consensus import last_words, outstanding
from loop.store import Store
from loop.verify import take_in
from models.errors import AnnotatorError
from models.records import LabelTask, Verdict


def said(store: Store, uid: str) -> list[tuple[str, str | None]]:
    return [(v.outcome, v.label) for v in store.all(Verdict, task=uid)]


def test_every_change_of_mind_is_a_new_row(opened: Opened, person: Any, store: Store) -> None:
    tasks, annotators = tasks_of(1, 2), opened()
    store.add(tasks)
    annotators.post(tasks)
    uid = tasks[0].uid
    first = person.annotations.create(ids(annotators, person)[uid], result=choice_result("sport"))
    take_in(store, annotators, tasks)
    take_in(store, annotators, tasks)
    person.annotations.update(first.id, result=choice_result("$money"))
    take_in(store, annotators, tasks)
    second = person.annotations.create(ids(annotators, person)[uid], result=[], was_cancelled=True)
    take_in(store, annotators, tasks)
    # Without the second annotation the first one is their word again.
    person.annotations.delete(second.id)
    take_in(store, annotators, tasks)
    take_in(store, opened(), tasks)
    assert said(store, uid) == [("label", "sport"), ("label", "$money"), ("skip", None), ("label", "$money")]


def test_a_deleted_annotation_takes_the_verdict_back_and_a_deleted_task_does_not(
    opened: Opened, person: Any, store: Store
) -> None:
    tasks, annotators = tasks_of(1, 3), opened()
    store.add(tasks)
    annotators.post(tasks)
    at = ids(annotators, person)
    made = [person.annotations.create(at[t.uid], result=choice_result("sport")) for t in tasks]
    take_in(store, annotators, tasks)
    person.annotations.delete(made[0].id)
    person.tasks.delete(str(at[tasks[1].uid]))
    for _ in range(2):
        # What was deleted shows when all is compared, which is when tasks are posted.
        annotators.post(tasks)
        take_in(store, annotators, tasks)
    assert len(uids(on_server(annotators, person))) == 3
    assert [said(store, t.uid) for t in tasks] == [
        [("label", "sport"), ("withdrawn", None)],
        [("label", "sport")],
        [("label", "sport")],
    ]
    verdicts = store.all(Verdict)
    assert list(last_words(tasks, verdicts)) == [t.uid for t in tasks[1:]]
    assert outstanding(tasks, verdicts) == 1
    person.annotations.create(at[tasks[0].uid], result=choice_result("$money"))
    take_in(store, annotators, tasks)
    assert outstanding(tasks, store.all(Verdict)) == 0


def test_a_deleted_task_that_is_still_needed_comes_back(opened: Opened, person: Any) -> None:
    tasks, annotators = tasks_of(1, 3), opened()
    annotators.post(tasks)
    person.tasks.delete(str(ids(annotators, person)[tasks[1].uid]))
    assert annotators.post(tasks) == 1
    assert Counter(uids(on_server(annotators, person))) == Counter(t.uid for t in tasks)


def test_a_deleted_project_is_told_and_made_anew(opened: Opened, person: Any) -> None:
    tasks, annotators = tasks_of(1, 2), opened()
    annotators.post(tasks)
    person.projects.delete(project_of(annotators))
    with pytest.raises(AnnotatorError, match=r"404: .*may have been deleted there. Run the command again"):
        annotators.post(tasks)
    assert opened().post(tasks) == 2


def test_a_text_that_an_earlier_run_has_posted_is_not_posted_again(opened: Opened, person: Any) -> None:
    opened().post(tasks_of(1, 3))
    later = [LabelTask(t.uid, t.example, t.text, 5, "query", t.priority) for t in tasks_of(1, 4)]
    assert opened().post(later) == 1
    assert len(on_server(opened(), person)) == 4


def test_drafts_and_predictions_are_no_verdicts(opened: Opened, person: Any) -> None:
    tasks, annotators = tasks_of(1, 2), opened()
    annotators.post(tasks)
    at = ids(annotators, person)
    raw = person._client_wrapper.httpx_client
    draft = raw.request(
        f"api/tasks/{at[tasks[0].uid]}/drafts", method="POST", json={"result": choice_result("sport"), "lead_time": 1}
    )
    assert draft.status_code == 201
    again = [{"task": at[t.uid], "result": choice_result("$money"), "model_version": "by hand"} for t in tasks]
    person.projects.import_predictions(project_of(annotators), request=again)
    assert annotators.collect(tasks) == []
    assert opened().collect(tasks) == []
    assert annotators.post(tasks) == 0


def test_what_nobody_needs_leaves_the_page(opened: Opened, person: Any, studio: Studio) -> None:
    tasks, annotators = tasks_of(1, 4), opened()
    shared = [LabelTask(t.uid, t.example, t.text, 1, "query", 0.1, people=2) for t in tasks[:1]]
    annotators.post([*shared, *tasks[1:]])
    at = ids(annotators, person)
    for uid in (tasks[0].uid, tasks[1].uid):
        person.annotations.create(at[uid], result=choice_result("sport"))
    annotators.recall([*shared, *tasks[1:3]])
    left = {row.data["uid"]: row for row in on_server(annotators, person)}
    assert set(left) == {tasks[0].uid, tasks[1].uid, tasks[3].uid}
    assert left[tasks[0].uid].is_labeled
    annotators.collect(tasks)
    assert len(annotators.collect(tasks)) == 2
    annotators.recall([])
    annotators.recall(tasks)
    assert set(uids(on_server(annotators, person))) == {tasks[0].uid, tasks[1].uid}


def test_only_what_changed_is_asked_for(opened: Opened, person: Any, proxy: Any) -> None:
    tasks, annotators = tasks_of(1, 30), opened(proxy.url)
    annotators.post(tasks)
    at = ids(annotators, person)
    for uid in list(at)[:3]:
        person.annotations.create(at[uid], result=choice_result("sport"))
    assert len(annotators.collect(tasks)) == 3
    annotators._annotations._newest += timedelta(minutes=5)
    annotators._annotations._tasks.clear()
    proxy.seen.clear()
    assert annotators.collect(tasks) == []
    (line,) = proxy.seen
    assert "updated_at" in line


def other_process() -> int:
    """The id of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_project_has_one_writer(opened: Opened, person: Any) -> None:
    first = opened(run="one")
    assert first.post(tasks_of(1, 2)) == 2
    with pytest.raises(AnnotatorError, match=r"Another run writes to project .*labelloop run one on .*another annotat"):
        opened(run="two").post(tasks_of(2, 2))
    assert len(on_server(first, person)) == 2
    assert opened(run="one").post(tasks_of(1, 3)) == 1
    description = person.projects.get(project_of(first)).description
    assert description.startswith(f"{NEWS.sentence}\n\nTasks come from labelloop run one on ")
    first.leave()
    assert person.projects.get(project_of(first)).description == NEWS.sentence
    second = opened(run="two")
    assert second.post(tasks_of(2, 2)) == 2
    second.leave()


def test_a_writer_that_is_gone_lets_go(opened: Opened, person: Any) -> None:
    project = project_of(opened())
    here, now = Writer.here("gone"), datetime.now(UTC)
    elsewhere = Writer("gone", "another-machine", here.process)
    claims = [
        Writer("gone", here.host, other_process()).line(now),
        elsewhere.line(now - LASTS - timedelta(seconds=1)),
        Writer("gone", here.host, here.process).line(now - LASTS - timedelta(seconds=1)),
    ]
    for claim in claims:
        person.projects.update(project, description=claim)
        late = opened(run="late")
        assert late.post(tasks_of(1, 1)) in (0, 1)
        late.leave()
    for claim in (elsewhere.line(now), Writer("gone", here.host, here.process).line(now)):
        person.projects.update(project, description=claim)
        with pytest.raises(AnnotatorError, match="Another run writes"):
            opened(run="late").post(tasks_of(1, 1))


def test_of_two_that_claim_a_project_at_once_one_gets_it(opened: Opened, person: Any) -> None:
    project, api = project_of(opened()), opened().api

    class Overtaken(Lease):
        """Another run writes its claim right after this one's."""

        def _write(self, text: str) -> None:
            super()._write(text)
            self._describe(Writer("other", "elsewhere", 1).line(datetime.now(UTC)))

    with pytest.raises(AnnotatorError, match="labelloop run other on elsewhere"):
        Overtaken(api, project, Writer.here("this")).hold()


def test_a_writer_that_was_overtaken_stops_in_the_middle(opened: Opened, person: Any) -> None:
    annotators = opened(run="slow")
    annotators.post(tasks_of(1, 1))
    person.projects.update(project_of(annotators), description=Writer("fast", "elsewhere", 1).line(datetime.now(UTC)))
    with pytest.raises(AnnotatorError, match="labelloop run fast on elsewhere, process 1"):
        annotators.post(tasks_of(2, 2))
    assert len(on_server(annotators, person)) == 1
    annotators.leave()
    assert "run fast" in person.projects.get(project_of(annotators)).description


def test_a_label_of_no_class_takes_nothing_back(
    opened: Opened, person: Any, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    tasks, annotators = tasks_of(1, 1), opened()
    store.add(tasks)
    annotators.post(tasks)
    made = person.annotations.create(ids(annotators, person)[tasks[0].uid], result=choice_result("sport"))
    take_in(store, annotators, tasks)
    person.annotations.update(made.id, result=choice_result("weather"))
    with caplog.at_level(logging.WARNING):
        take_in(store, annotators, tasks)
    assert said(store, tasks[0].uid) == [("label", "sport")]
    assert "is no class" in caplog.text


def test_two_annotators_objects_read_the_same(opened: Opened, person: Any, studio: Studio) -> None:
    tasks = tasks_of(1, 3)
    opened().post(tasks)
    at = ids(opened(), person)
    person.annotations.create(at[tasks[2].uid], result=choice_result("$money"))
    other = LabelStudioAnnotators(studio.url, studio.token, opened().title, NEWS)
    assert other.collect(tasks) == opened().collect(tasks) != []
