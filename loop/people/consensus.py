"""What several people's verdicts on a task come to: the last word of each, and the answer they give together."""

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from models.records import LabelTask, Outcome, Verdict

Answers = Mapping[str, Mapping[str, Verdict]]
Answer = tuple[Outcome, str | None]
EDGE = 1e-6
NOBODY: Mapping[str, Verdict] = MappingProxyType({})


def last_words(tasks: Sequence[LabelTask], verdicts: Iterable[Verdict]) -> dict[str, dict[str, Verdict]]:
    """The last verdict of each annotator that stands, in the order in which they came, by the task's uid. An
    adjudication is an answer to the task that it settles."""
    first_asked = {t.example: t.uid for t in tasks if t.kind not in ("recheck", "adjudication")}
    settles = {t.uid: first_asked[t.example] for t in tasks if t.kind == "adjudication"}
    words: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        said = words.setdefault(settles.get(verdict.task, verdict.task), {})
        if verdict.outcome == "withdrawn":
            said.pop(verdict.annotator, None)
        else:
            said[verdict.annotator] = verdict
    return {uid: said for uid, said in words.items() if said}


def consensus(words: Answers, adjudicator: str = "", machine: Mapping[str, Verdict] = NOBODY) -> dict[str, Verdict]:
    """One verdict a task, a person's: that of the adjudicator, of its one annotator, the one that all agree on, or that
    of the weighted vote, in which a machine's vote, by the task's uid, is heard beside several people's. Skips have no
    say where anybody has answered."""
    settled = {uid: next(iter(said.values())) for uid, said in words.items()}
    shared = {uid: given for uid, said in words.items() if (given := answered(said))}
    settled |= {uid: given[0] for uid, given in shared.items()}
    shared = {uid: given for uid, given in shared.items() if len(given) > 1}
    if any(len({answer(v) for v in given}) > 1 for given in shared.values()):
        # By people alone, and, where a machine has a vote, with it: what it says elsewhere must not weigh people here.
        settled |= dict(zip(shared, weighted_vote(list(shared.values()), [[] for _ in shared]), strict=True))
        if machine.keys() & shared.keys():
            voices = [[machine[uid]] if uid in machine else [] for uid in shared]
            with_ = dict(zip(shared, weighted_vote(list(shared.values()), voices), strict=True))
            settled |= {uid: word for uid, word in with_.items() if uid in machine}
    decided = {uid: word for uid, said in words.items() if (word := said.get(adjudicator)) and word.outcome != "skip"}
    return settled | decided


def answered(said: Mapping[str, Verdict]) -> list[Verdict]:
    """The verdicts that are not skips."""
    return [verdict for verdict in said.values() if verdict.outcome != "skip"]


def answer(verdict: Verdict) -> Answer:
    """What was said, apart from who said it: a class, or that the text is unusable."""
    return verdict.outcome, verdict.label


def weighted_vote(shared: Sequence[Sequence[Verdict]], voices: Sequence[Sequence[Verdict]]) -> list[Verdict]:
    """For each task with two or more answers, the one of them that gives the consensus; not all of all tasks may agree.
    `voices` are those of machines on the same tasks: each weighs as an annotator, none is the answer.

    CROWDLAB (Goh, Tkachenko and Mueller, "CROWDLAB: supervised learning to infer consensus labels and quality scores
    for data with multiple annotators", 2022), without a classifier's opinion: a holdout whose labels lean towards the
    classifier would flatter it. Each person then weighs as much as they agree with the others.
    """
    import numpy as np
    from cleanlab.multiannotator import get_label_quality_multiannotator

    heard = [[*given, *others] for given, others in zip(shared, voices, strict=True)]
    people = {who: n for n, who in enumerate(dict.fromkeys(v.annotator for said in heard for v in said))}
    options = {said: n for n, said in enumerate(dict.fromkeys(answer(v) for said in heard for v in said))}
    votes = np.full((len(shared), len(people)), np.nan)
    # Next to nothing is known but the votes; cleanlab breaks what ties are left at random, hence the first word's edge.
    opinion = np.full((len(shared), len(options)), 1 / len(options))
    for row, said in enumerate(heard):
        opinion[row, options[answer(said[0])]] += EDGE
        for verdict in said:
            votes[row, people[verdict.annotator]] = options[answer(verdict)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = get_label_quality_multiannotator(
            votes, opinion, return_detailed_quality=False, return_annotator_stats=False, verbose=False
        )["label_quality"]["consensus_label"]
    # Where people agree less than by chance, the vote can fall on what nobody has said, or only a machine.
    return [
        next((v for v in given if options[answer(v)] == option), given[0])
        for given, option in zip(shared, found, strict=True)
    ]


def disputed(words: Answers, adjudicator: str = "", machine: Mapping[str, Verdict] = NOBODY) -> list[str]:
    """The tasks on which people have answered and no answer has more than half of the votes, a machine's included where
    several people have answered; none that the adjudicator has settled."""
    unsettled = {uid: given for uid, said in words.items() if adjudicator not in said and (given := answered(said))}
    votes = {
        uid: [*given, machine[uid]] if uid in machine and len(given) > 1 else given for uid, given in unsettled.items()
    }
    return [uid for uid, given in votes.items() if not _has_majority(given)]


def _has_majority(given: Sequence[Verdict]) -> bool:
    return 2 * max(Counter(answer(v) for v in given).values()) > len(given)


def judges(verdicts: Iterable[Verdict]) -> Counter[str]:
    """How many people have judged each task, by its uid; who has taken it back has not."""
    last = {(verdict.task, verdict.annotator): verdict.outcome for verdict in verdicts}
    return Counter(uid for (uid, _), outcome in last.items() if outcome != "withdrawn")


def outstanding(tasks: Sequence[LabelTask], verdicts: Iterable[Verdict]) -> int:
    """How many verdicts the tasks still wait for."""
    return sum(missing for _, missing in unfinished(tasks, verdicts))


def unfinished(tasks: Sequence[LabelTask], verdicts: Iterable[Verdict]) -> list[tuple[LabelTask, int]]:
    """The tasks that fewer people have judged than are to, each with how many are missing."""
    people = judges(verdicts)
    return [(task, task.people - people[task.uid]) for task in tasks if people[task.uid] < task.people]
