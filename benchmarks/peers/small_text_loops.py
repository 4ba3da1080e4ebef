"""small-text's pool-based loop with breaking ties (margin sampling): SetFit, and a fine-tuned transformer."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from exchange import HEAVY, Task, main
from small_text import (
    BreakingTies,
    PoolBasedActiveLearner,
    SetFitClassificationFactory,
    SetFitModelArguments,
    TextDataset,
    TransformerBasedClassificationFactory,
    TransformerModelArguments,
    TransformersDataset,
)
from transformers import AutoTokenizer

LONGEST = 128
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def setfit(task: Task) -> tuple[Any, Any, Any]:
    """The classifiers it makes, and its views of pool and holdout."""
    classes = np.arange(task.classes)
    factory = SetFitClassificationFactory(SetFitModelArguments(task.encoder), task.classes, {"device": DEVICE})
    pool, holdout = (
        TextDataset.from_arrays(texts, labels, target_labels=classes)
        for texts, labels in ((task.train, task.train_y), (task.test, task.test_y))
    )
    return factory, pool, holdout


def transformer(task: Task) -> tuple[Any, Any, Any]:
    """The same for a transformer with a classification head on top, in the library's own settings."""
    classes, tokenizer = np.arange(task.classes), AutoTokenizer.from_pretrained(task.encoder)
    model = TransformerModelArguments(task.encoder)
    factory = TransformerBasedClassificationFactory(model, task.classes, {"device": DEVICE})
    pool, holdout = (
        TransformersDataset.from_arrays(texts, labels, tokenizer, target_labels=classes, max_length=LONGEST)
        for texts, labels in ((task.train, task.train_y), (task.test, task.test_y))
    )
    return factory, pool, holdout


def play(task: Task, parts: Any) -> Iterator[tuple[int, float]]:
    factory, pool, holdout = parts(task)
    np.random.seed(task.seed)
    torch.manual_seed(task.seed)
    learner = PoolBasedActiveLearner(factory, BreakingTies(), pool)
    rows = np.array(task.start)
    learner.initialize_data(rows, task.train_y[rows])
    while True:
        yield len(rows), task.accuracy(learner.classifier.predict(holdout))
        if len(rows) >= task.labels:
            return
        chosen = learner.query(num_samples=min(HEAVY * task.batch, task.labels - len(rows)))
        rows = np.r_[rows, chosen]
        learner.update(task.train_y[chosen])


main({"small-text setfit": partial(play, parts=setfit), "small-text transformer": partial(play, parts=transformer)})
