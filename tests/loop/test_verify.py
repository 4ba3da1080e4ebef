"""What humans must see reaches them once, blind where it must be, and every verdict is kept."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from connectors.annotators import InstantAnnotators, SimulatedAnnotator, simulated_crowd
from loop.store import Store
from loop.verify import gather, make_tasks, task_uid
from models.errors import OutageError
from models.records import Candidate, Example, LabelTask, Purpose, Queried, Suggestion, Verdict

EXAMPLES = {n: Example(n, f"text {n}", "pool") for n in "1234"}
SUGGESTIONS = {n: Suggestion(n, 2, "m", "late", 0.9) for n in "1234c"}
CANDIDATE = Candidate("c", "written", 2, 0, "late", "key", "m", ())


def asked(*purposes: Purpose) -> dict[str, LabelTask]:
    queried = [Queried(2, str(n), purpose, n / 10) for n, purpose in enumerate(purposes, start=1)]
    return {t.example: t for t in make_tasks("p", 2, queried, EXAMPLES, SUGGESTIONS, [CANDIDATE])}


def test_only_queried_texts_are_shown_with_a_suggestion() -> None:
    tasks = asked("holdout", "start", "query")
    assert {n: t.suggestion for n, t in tasks.items()} == {"1": None, "2": None, "3": "late", "c": None}
    assert tasks["3"].confidence == 0.9
    assert tasks["1"].confidence is None


def test_what_is_for_the_llm_is_not_shown_to_humans() -> None:
    assert set(asked("llm", "query", "llm")) == {"2", "c"}


def test_a_query_without_a_suggestion_is_blind() -> None:
    (task,) = make_tasks("p", 1, [Queried(1, "1", "query", 0.5)], EXAMPLES, {}, [])
    assert (task.suggestion, task.confidence, task.text, task.priority) == (None, None, "text 1", 0.5)


def test_kinds_say_what_a_task_is_for() -> None:
    assert {n: t.kind for n, t in asked("holdout", "start", "query").items()} == {
        "1": "holdout",
        "2": "start",
        "3": "query",
        "c": "candidate",
    }


def test_a_text_has_one_uid_in_a_project_and_another_elsewhere() -> None:
    (early,) = make_tasks("p", 1, [Queried(1, "1", "query", 0.5)], EXAMPLES, {}, [])
    (late,) = make_tasks("p", 7, [Queried(7, "1", "start", 0.1)], EXAMPLES, {}, [])
    assert early.uid == late.uid == task_uid("p", "1")
    assert len({task_uid("p", "1"), task_uid("q", "1"), task_uid("p", "2")}) == 3


TASKS = [LabelTask(task_uid("p", n), n, f"text {n}", 1, "query", 0.5) for n in "123"]
SIMULATED = SimulatedAnnotator({f"text {n}": "late" for n in "123"}, ["late", "lost"])


class SlowAnnotators(InstantAnnotators):
    """Judges one more task at each look, and remembers what was posted."""

    def __init__(self) -> None:
        super().__init__(SIMULATED)
        self.posted: list[str] = []
        self.looks = 0

    def post(self, tasks: Sequence[LabelTask]) -> int:
        self.posted += [t.uid for t in tasks]
        return super().post(tasks)

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        self.looks += 1
        return super().collect(tasks[: self.looks])


def gathered(store: Store, annotators: InstantAnnotators, wait: bool) -> tuple[bool, list[str]]:
    heard: list[str] = []
    done = gather(store, annotators, TASKS, 0, wait, heard.append)
    return done, heard


def test_verdicts_are_gathered_until_every_task_has_one(store: Store) -> None:
    annotators = SlowAnnotators()
    assert gathered(store, annotators, wait=True) == (True, ["1/3 verdicts", "2/3 verdicts", "3/3 verdicts"])
    assert [v.task for v in store.all(Verdict)] == [t.uid for t in TASKS]
    # Once more before it is over, in case somebody has deleted one.
    assert annotators.posted == 2 * [t.uid for t in TASKS]


def test_without_waiting_it_looks_once_and_keeps_what_it_saw(store: Store) -> None:
    annotators = SlowAnnotators()
    assert gathered(store, annotators, wait=False) == (False, ["1/3 verdicts"])
    assert len(store.all(Verdict)) == 1
    assert gathered(store, annotators, wait=False)[0] is False
    assert gathered(store, annotators, wait=False)[0] is True
    assert len(store.all(Verdict)) == 3


def test_instant_verdicts_need_one_look(store: Store) -> None:
    assert gathered(store, InstantAnnotators(SIMULATED), wait=True) == (True, ["3/3 verdicts"])


def test_what_becomes_needless_is_taken_from_the_page_and_not_waited_for(store: Store) -> None:
    class Busy(InstantAnnotators):
        """Never comes to the third task."""

        def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
            return super().collect([task for task in tasks if task.example != "3"])

        def recall(self, tasks: Sequence[LabelTask]) -> None:
            recalled.append([task.example for task in tasks])

    recalled: list[list[str]] = []

    def needless() -> list[LabelTask]:
        return TASKS[2:] if store.all(Verdict) else []

    assert gather(store, Busy(SIMULATED), TASKS, 0, False, lambda _: None, needless) is True
    assert recalled == [[], ["3"]]
    assert {v.task for v in store.all(Verdict)} == {t.uid for t in TASKS[:2]}


def test_a_skip_is_an_answer(store: Store) -> None:
    nobody = SimulatedAnnotator({}, ["late", "lost"])
    assert gathered(store, InstantAnnotators(nobody), wait=False)[0] is True


def test_a_kill_between_two_looks_loses_no_verdict(store: Store) -> None:
    class Killed(SlowAnnotators):
        def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
            if self.looks == 2:
                raise KeyboardInterrupt
            return super().collect(tasks)

    with pytest.raises(KeyboardInterrupt):
        gathered(store, Killed(), wait=True)
    assert len(store.all(Verdict)) == 2
    assert gathered(store, InstantAnnotators(SIMULATED), wait=True)[0]
    assert len(store.all(Verdict)) == 3


class FlakyAnnotators(SlowAnnotators):
    """Its server is away at the second look."""

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        if self.looks == 1:
            self.looks += 1
            raise OutageError("Nobody answers.")
        return super().collect(tasks)


def test_an_outage_while_people_work_is_waited_out(store: Store) -> None:
    done, heard = gathered(store, FlakyAnnotators(), wait=True)
    assert done
    assert heard == ["1/3 verdicts", "Nobody answers. Waiting for it.", "3/3 verdicts"]
    assert len(store.all(Verdict)) == 3


def test_an_outage_is_told_where_nobody_waits(store: Store) -> None:
    annotators = FlakyAnnotators()
    assert gathered(store, annotators, wait=False)[0] is False
    with pytest.raises(OutageError):
        gathered(store, annotators, wait=False)


def test_an_outage_before_anything_is_posted_ends_the_run(store: Store) -> None:
    class Away(InstantAnnotators):
        def post(self, tasks: Sequence[LabelTask]) -> int:
            raise OutageError("Nobody answers.")

    with pytest.raises(OutageError):
        gathered(store, Away(SIMULATED), wait=True)


def test_second_thoughts_about_an_earlier_round_are_stored_beside_the_first(store: Store) -> None:
    earlier = LabelTask(task_uid("p", "0"), "0", "text 0", 0, "start", 0.5)
    store.add([earlier, *TASKS, Verdict(earlier.uid, "label", "lost", "simulated", "0")])
    people = SimulatedAnnotator(dict(SIMULATED.truth) | {"text 0": "late"}, SIMULATED.classes)
    assert gathered(store, InstantAnnotators(people), wait=True)[0]
    assert [v.label for v in store.all(Verdict, task=earlier.uid)] == ["lost", "late"]


def test_a_task_for_several_people_is_done_when_all_of_them_have_judged_it(store: Store) -> None:
    crowd = InstantAnnotators(*simulated_crowd(SIMULATED.truth, SIMULATED.classes, [0.9, 0.9]))
    shared = [replace(TASKS[0], people=2), *TASKS[1:]]
    heard: list[str] = []
    assert not gather(store, InstantAnnotators(SIMULATED, SIMULATED), shared, 0, False, heard.append)
    assert gather(store, crowd, shared, 0, False, heard.append)
    assert heard == ["3/4 verdicts", "4/4 verdicts"]


def test_a_dispute_that_one_of_the_quarrellers_answers_stays_for_another(store: Store) -> None:
    shared, dispute = replace(TASKS[0], people=2), replace(TASKS[0], uid="again", kind="adjudication")

    class Page(InstantAnnotators):
        """On which only the last to come has not judged the text before."""

        def __init__(self) -> None:
            super().__init__(SIMULATED, SIMULATED)
            self.posted: list[int] = []
            self.comers = ["kim", "lee"]

        def post(self, tasks: Sequence[LabelTask]) -> int:
            self.posted += [t.people for t in tasks]
            return 0

        def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
            who = self.comers[: len(self.posted)]
            return [Verdict("again", "label", "late", name, name) for name in who] if tasks[0].uid == "again" else []

    store.add([shared, replace(TASKS[1], people=1), dispute])
    store.add([Verdict(shared.uid, "label", label, who, who) for who, label in (("kim", "late"), ("han", "lost"))])
    store.add([Verdict(TASKS[1].uid, "label", "late", "lee", "lee")])
    page = Page()
    assert gather(store, page, [dispute], 0, True, lambda _: None)
    assert page.posted[:2] == [1, 2]


def test_a_blind_query_keeps_who_would_have_suggested() -> None:
    queried = [Queried(2, n, "query", 0.5) for n in "12"]
    shown, blind = make_tasks("p", 2, queried, EXAMPLES, SUGGESTIONS, [], blind={"2"})
    assert (shown.suggestion, shown.confidence, shown.suggester) == ("late", 0.9, "m")
    assert (blind.suggestion, blind.confidence, blind.suggester) == (None, None, "m")


def test_an_audit_is_blind() -> None:
    (task,) = make_tasks("p", 2, [Queried(2, "1", "audit", 0.5)], EXAMPLES, SUGGESTIONS, [])
    assert (task.kind, task.suggestion, task.confidence) == ("audit", None, None)
