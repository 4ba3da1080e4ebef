"""Which tasks several people judge, and who settles what they disagree on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from connectors.page_words import PageWords, page_words
from loop.people.consensus import Answers, answered
from loop.verify import task_uid
from models.records import LabelTask, Verdict


def shared_out(
    tasks: Sequence[LabelTask], budget: int, people: int, share: float, rng: np.random.Generator
) -> list[LabelTask]:
    """As many of the tasks, the first ones, as `budget` verdicts pay for; a random `share` of them is for `people`."""
    if people == 1 or not share:
        return list(tasks[:budget])
    count = _affordable(len(tasks), budget, people, share)
    if count == 0:
        # A batch too small for even one shared task: what is left of it still goes to one text.
        return [replace(task, people=budget) for task in tasks[: min(budget, 1)]]
    shared = set(rng.permutation(count)[: round(share * count)].tolist())
    return [replace(t, people=people) if n in shared else t for n, t in enumerate(tasks[:count])]


def verdicts_for(count: int, people: int, share: float) -> int:
    """The verdicts that `count` tasks take."""
    return count + round(share * count) * (people - 1)


def _affordable(most: int, budget: int, people: int, share: float) -> int:
    return max(n for n in range(min(most, budget) + 1) if verdicts_for(n, people, share) <= budget)


def adjudications(
    project: str,
    round_: int,
    tasks: Sequence[LabelTask],
    words: Answers,
    disputes: Collection[str],
    settled: Collection[str],
    language: str = "en",
) -> list[LabelTask]:
    """A task for one more person, blind, for each of the `disputes`, by uid; `settled` are the texts for which there
    was one already."""
    phrases = page_words(language)
    return [
        LabelTask(
            uid=task_uid(project, f"{task.example} adjudicated"),
            example=task.example,
            text=task.text,
            round=round_,
            kind="adjudication",
            priority=1.0,
            reason=phrases.disagreed.format(answers=_options(words[task.uid], phrases)),
        )
        for task in tasks
        if task.uid in disputes and task.example not in settled and task.kind not in ("candidate", "recheck")
    ]


def _options(verdicts: Mapping[str, Verdict], words: PageWords) -> str:
    labels = {verdict.label for verdict in answered(verdicts)}
    said = {None: words.unusable, "": "–"}
    return ", ".join(said.get(label, f"'{label}'") for label in sorted(labels, key=str))
