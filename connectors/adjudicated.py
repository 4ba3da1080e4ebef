"""Annotators, and one person who settles what they disagree on, at a place of their own."""

from collections.abc import Sequence

from connectors.annotators import Annotators
from models.records import LabelTask, Verdict


class AdjudicatedAnnotators(Annotators):
    """Sends each task where it belongs: adjudications to the `adjudicator`, all others to the `annotators`. Label
    Studio hands a task to whoever comes first; only another project keeps it for somebody."""

    def __init__(self, annotators: Annotators, adjudicator: Annotators) -> None:
        self.annotators = annotators
        self.adjudicator = adjudicator
        self._disputes: set[str] = set()

    def post(self, tasks: Sequence[LabelTask]) -> int:
        """See Annotators."""
        ordinary, disputes = self._sorted(tasks)
        return self.annotators.post(ordinary) + (self.adjudicator.post(disputes) if disputes else 0)

    def collect(self, tasks: Sequence[LabelTask]) -> list[Verdict]:
        """See Annotators."""
        ordinary, disputes = self._sorted(tasks)
        return self.annotators.collect(ordinary) + (self.adjudicator.collect(disputes) if disputes else [])

    def withdrawn(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """See Annotators."""
        disputes = [verdict for verdict in verdicts if verdict.task in self._disputes]
        ordinary = [verdict for verdict in verdicts if verdict.task not in self._disputes]
        return self.annotators.withdrawn(ordinary) + (self.adjudicator.withdrawn(disputes) if disputes else [])

    def recall(self, tasks: Sequence[LabelTask]) -> None:
        """See Annotators."""
        ordinary, disputes = self._sorted(tasks)
        self.annotators.recall(ordinary)
        if disputes:
            self.adjudicator.recall(disputes)

    def leave(self) -> None:
        """See Annotators."""
        self.annotators.leave()
        self.adjudicator.leave()

    @property
    def address(self) -> str:
        """Where the annotators go, and, once there was a dispute, who settles it."""
        own = self.annotators.address
        return f"{own}, disputes: {self.adjudicator.address}" if self._disputes else own

    def _sorted(self, tasks: Sequence[LabelTask]) -> tuple[list[LabelTask], list[LabelTask]]:
        disputes = [task for task in tasks if task.kind == "adjudication"]
        self._disputes |= {task.uid for task in disputes}
        return [task for task in tasks if task.kind != "adjudication"], disputes
