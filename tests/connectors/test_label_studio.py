"""Posting and collecting against the real server, and what the network does to them."""

import itertools
import json
import logging
import re
import socket
import traceback
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from on_server import NEWS, Opened, await_that, ids, on_server, project_of, tasks_of, uids
from pytest_httpserver import HTTPServer

from connectors.adjudicated import AdjudicatedAnnotators
from connectors.annotators import SimulatedAnnotator
from connectors.label_studio import LabelStudioAnnotators
from connectors.labeling_config import REJECT, choice_result
from connectors.studio import Studio
from connectors.studio_annotator import StudioWorker
from models.errors import AnnotatorError
from models.records import ClassDefinition, LabelTask, TaskDescription, Verdict

_numbers = itertools.count(1)


def test_the_project_is_created_once_and_then_adopted(opened: Opened, person: Any, studio: Studio) -> None:
    first, second = opened(), opened(studio.url + "/ ")
    assert first.address == second.address
    assert re.fullmatch(re.escape(studio.url) + r"/projects/\d+/data", first.address)
    project = person.projects.get(project_of(first))
    assert not project.show_instruction
    # Markdown, in an attribute: what the guideline says is text in both.
    assert "Be &amp;lt;quick&amp;gt;." in project.label_config
    assert set(project.parsed_label_config["label"]["labels"]) == {"sport", "$money", REJECT}


def test_the_key_s_owner_gets_the_short_keys_beside_his_own(opened: Opened, person: Any) -> None:
    his = {"annotation:annotation:submit": {"key": "ctrl+b", "active": True}}
    person.users.update_hotkeys(custom_hotkeys=his)
    assert opened().address
    skip = {"annotation:annotation:skip": {"key": "space,ctrl+space", "active": True}}
    assert person.users.get_hotkeys().custom_hotkeys == his | skip
    person.users.update_hotkeys(custom_hotkeys={})
    assert opened().address
    assert person.users.get_hotkeys().custom_hotkeys == {}


def test_a_project_for_other_classes_is_not_touched(opened: Opened, studio: Studio) -> None:
    title = opened().title
    assert opened().address
    other = LabelStudioAnnotators(studio.url, studio.token, title, TaskDescription("?", (ClassDefinition("a"),)))
    with pytest.raises(AnnotatorError, match=r"other classes .*sport.* Rename that project"):
        other.post(tasks_of(1, 1, None))


def test_two_projects_of_one_title(opened: Opened, person: Any) -> None:
    for _ in range(2):
        person.projects.create(title=opened().title, label_config="<View></View>")
    with pytest.raises(AnnotatorError, match="2 projects"):
        opened().post(tasks_of(1, 1))


def test_a_title_that_is_part_of_another_is_another_project(studio: Studio) -> None:
    long = LabelStudioAnnotators(studio.url, studio.token, "News, second try", NEWS)
    short = LabelStudioAnnotators(studio.url, studio.token, "news", NEWS)
    assert len({long.address, short.address}) == 2


def test_posting_again_adds_nothing(opened: Opened, person: Any) -> None:
    tasks = tasks_of(1, 5)
    assert opened().post(tasks) == 5
    assert opened().post(tasks) == 0
    assert sorted(uids(on_server(opened(), person))) == [t.uid for t in tasks]
    assert opened().post([]) == 0
    assert opened().collect([]) == []


def test_posting_goes_on_where_it_stopped(opened: Opened, person: Any) -> None:
    tasks = [*tasks_of(1, 4), *tasks_of(12, 3)]
    assert opened().post(tasks[:2]) == 2
    assert opened().post(tasks) == 5
    assert Counter(uids(on_server(opened(), person))) == Counter(t.uid for t in tasks)


def test_more_tasks_than_fit_into_one_import(opened: Opened, person: Any) -> None:
    tasks = tasks_of(1, 1001)
    assert opened().post(tasks) == 1001
    assert opened().post([*tasks, *tasks_of(2, 1)]) == 1
    rows = opened().api.tasks(project_of(opened()), [], include="id,data")
    assert Counter(uids(rows)) == Counter(t.uid for t in [*tasks, *tasks_of(2, 1)])


