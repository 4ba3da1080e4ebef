"""An adjudicator's word settles, or another person's where none is named; the LLM is a voice, never the answer."""

import numpy as np
import pytest

from connectors.annotators import InstantAnnotators, simulated_crowd
from loop.labelled import latest_verdicts
from loop.people.consensus import answer, consensus, disputed, last_words
from loop.people.panel import Panel
from loop.store import Store
from loop.verify import counted
from models.records import LabelTask, Suggestion, TaskKind, Verdict, text_id


def said(who: str, label: str | None, task: str = "u") -> Verdict:
    return Verdict(task, "label" if label else "skip", label, who, f"{who} 1")


def asked(kind: TaskKind = "query", uid: str = "u", suggestion: str | None = None, suggester: str = "") -> LabelTask:
    return LabelTask(uid, "e", "text", 1, kind, 0.5, suggestion, people=2, suggester=suggester)


DISPUTE = [asked(), asked("adjudication", "again")]


def test_the_adjudicators_word_settles_whatever_the_others_say() -> None:
    verdicts = [said("a", "late"), said("b", "late"), said("c", "lost"), said("judge", "paid", "again")]
    words = last_words(DISPUTE, verdicts)
    assert consensus(words, "judge")["u"].label == "paid"
    assert consensus(words)["u"].label == "late"
    assert disputed(last_words(DISPUTE, [said("a", "late"), said("judge", "lost", "again")]), "judge") == []


def test_what_a_machine_says_of_some_texts_weighs_nobody_on_others() -> None:
    rng = np.random.default_rng(0)
    right = {f"{kind}{n}": str(rng.choice(["late", "lost", "paid"])) for kind in "hq" for n in range(60)}
    judged = [(uid, str(who)) for uid in right for who in rng.permutation(list("abc"))[:2]]
    sure = {"a": 0.9, "b": 0.75, "c": 0.6}
    heard = [said(who, right[uid] if rng.random() < sure[who] else "paid", uid) for uid, who in judged]
    votes = {uid: said("llm", label, uid) for uid, label in right.items() if uid.startswith("q")}
    words = last_words([], heard)
    alone, together = consensus(words), consensus(words, "", votes)
    assert [alone[uid] for uid in right if uid.startswith("h")] == [
        together[uid] for uid in right if uid.startswith("h")
    ]
    assert alone != together


def test_an_adjudicator_who_skips_decides_nothing() -> None:
    words = last_words(DISPUTE, [said("a", "late"), said("b", "late"), said("judge", None, "again")])
    assert consensus(words, "judge")["u"].label == "late"


@pytest.mark.parametrize(
    ("adjudicator", "who", "done"),
    [("judge", "judge", True), ("judge", "c", False), ("", "c", True), ("", "a", False), ("", "new", True)],
)
def test_a_dispute_waits_for_the_adjudicator_or_for_somebody_else(adjudicator: str, who: str, done: bool) -> None:
    verdicts = [said("a", "late"), said("b", "lost"), said("c", "late", "other"), said(who, "late", "again")]
    assert (verdicts[-1] in Panel(adjudicator).counted(DISPUTE, verdicts)) == done


def test_where_there_is_nobody_else_a_second_thought_will_do() -> None:
    verdicts = [said("a", "late"), said("b", "lost"), said("a", "lost", "again")]
    assert Panel().counted(DISPUTE, verdicts) == verdicts


MADE = [Suggestion("e", 1, "llm", "lost", 0.9), Suggestion("e", 1, "classifier", "paid", 0.9)]


@pytest.mark.parametrize(
    ("task", "votes"),
    [
        (asked(), ["lost"]),
        (asked("audit"), ["lost"]),
        (asked(suggestion="paid", suggester="classifier"), ["lost"]),
        (asked(suggestion="lost", suggester="llm"), []),
        (asked("holdout"), []),
        (asked("candidate"), []),
    ],
)
def test_the_llm_votes_where_people_did_not_see_its_label(task: LabelTask, votes: list[str]) -> None:
    assert [v.label for v in Panel(llm_votes=True).machine_votes([task], MADE).values()] == votes
    assert Panel().machine_votes([task], MADE) == {}


def test_a_machines_vote_breaks_a_tie_and_is_never_the_answer() -> None:
    machine = {"u": said("llm", "lost")}
    words = {"u": {"a": said("a", "late"), "b": said("b", "lost")}}
    assert disputed(words) == ["u"]
    assert disputed(words, machine=machine) == []
    assert consensus(words, machine=machine)["u"] == said("b", "lost")
    assert consensus(words)["u"] == said("a", "late")
    words = {"u": {"a": said("a", "late"), "b": said("b", "paid")}}
    assert disputed(words, machine=machine) == ["u"]
    assert consensus(words, machine=machine)["u"] in words["u"].values()


def test_one_person_is_not_contradicted_by_a_machine() -> None:
    words = {"u": {"a": said("a", "late")}}
    assert consensus(words, machine={"u": said("llm", "lost")})["u"].label == "late"
    assert disputed(words, machine={"u": said("llm", "lost")}) == []


def test_a_good_machine_makes_two_peoples_consensus_better() -> None:
    tasks = [LabelTask(text_id(f"uid {n}"), f"e{n}", f"text {n}", 1, "query", 0.5, people=2) for n in range(400)]
    truth = {t.text: ["late", "lost", "paid"][n % 3] for n, t in enumerate(tasks)}
    *people, llm = simulated_crowd(truth, ["late", "lost", "paid"], [0.8, 0.7, 0.85])
    words = last_words(tasks, InstantAnnotators(*people).collect(tasks))
    votes = {t.uid: llm.answer(t) for t in tasks}
    right = [
        np.mean([agreed[t.uid].label == truth[t.text] for t in tasks])
        for agreed in (consensus(words), consensus(words, machine=votes))
    ]
    assert right[1] > right[0] + 0.05


def test_a_run_goes_by_the_panel_that_it_was_last_started_with(store: Store) -> None:
    store.add([asked(), asked("adjudication", "again"), *MADE])
    store.add([said("a", "late"), said("b", "lost"), said("a", "late", "again")])
    assert answer(latest_verdicts(store)["u"])[1] == "late"
    assert len(counted(store)) == 3
    Panel("judge", llm_votes=True).write(store)
    assert answer(latest_verdicts(store)["u"])[1] == "lost"
    assert len(counted(store)) == 2
