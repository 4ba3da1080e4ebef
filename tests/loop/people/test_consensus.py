"""Several people's verdicts come to one answer a task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.annotators import InstantAnnotators, simulated_crowd
from loop.people.consensus import consensus, disputed, last_words, outstanding
from models.records import LabelTask, Outcome, TaskKind, Verdict, text_id

CLASSES = ["late", "lost", "paid"]


def task(name: str, kind: TaskKind = "query", example: str = "e", people: int = 1) -> LabelTask:
    return LabelTask(name, example, "text", 1, kind, 0.5, people=people)


def said(who: str, label: str | None, task: str = "t", outcome: Outcome = "label", revision: str = "1") -> Verdict:
    return Verdict(task, outcome, label, who, f"{who} {revision}")


def settled(*verdicts: Verdict) -> tuple[Outcome, str | None]:
    verdict = consensus(last_words([], verdicts))["t"]
    return verdict.outcome, verdict.label


def test_one_annotators_last_word_counts() -> None:
    assert settled(said("a", "late"), said("a", "lost", revision="2")) == ("label", "lost")
    assert settled(said("a", "late"), said("a", None, outcome="skip", revision="2")) == ("skip", None)


def test_most_people_win_each_by_their_last_word() -> None:
    verdicts = [said("a", "late"), said("b", "lost"), said("c", "lost")]
    assert settled(*verdicts) == ("label", "lost")
    assert settled(*verdicts, said("c", "late", revision="2")) == ("label", "late")


def test_who_skips_has_no_say_unless_all_do() -> None:
    skip = said("a", None, outcome="skip")
    assert settled(skip, said("b", "late")) == ("label", "late")
    assert settled(skip, said("b", None, outcome="skip")) == ("skip", None)


def test_a_text_is_unusable_where_most_say_so() -> None:
    rejects = [said(who, None, outcome="reject") for who in "ab"]
    assert settled(*rejects, said("c", "late")) == ("reject", None)


def test_whom_others_contradict_weighs_less() -> None:
    """y, who speaks first, and x disagree on the last task; on half of twenty others y stood alone against x and z."""
    verdicts = []
    for n in range(20):
        right, wrong = CLASSES[n % 3], CLASSES[(n + n % 2) % 3]
        verdicts += [said("y", wrong, str(n)), said("x", right, str(n)), said("z", right, str(n))]
    verdicts += [said("y", "late"), said("x", "lost")]
    assert consensus(last_words([], verdicts))["t"].label == "lost"


def test_a_simulated_crowds_consensus_beats_its_majority_vote() -> None:
    tasks = [LabelTask(text_id(f"uid {n}"), f"e{n}", f"text {n}", 1, "query", 0.5, people=3) for n in range(400)]
    truth = {t.text: CLASSES[n % 3] for n, t in enumerate(tasks)}
    crowd = InstantAnnotators(*simulated_crowd(truth, CLASSES, [0.95, 0.9, 0.8, 0.7, 0.55]))
    words = last_words(tasks, crowd.collect(tasks))
    agreed = consensus(words)
    right = np.mean([agreed[t.uid].label == truth[t.text] for t in tasks])
    first = np.random.default_rng(0)
    votes = [[v.label for v in words[t.uid].values()] for t in tasks]
    majority = [max(first.permutation(v).tolist(), key=v.count) for v in votes]
    assert right > np.mean([m == truth[t.text] for m, t in zip(majority, tasks, strict=True)]) + 0.01


WILD = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from(["late", "lost", "paid", "skip", "reject"])),
    min_size=1,
    max_size=40,
)


@given(WILD)
def test_whatever_is_said_each_task_gets_an_answer_that_somebody_gave(said: list[tuple[int, int, str]]) -> None:
    verdicts = [
        Verdict(str(t), w if w in ("skip", "reject") else "label", w if w in CLASSES else None, f"p{who}", str(n))  # type: ignore[arg-type]
        for n, (t, who, w) in enumerate(said)
    ]
    words = last_words([], verdicts)
    agreed = consensus(words)
    assert agreed.keys() == words.keys()
    assert all(agreed[uid] in words[uid].values() for uid in words)
    for uid in set(words) - set(disputed(words)):
        answers = [(v.outcome, v.label) for v in words[uid].values() if v.outcome != "skip"]
        assert not answers or 2 * max(answers.count(a) for a in answers) > len(answers)


def test_no_majority_is_a_dispute() -> None:
    words = last_words([], [said("a", "late"), said("b", "lost")])
    assert disputed(words) == ["t"]
    assert disputed(last_words([], [said("a", "late"), said("b", "lost"), said("c", "lost")])) == []
    assert disputed(last_words([], [said("a", "late")])) == []


def test_an_adjudication_is_one_more_answer_to_the_task_that_it_settles() -> None:
    tasks = [task("t"), task("u", "adjudication")]
    verdicts = [said("a", "late"), said("b", "lost"), said("c", "lost", "u")]
    words = last_words(tasks, verdicts)
    assert list(words) == ["t"]
    assert disputed(words) == []
    assert consensus(words)["t"].label == "lost"


@pytest.mark.parametrize(("judges", "left"), [("", 4), ("a", 3), ("aa", 3), ("ab", 2), ("abc", 1), ("abcd", 1)])
def test_a_task_waits_for_as_many_people_as_it_needs(judges: str, left: int) -> None:
    verdicts = [said(who, "late", revision=str(n)) for n, who in enumerate(judges)]
    assert outstanding([task("t", people=3), task("other")], verdicts) == left
