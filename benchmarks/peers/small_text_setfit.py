"""small-text's pool-based loop with SetFit and breaking ties (its name for margin sampling)."""

from collections.abc import Iterator

import numpy as np
from exchange import Task, main
from small_text import (
    BreakingTies,
    PoolBasedActiveLearner,
    SetFitClassificationFactory,
    SetFitModelArguments,
    TextDataset,
)


def setfit(task: Task) -> Iterator[tuple[int, float]]:
    classes = np.arange(task.classes)
    pool = TextDataset.from_arrays(task.train, task.train_y, target_labels=classes)
    holdout = TextDataset.from_arrays(task.test, task.test_y, target_labels=classes)
    factory = SetFitClassificationFactory(
        SetFitModelArguments(task.encoder), task.classes, classification_kwargs={"device": "cpu"}
    )
    np.random.seed(task.seed)
    learner = PoolBasedActiveLearner(factory, BreakingTies(), pool)
    rows = np.array(task.start)
    learner.initialize_data(rows, task.train_y[rows])
    while True:
        yield len(rows), task.accuracy(learner.classifier.predict(holdout))
        if len(rows) >= task.labels:
            return
        chosen = learner.query(num_samples=task.batch)
        rows = np.r_[rows, chosen]
        learner.update(task.train_y[chosen])


main({"small-text setfit": setfit})