def test_work_comes_in_order_of_priority(opened: Opened, person: Any, studio: Studio) -> None:
    tasks = tasks_of(2, 8)
    tasks[5:] = [replace(t, suggestion=None) for t in tasks[5:]]
    opened().post(tasks_of(1, 3))
    opened().post(tasks)
    rows = [row for row in on_server(opened(), person) if row.data["batch"] == "round-2"]
    by_priority = [t.uid for t in sorted(tasks, key=lambda t: -t.priority)]
    assert uids(sorted(rows, key=lambda row: row.id)) == by_priority
    assert uids(sorted(rows, key=lambda row: row.predictions[0].score)) == by_priority
    assert [served(opened(), person, studio) for _ in range(8)] == by_priority
    assert person.projects.get(project_of(opened())).model_version == "round-2"


def test_blind_work_comes_in_order_and_without_a_suggestion(opened: Opened, person: Any, studio: Studio) -> None:
    tasks = tasks_of(1, 5, None)
    opened().post(tasks)
    rows = on_server(opened(), person)
    assert all(row.predictions[0].result == [] and row.data["confidence"] == "" for row in rows)
    by_priority = [t.uid for t in sorted(tasks, key=lambda t: -t.priority)]
    assert [served(opened(), person, studio) for _ in range(4)] == by_priority[:4]


