"""What each class has cost, round by round: people's labels and minutes, the LLM's tokens, money and seconds."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from loop.budget.ledger import Budget
from loop.budget.spending import worked_seconds
from loop.label import CLASSIFIER
from loop.labelled import latest_verdicts
from loop.people.consensus import last_words
from loop.store import Store
from models.label_sets import split
from models.records import LabelTask, Suggestion, Verdict

Place = tuple[int, str]  # round and class
WRITTEN = """
select completion.round, intended, completion.model, sum(tokens_in), sum(tokens_out), sum(seconds)
from (select distinct intended, request from candidate) as written join completion on completion.key = written.request
group by completion.round, intended, completion.model
"""
ASKED = """
select round, model, sum(tokens_in), sum(tokens_out), sum(seconds) from completion where stage = 'label'
group by round, model
"""


@dataclass(frozen=True)
class ClassSpending:
    """What a round spent on a class: human labels, minutes and wages; and what the LLM took to write texts for it and
    to label texts, each label with an equal share of what all of the round's labels took."""

    round: int
    label: str
    labels: float = 0
    minutes: float = 0.0
    wages: float = 0.0
    tokens: float = 0
    money: float = 0.0
    llm_seconds: float = 0.0


COSTS = tuple(field.name for field in fields(ClassSpending))[2:]


def class_spending(store: Store, budget: Budget) -> list[ClassSpending]:
    """All that was spent on a class, by round and class. What led to no label at all is no class's."""
    found = defaultdict[Place, dict[str, float]](lambda: dict.fromkeys(COSTS, 0))
    for costs_of in (_people, _writing, _labelling):
        for place, costs in costs_of(store, budget):
            for name, cost in costs.items():
                found[place][name] += cost
    return [ClassSpending(*place, *(found[place][name] for name in COSTS)) for place in sorted(found)]


def by_class(spent: list[ClassSpending]) -> dict[str, dict[str, float]]:
    """The sums over the rounds, by class."""
    return {
        label: {name: sum(getattr(s, name) for s in spent if s.label == label) for name in COSTS}
        for label in sorted({s.label for s in spent})
    }


def _people(store: Store, budget: Budget) -> Iterator[tuple[Place, Mapping[str, float]]]:
    """What all who judged a text came to pays for them all. A text of several classes is a label of each; they share
    its minutes."""
    tasks, classes = store.all(LabelTask), json.loads(store.setting("classes") or "[]")
    rounds, words = {t.uid: t.round for t in tasks}, last_words(tasks, store.all(Verdict))
    worked = worked_seconds(store)
    for task, verdict in latest_verdicts(store).items():
        names = () if verdict.label is None else (verdict.label,) if verdict.label in classes else split(verdict.label)
        for name in names:
            seconds = sum(map(worked, words[task].values())) / len(names)
            wages = budget.hourly_wage * seconds / 3600
            yield (rounds[task], name), {"labels": len(words[task]), "minutes": seconds / 60, "wages": wages}


def _writing(store: Store, budget: Budget) -> Iterator[tuple[Place, Mapping[str, float]]]:
    for round_, name, model, *tokens, seconds in store.connection.execute(WRITTEN):
        money = budget.price(model, *tokens)
        yield (round_, name), {"tokens": sum(tokens), "money": money, "llm_seconds": seconds}


def _labelling(store: Store, budget: Budget) -> Iterator[tuple[Place, Mapping[str, float]]]:
    named = defaultdict[int, Counter[str]](Counter)
    for suggestion in store.all(Suggestion):
        if suggestion.model != CLASSIFIER:
            named[suggestion.round][suggestion.label] += 1
    for round_, model, *tokens, seconds in store.connection.execute(ASKED):
        costs = {"tokens": sum(tokens), "money": budget.price(model, *tokens), "llm_seconds": seconds}
        for name, labels in named[round_].items():
            part = labels / named[round_].total()
            yield (round_, name), {cost: value * part for cost, value in costs.items()}
