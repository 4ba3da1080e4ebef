"""How far several people agree, and who is right on what."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from connectors.labeling_config import REJECT
from loop.evaluate import rate
from loop.labelled import latest_verdicts
from loop.people.consensus import Answer, answer, answered, last_words
from loop.store import Store
from models.records import LabelTask, Verdict

ENOUGH = 5

Votes = Mapping[str, Mapping[str, Answer]]


def people_facts(store: Store, names: bool) -> dict[str, Any] | None:
    """What several people's verdicts say of their agreement and of each of them, JSON-ready; None where no task has the
    answers of two. People are "annotator 1", "annotator 2", … in the order in which they came, unless with `names`."""
    tasks, verdicts = store.all(LabelTask), store.all(Verdict)
    words = last_words(tasks, verdicts)
    shared = {uid: said for uid, said in words.items() if len(answered(said)) > 1}
    if not shared:
        return None
    order = dict.fromkeys(v.annotator for v in verdicts)
    called = {who: who if names else f"annotator {n}" for n, who in enumerate(order, 1)}
    votes = {uid: {called[v.annotator]: answer(v) for v in answered(said)} for uid, said in shared.items()}
    rounds = {task.uid: task.round for task in tasks}
    of_round: dict[int, dict[str, Mapping[str, Answer]]] = defaultdict(dict)
    for uid, said in votes.items():
        of_round[rounds[uid]][uid] = said
    settled = latest_verdicts(store)
    right = {uid: answer(settled[uid]) for uid in votes}
    return {
        **agreement(votes),
        "rounds": [{"round": n, **agreement(found)} for n, found in sorted(of_round.items())],
        "people": [{"annotator": who, **accuracy(who, votes, right)} for who in called.values() if _judged(who, votes)],
    }


def agreement(votes: Votes) -> dict[str, Any]:
    """Krippendorff's alpha (nominal; "Content analysis", 2004) of all, and Cohen's kappa of each pair on the tasks that
    both have answered: 1 is full agreement, 0 is chance; None where all have always given one and the same answer."""
    # "annotator 10" after "annotator 9".
    people = sorted({who for said in votes.values() for who in said}, key=lambda who: (len(who), who))
    pairs = []
    for first, second in combinations(people, 2):
        both = [(said[first], said[second]) for said in votes.values() if first in said and second in said]
        if both:
            pairs.append({"annotators": [first, second], "tasks": len(both), "kappa": _kappa(both)})
    return {"tasks": len(votes), "alpha": _alpha(votes, people), "pairs": pairs}


def accuracy(who: str, votes: Votes, right: Mapping[str, Answer]) -> dict[str, Any]:
    """How often a person gave the consensus, in all and, of `ENOUGH` texts or more, by the label it names, REJECT
    for unusable. It counts their own vote too, so it flatters all of them a little."""
    hits: dict[str, list[bool]] = defaultdict(list)
    for uid in _judged(who, votes):
        label = right[uid][1]
        hits[REJECT if label is None else label].append(votes[uid][who] == right[uid])
    every = [hit for found in hits.values() for hit in found]
    classes = {name: rate(sum(found), len(found)) for name, found in sorted(hits.items()) if len(found) >= ENOUGH}
    return {**rate(sum(every), len(every)), "classes": classes}


def people_sentence(facts: Mapping[str, Any]) -> str:
    """The agreement in words."""
    alpha = facts["alpha"]
    said = f"Where several people judged a text ({facts['tasks']} texts), they agree by an alpha of "
    said += "1.00" if alpha is None else f"{alpha:.2f}"
    shares = [f"{p['annotator']} {p['hits']}/{p['of']} [{p['low']:.0%}, {p['high']:.0%}]" for p in facts["people"]]
    return f"{said} (1: always, 0: by chance); gave the consensus: {', '.join(shares)}."


def _judged(who: str, votes: Votes) -> list[str]:
    return [uid for uid, said in votes.items() if who in said]


def _alpha(votes: Votes, people: Sequence[str]) -> float | None:
    import krippendorff

    codes = {option: n for n, option in enumerate(dict.fromkeys(a for said in votes.values() for a in said.values()))}
    if len(codes) == 1:
        return None
    table = np.full((len(people), len(votes)), np.nan)
    for column, said in enumerate(votes.values()):
        for who, option in said.items():
            table[people.index(who), column] = codes[option]
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"))


def _kappa(both: Sequence[tuple[Answer, Answer]]) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    first, second = ([str(option) for option in side] for side in zip(*both, strict=True))
    return None if len({*first, *second}) == 1 else float(cohen_kappa_score(first, second))