def served(annotators: LabelStudioAnnotators, person: Any, studio: Studio) -> str:
    """What "Label All Tasks" shows next; it is then labelled, so that the next call shows another."""
    url = f"{studio.url}/api/projects/{project_of(annotators)}/next"
    request = urllib.request.Request(url, headers={"Authorization": f"Token {studio.token}"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        task = json.load(answer)
    person.annotations.create(task["id"], result=choice_result("sport"))
    return str(task["data"]["uid"])


def test_every_answer_becomes_a_verdict(opened: Opened, person: Any) -> None:
    tasks = tasks_of(1, 6)
    annotators = opened()
    annotators.post(tasks)
    at = ids(annotators, person)
    accept = person.annotations.create(at["010000"], result=choice_result("sport"), lead_time=2.5)
    person.annotations.create(at["010001"], result=choice_result("$money"))
    person.annotations.create(at["010002"], result=[], was_cancelled=True)
    person.annotations.create(at["010003"], result=choice_result(REJECT))
    person.annotations.create(at["010004"], result=choice_result("sport"))
    before = {v.task: v for v in annotators.collect(tasks)}
    assert [(v.task, v.outcome, v.label) for v in sorted(before.values(), key=lambda v: v.task)] == [
        ("010000", "label", "sport"),
        ("010001", "label", "$money"),
        ("010002", "skip", None),
        ("010003", "reject", None),
        ("010004", "label", "sport"),
    ]
    who = str(person.users.whoami().email)
    assert before["010000"].seconds == 2.5
    assert before["010000"].annotator == who
    assert before["010000"].revision.startswith(f"{accept.id}@")
    assert annotators.collect(tasks) == opened().collect(tasks)

    person.annotations.update(accept.id, result=choice_result("$money"))
    person.annotations.create(at["010002"], result=choice_result("sport"))
    person.annotations.create(at["010004"], result=[], was_cancelled=True)
    after = {v.task: v for v in annotators.collect(tasks)}
    assert (after["010000"].label, after["010002"].label, after["010004"].outcome) == (
        "$money",
        "sport",
        "skip",
    )
    assert all(before[uid].revision != after[uid].revision for uid in ("010000", "010002", "010004"))
    assert after["010001"] == before["010001"]
    assert [v.task for v in annotators.collect(tasks[:1])] == ["010000"]


def test_a_label_that_is_no_class_is_ignored_and_told(
    opened: Opened, person: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = tasks_of(1, 2)
    annotators = opened()
    annotators.post(tasks)
    at = ids(annotators, person)
    person.annotations.create(at["010000"], result=choice_result("sport"))
    for uid in at:
        person.annotations.create(at[uid], result=choice_result("weather"))
    with caplog.at_level(logging.WARNING):
        found = [annotators.collect(tasks) for _ in range(2)]
    assert [(v.task, v.label) for v in found[0]] == [("010000", "sport")]
    assert found[0] == found[1]
    assert sorted(record.getMessage()[:11] for record in caplog.records) == ["Task 010000", "Task 010001"]


def test_wild_texts_arrive_as_they_are(opened: Opened, person: Any) -> None:
    wild = [
        "",
        "<b onload='x'>&amp;$text {{x}}</b>",
        "한국어 🎉\u202e\u2028",
        '"\\\n\t',
        "s3://bucket/key",
        "\0",
    ]
    tasks = [replace(t, text=text) for t, text in zip(tasks_of(1, len(wild)), wild, strict=True)]
    opened().post(tasks)
    texts = {row.data["uid"]: row.data["text"] for row in on_server(opened(), person)}
    assert [texts[t.uid] for t in tasks] == [*wild[:-1], "\ufffd"]


def test_a_suggestion_that_is_no_class_is_not_sent(opened: Opened, person: Any) -> None:
    for wrong in ("weather", REJECT):
        with pytest.raises(AnnotatorError, match="Task 010001 suggests"):
            opened().post([*tasks_of(1, 1), *tasks_of(1, 2, wrong)[1:]])
    assert on_server(opened(), person) == []


def test_a_personal_access_token_is_a_key_too(studio: Studio, opened: Opened, personal_token: str) -> None:
    with_token = LabelStudioAnnotators(studio.url, personal_token + "\n", opened().title, NEWS)
    assert with_token.post(tasks_of(1, 2)) == 2


def said(action: Callable[[], object]) -> str:
    with pytest.raises(AnnotatorError) as caught:
        action()
    return str(caught.value) + "".join(traceback.format_exception(caught.value))


def test_messages_tell_what_to_do_and_show_no_key(studio: Studio, httpserver: HTTPServer) -> None:
    secret = "5ecret5ecret5ecret5ecret5ecret5ecret5ec"

    def connect(url: str, key: str = secret) -> str:
        return said(lambda: LabelStudioAnnotators(url, key, "News", NEWS, key_name="MY_KEY").address)

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        heard = {"down": connect(down)}
    httpserver.expect_request("/api/current-user/whoami").respond_with_data("<html>hello</html>")
    httpserver.expect_request("/other/api/current-user/whoami").respond_with_json({"error": "none"}, 404)
    heard |= {
        "refused": connect(studio.url),
        "refused with blanks": connect(studio.url, f" {secret}\n"),
        "inner blank": connect(studio.url, f"{secret} {secret}"),
        "empty": connect(studio.url, " \n"),
        "page": connect(httpserver.url_for("/")),
        "nothing there": connect(httpserver.url_for("/other")),
        "part": connect(studio.url + "/projects/1"),
        "no scheme": connect("localhost:8080"),
    }
    assert f"{down} cannot be reached" in heard["down"]
    for case in ("refused", "refused with blanks"):
        assert "refuses the key (401" in heard[case]
        assert f"{studio.url}/user/account into MY_KEY" in heard[case]
    assert "MY_KEY holds characters that no key has" in heard["inner blank"]
    assert "No key for Label Studio" in heard["empty"]
    for case in ("page", "nothing there", "part"):
        assert "is not a Label Studio" in heard[case]
    assert "is no address" in heard["no scheme"]
    assert not any(secret in text or "sessionid" in text.lower() for text in heard.values())


def test_titles_that_the_server_would_refuse(studio: Studio) -> None:
    for title in (" ab ", "x" * 51):
        with pytest.raises(AnnotatorError, match="3 to 50 characters"):
            LabelStudioAnnotators(studio.url, studio.token, title, NEWS)


def imports(proxy: Any) -> int:
    return sum("/import" in line for line in proxy.seen)


def test_an_import_whose_answer_is_lost_is_not_repeated(opened: Opened, person: Any, proxy: Any) -> None:
    proxy.faults.append(("/import", "lose"))
    tasks = tasks_of(1, 5)
    assert opened(proxy.url).post(tasks) == 5
    assert imports(proxy) == 1
    assert Counter(uids(on_server(opened(), person))) == Counter(t.uid for t in tasks)


def test_an_import_that_lands_late_is_waited_for(opened: Opened, person: Any, proxy: Any) -> None:
    proxy.faults.append(("/import", "late"))
    tasks = tasks_of(1, 5)
    assert opened(proxy.url).post(tasks) == 5
    assert imports(proxy) == 1
    assert Counter(uids(on_server(opened(), person))) == Counter(t.uid for t in tasks)


def test_an_import_that_never_arrived_is_sent_again(opened: Opened, person: Any, proxy: Any) -> None:
    proxy.faults.append(("/import", "refuse"))
    assert opened(proxy.url, patience=0.2).post(tasks_of(1, 5)) == 5
    assert len(on_server(opened(), person)) == 5
    proxy.faults += [("/import", "refuse")] * 2
    text = said(lambda: opened(proxy.url, patience=0.2).post(tasks_of(2, 3)))
    assert "3 tasks, from 02.... on, were sent" in re.sub("02[0-9a-f]{4}", "02....", text)
    assert opened().post(tasks_of(2, 3)) == 3


def test_a_double_that_landed_after_all_is_taken_away(opened: Opened, person: Any, proxy: Any) -> None:
    proxy.faults.append(("/import", "late"))
    tasks = tasks_of(1, 3)
    proxy.delay = 5.0
    annotators = opened(proxy.url, patience=0.2)
    assert annotators.post(tasks) == 3
    await_that(lambda: len(on_server(annotators, person)) == 6)
    rows = on_server(annotators, person)
    judged = [max(row.id for row in rows if row.data["uid"] == uid) for uid in ("010000", "010001")]
    for row in judged:
        person.annotations.create(row, result=choice_result("$money"))
    assert opened().post(tasks) == 0
    left = on_server(annotators, person)
    assert Counter(uids(left)) == Counter(t.uid for t in tasks)
    assert set(judged) < {row.id for row in left}
    assert [v.label for v in opened().collect(tasks)] == ["$money", "$money"]


def test_a_project_whose_creation_was_not_confirmed_is_found(opened: Opened, person: Any, proxy: Any) -> None:
    proxy.faults.append(("POST /api/projects", "lose"))
    assert project_of(opened(proxy.url)) == project_of(opened())
    assert not proxy.faults


def test_a_worker_answers_everything_through_an_outage(opened: Opened, studio: Studio, person: Any, proxy: Any) -> None:
    tasks = tasks_of(1, 8)
    truth = {t.text: ("$money" if i % 2 else "sport") for i, t in enumerate(tasks) if i != 6}
    simulated = SimulatedAnnotator(truth, NEWS.class_names, judge=lambda text: None)
    annotators = opened()
    proxy.faults += [("POST /api/tasks", "refuse"), ("POST /api/tasks", "lose")]
    with StudioWorker(proxy.url, studio.token, annotators.title, simulated):
        annotators.post(tasks)
        found = wait_for(annotators, tasks)
    expected = [simulated.answer(t) for t in tasks]
    assert {(v.task, v.outcome, v.label) for v in found} == {(v.task, v.outcome, v.label) for v in expected}
    assert {v.outcome for v in found} == {"label", "reject"}
    rows = sorted(on_server(annotators, person), key=lambda row: row.annotations[0]["created_at"])
    assert all(len(row.annotations) == 1 for row in rows)
    assert [row.id for row in rows] == sorted(row.id for row in rows)


def wait_for(annotators: LabelStudioAnnotators, tasks: list[LabelTask]) -> list[Verdict]:
    await_that(lambda: len(annotators.collect(tasks)) == len(tasks))
    return annotators.collect(tasks)


def test_a_worker_skips_what_it_cannot_judge(opened: Opened, studio: Studio) -> None:
    annotators, tasks = opened(), tasks_of(1, 1)
    with StudioWorker(studio.url, studio.token, annotators.title, SimulatedAnnotator({}, NEWS.class_names)):
        annotators.post(tasks)
        assert [v.outcome for v in wait_for(annotators, tasks)] == ["skip"]


def test_a_worker_whose_annotator_fails_says_so(opened: Opened, studio: Studio) -> None:
    def judge(text: str) -> str:
        raise RuntimeError(f"cannot judge {text}")

    opened().post(tasks_of(1, 1))
    annotator = SimulatedAnnotator({}, NEWS.class_names, judge=judge)
    worker = StudioWorker(studio.url, studio.token, opened().title, annotator)
    await_that(lambda: not worker.alive)
    with pytest.raises(RuntimeError, match="cannot judge text 0"):
        worker.stop()


def test_sets_of_classes_are_suggested_and_judged(opened: Opened, person: Any, studio: Studio) -> None:
    many = replace(NEWS, multi_label=True)
    sets = LabelStudioAnnotators(studio.url, studio.token, f"{opened().title[:40]} sets", many)
    tasks = [
        replace(t, suggestion=s) for t, s in zip(tasks_of(1, 4), ["$money;sport", "", "sport", "sport"], strict=True)
    ]
    assert sets.post(tasks) == 4
    at = ids(sets, person)
    answers = ["$money;sport", "", "$money", REJECT]
    for task, answer in zip(tasks, answers, strict=True):
        person.annotations.create(at[task.uid], result=choice_result(answer, multi_label=True))
    found = {v.task: (v.outcome, v.label) for v in sets.collect(tasks)}
    labels = [found[task.uid] for task in tasks]
    assert labels == [("label", "$money;sport"), ("label", ""), ("label", "$money"), ("reject", None)]
    single = LabelStudioAnnotators(studio.url, studio.token, sets.title, NEWS)
    with pytest.raises(AnnotatorError, match="made with another"):
        single.post(tasks_of(2, 1, None))


def test_a_task_for_several_people_is_open_until_all_of_them_have_judged_it(opened: Opened, person: Any) -> None:
    annotators = opened()
    alone, shared = tasks_of(1, 2)
    tasks = [alone, replace(shared, people=2)]
    annotators.post(tasks)
    annotators.post(tasks)
    other = person.users.create(email=f"{next(_numbers)}@example.org", username="other", first_name="", last_name="")
    at = ids(annotators, person)
    for uid in at:
        person.annotations.create(at[uid], result=choice_result("sport"))
    annotators.post(tasks_of(2, 1))
    assert {row.data["uid"]: row.is_labeled for row in on_server(annotators, person)} == {
        alone.uid: True,
        shared.uid: False,
        "020000": False,
    }
    person.annotations.create(at[shared.uid], result=choice_result("$money"), completed_by=other.id)
    assert all(row.is_labeled for row in on_server(annotators, person) if row.data["uid"] in at)
    said = {(v.task, v.annotator): v.label for v in annotators.collect(tasks)}
    who = str(person.users.whoami().email)
    assert said == {
        (alone.uid, who): "sport",
        (shared.uid, who): "sport",
        (shared.uid, other.email): "$money",
    }


def test_a_task_that_wants_one_more_after_all_is_open_again(opened: Opened, person: Any) -> None:
    annotators, (task,) = opened(), tasks_of(1, 1)
    annotators.post([task])
    person.annotations.create(ids(annotators, person)[task.uid], result=choice_result("sport"))
    assert [row.is_labeled for row in on_server(annotators, person)] == [True]
    for _ in range(2):
        annotators.post([replace(task, people=2)])
        assert [(row.is_labeled, row.overlap) for row in on_server(annotators, person)] == [(False, 2)]


def test_how_an_answer_came_about_is_read(opened: Opened, person: Any) -> None:
    annotators, tasks = opened(), tasks_of(1, 3)
    annotators.post(tasks)
    at = ids(annotators, person)
    (chosen,) = choice_result("sport")
    origins = ["prediction", "prediction-changed", None]
    for task, origin in zip(tasks, origins, strict=True):
        result = [chosen | ({"origin": origin} if origin else {})]
        person.annotations.create(at[task.uid], result=result)
    assert [v.origin for v in sorted(annotators.collect(tasks), key=lambda v: v.task)] == [o or "" for o in origins]


def test_disputes_go_to_a_project_of_the_adjudicators(opened: Opened, person: Any, studio: Studio) -> None:
    annotators = opened()
    disputes = LabelStudioAnnotators(studio.url, studio.token, f"{annotators.title} (disputes)", NEWS)
    both = AdjudicatedAnnotators(annotators, disputes)
    ordinary, dispute = tasks_of(1, 2, None)
    tasks = [ordinary, replace(dispute, kind="adjudication")]
    assert (both.post([ordinary]), both.address) == (1, annotators.address)
    assert (both.post(tasks), both.post(tasks)) == (1, 0)
    assert both.address == f"{annotators.address}, disputes: {disputes.address}"
    assert uids(on_server(annotators, person)) == [ordinary.uid]
    assert uids(on_server(disputes, person)) == [dispute.uid]
    for place in (annotators, disputes):
        for task in ids(place, person).values():
            person.annotations.create(task, result=choice_result("sport"))
    who = person.users.whoami().email
    assert [(v.task, v.annotator) for v in both.collect(tasks)] == [(ordinary.uid, who), (dispute.uid, who)]
