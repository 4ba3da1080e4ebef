"""Who has a say beside the annotators: an adjudicator whose word settles, and the LLM as one more, noisy, voice."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Self

from loop.config import Config
from loop.label import CLASSIFIER
from loop.people.consensus import NOBODY
from loop.store import Store
from models.records import LabelTask, Suggestion, Verdict

SETTING = "panel"
ASKED_AGAIN = ("recheck", "adjudication")


@dataclass(frozen=True)
class Panel:
    """`adjudicator` is the annotator who settles disputes, "" where any other person may; with `llm_votes` the LLM is
    heard where several people have judged a text without seeing its label."""

    adjudicator: str = ""
    llm_votes: bool = False

    @classmethod
    def of(cls, config: Config) -> Self:
        return cls(config.annotation.adjudicator, config.annotation.llm_votes)

    @classmethod
    def read(cls, store: Store) -> Self:
        """That with which the run was last started."""
        return cls(**json.loads(store.setting(SETTING) or "{}"))

    def write(self, store: Store) -> None:
        store.set(SETTING, json.dumps(asdict(self)))

    def machine_votes(self, tasks: Iterable[LabelTask], suggestions: Iterable[Suggestion]) -> Mapping[str, Verdict]:
        """The LLM's vote on each task that it may vote on, by the task's uid: never on the holdout, nor where people
        saw its label and their agreement with it would count twice."""
        if not self.llm_votes:
            return NOBODY
        made = {(s.example, s.round): s for s in suggestions if s.model != CLASSIFIER}
        votes = {}
        for task in tasks:
            vote = made.get((task.example, task.round))
            unseen = vote is not None and (task.suggestion is None or task.suggester != vote.model)
            if vote is not None and unseen and task.kind in ("query", "audit"):
                votes[task.uid] = Verdict(task.uid, "label", vote.label, vote.model, "")
        return votes

    def counted(self, tasks: Sequence[LabelTask], verdicts: Sequence[Verdict]) -> list[Verdict]:
        """The verdicts that bring a task nearer to being done: of an adjudication those of the adjudicator, or, where
        none is named, of people who had not judged the text before, as long as the run knows of any such."""
        judged = _judges(tasks, verdicts)
        everybody = {verdict.annotator for verdict in verdicts}
        disputes = {task.uid: task.example for task in tasks if task.kind == "adjudication"}

        def counts(verdict: Verdict) -> bool:
            if verdict.task not in disputes:
                return True
            if self.adjudicator:
                return verdict.annotator == self.adjudicator
            before = judged[disputes[verdict.task]]
            return verdict.annotator not in before or before == everybody

        return [verdict for verdict in verdicts if counts(verdict)]


def _judges(tasks: Iterable[LabelTask], verdicts: Iterable[Verdict]) -> Mapping[str, set[str]]:
    """Who has judged each example when it was first asked about."""
    examples = {task.uid: task.example for task in tasks if task.kind not in ASKED_AGAIN}
    judges: dict[str, set[str]] = defaultdict(set)
    for verdict in verdicts:
        if verdict.task in examples and verdict.outcome != "skip":
            judges[examples[verdict.task]].add(verdict.annotator)
    return judges
