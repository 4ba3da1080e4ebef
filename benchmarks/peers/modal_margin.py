"""modAL's own ActiveLearner with margin sampling, on embeddings; it needs a scikit-learn before 1.8."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from exchange import Task, main
from heads import heads
from modAL.models import ActiveLearner
from modAL.uncertainty import margin_sampling


def margin(task: Task, head: str) -> Iterator[tuple[int, float]]:
    pool, holdout = task.vectors
    rows = np.array(task.start)
    learner = ActiveLearner(
        heads(task.seed)[head], margin_sampling, X_training=pool[rows], y_training=task.train_y[rows]
    )
    while True:
        yield len(rows), task.accuracy(learner.predict(holdout))
        if len(rows) >= task.labels:
            return
        rest = task.unlabelled(rows)
        chosen, _ = learner.query(pool[rest], n_instances=task.batch)
        rows = np.r_[rows, rest[chosen]]
        learner.teach(pool[rest[chosen]], task.train_y[rest[chosen]])


main({f"modAL margin{head}": partial(margin, head=head) for head in heads(0)})
