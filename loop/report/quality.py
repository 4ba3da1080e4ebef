"""What the last round's classifier gets right on the holdout, class by class. No text of the holdout is shown: who has
seen one may choose by it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from loop.evaluate import rate
from loop.labelled import holdout_examples
from loop.report.run import Run
from models.label_sets import split
from models.measures import HoldoutAnswers
from models.records import Example

MOST_CLASSES = 20
MOST_CONFUSIONS = 20

Answer = tuple[str, str]


def classes(run: Run) -> dict[str, Any] | None:
    """Precision and recall of each class with Wilson's 95 % intervals; None before the first evaluation."""
    answers = _answers(run)
    if not answers:
        return None
    right, said, true = Counter[str](), Counter[str](), Counter[str]()
    for truth, answer in answers:
        wanted, given = ({*split(label)} if run.task.multi_label else {label} for label in (truth, answer))
        right.update(wanted & given)
        said.update(given)
        true.update(wanted)
    rows = [
        {
            "name": name,
            "texts": true[name],
            "precision": rate(right[name], said[name]) if said[name] else None,
            "recall": rate(right[name], true[name]) if true[name] else None,
        }
        for name in run.task.class_names
    ]
    return {"classes": rows, "aside": len(run.store.all(Example, origin="aside"))}


def confusion(run: Run) -> dict[str, Any] | None:
    """How often a class was taken for another: the matrix (true by said) of up to `MOST_CLASSES` classes, and the most
    frequent confusions; None in a multi-label task, where no class is taken for one other."""
    answers = [] if run.task.multi_label else _answers(run)
    if not answers:
        return None
    counts, names = Counter(answers), run.task.class_names
    wrong = [(pair, n) for pair, n in counts.most_common() if pair[0] != pair[1]]
    matrix = [[counts[truth, said] for said in names] for truth in names] if len(names) <= MOST_CLASSES else None
    worst = [{"truth": truth, "said": said, "texts": n} for (truth, said), n in wrong[:MOST_CONFUSIONS]]
    return {"names": names, "matrix": matrix, "worst": worst}


def _answers(run: Run) -> Sequence[Answer]:
    """What is true and what the last round's classifier says, of each text of the holdout."""
    truth = {e.id: e.label for e in holdout_examples(run.store)}
    last = run.store.all(HoldoutAnswers)[-1:]
    return [
        (truth[example], label)
        for answers in last
        for example, label in zip(answers.examples, answers.labels, strict=True)
        if example in truth
    ]
