"""Who judges: the protocol for annotators, and the simulated one that tests, demos and replays share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from models.errors import AnnotatorError
from models.records import LabelTask, Verdict, text_id


class Annotators(Protocol):
    """People, or something that stands in for them, who judge tasks at their own pace."""

    def post(self, tasks: Sequence[LabelTask]) -> int:
        """Makes sure that every task is before the annotators exactly once; returns how many were new.

        Safe to repeat after any failure. Raises AnnotatorError.
        """
        ...

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        """The verdicts that exist now on these tasks; asking again returns them again.

        Raises AnnotatorError; OutageError where asking later may help.
        """
        ...

    def withdrawn(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Those of the verdicts, all collected before, that have been taken back since. Raises AnnotatorError."""
        return []

    def recall(self, tasks: Sequence[LabelTask]) -> None:
        """Takes tasks that are no longer needed away from the annotators; verdicts on them stay. Raises
        AnnotatorError."""
        return

    def leave(self) -> None:
        """Says that this process posts no more for now, so that another may."""
        return

    @property
    def address(self) -> str:
        """Where a person goes to judge; empty where no person does."""
        ...


class SimulatedAnnotator:
    """Answers a task from known labels, wrong at `error_rate`, reproducibly per task.

    A text that is not in `truth` (one that an LLM wrote) is answered by `judge(text)`, whose None rejects the text;
    without a judge it is skipped.
    """

    def __init__(
        self,
        truth: Mapping[str, str],
        classes: Sequence[str],
        *,
        error_rate: float = 0.0,
        judge: Callable[[str], str | None] | None = None,
        name: str = "simulated",
        seed: int = 0,
        multi_label: bool = False,
    ) -> None:
        self.truth = truth
        self.classes = tuple(classes)
        self.error_rate = error_rate
        self.judge = judge
        self.name = name
        self.seed = seed
        self.multi_label = multi_label

    def answer(self, task: LabelTask) -> Verdict:
        label = self.truth.get(task.text)
        if label is None:
            if self.judge is None:
                return Verdict(task.uid, "skip", None, self.name, "1")
            label = self.judge(task.text)
            if label is None:
                return Verdict(task.uid, "reject", None, self.name, "1")
        rng = np.random.default_rng([self.seed, int(task.uid, 16)])
        if rng.random() < self.error_rate:
            label = str(rng.choice([c for c in self.classes if c != label]))
        return Verdict(task.uid, "label", label, self.name, "1")


def simulated_crowd(
    truth: Mapping[str, str], classes: Sequence[str], accuracies: Sequence[float], seed: int = 0
) -> list[SimulatedAnnotator]:
    """People with accuracies of their own, whose errors have nothing to do with each other."""
    return [
        SimulatedAnnotator(
            truth, classes, error_rate=1 - accuracy, name=f"simulated {n}", seed=seed * len(accuracies) + n
        )
        for n, accuracy in enumerate(accuracies)
    ]


class InstantAnnotators(Annotators):
    """Simulated annotators who have judged every task the moment it is posted: for replay. Who judges a task is drawn
    by its text; an adjudication goes to the adjudicator, or without one to whom the task itself reaches last."""

    def __init__(self, *people: SimulatedAnnotator, adjudicator: SimulatedAnnotator | None = None) -> None:
        self.people = people
        self.adjudicator = adjudicator

    def post(self, tasks: Sequence[LabelTask]) -> int:
        """See Annotators. Raises AnnotatorError for a task that needs more people than there are."""
        most = max((task.people for task in tasks), default=0)
        if most > len(self.people):
            raise AnnotatorError(f"a task is for {most} people and {len(self.people)} are simulated: simulate more")
        return len(tasks)

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        return [person.answer(task) for task in tasks for person in self._judges(task)]

    def _judges(self, task: LabelTask) -> list[SimulatedAnnotator]:
        if task.kind == "adjudication" and self.adjudicator:
            return [self.adjudicator]
        order = np.random.default_rng(int(text_id(task.example), 16)).permutation(len(self.people))
        if task.kind == "adjudication":
            order = order[::-1]
        return [self.people[n] for n in order[: task.people]]

    @property
    def address(self) -> str:
        return ""
