"""SetFit, trained anew on random labels: what a user without active learning would do."""

from collections.abc import Iterator

import numpy as np
import torch
from datasets import Dataset
from exchange import HEAVY, Task, main
from setfit import SetFitModel, Trainer, TrainingArguments

PAIRS_PER_TEXT = 20
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def play(task: Task) -> Iterator[tuple[int, float]]:
    order = np.random.default_rng(task.seed).permutation(task.unlabelled(np.array(task.start)))
    rows = np.r_[task.start, order[: task.labels - len(task.start)]]
    for size in range(len(task.start), len(rows) + 1, HEAVY * task.batch):
        data = Dataset.from_dict({"text": [task.train[i] for i in rows[:size]], "label": task.train_y[rows[:size]]})
        model = SetFitModel.from_pretrained(task.encoder, device=DEVICE)
        arguments = TrainingArguments(
            num_iterations=PAIRS_PER_TEXT, num_epochs=1, seed=task.seed, report_to="none", save_strategy="no"
        )
        Trainer(model=model, args=arguments, train_dataset=data).train()
        yield size, task.accuracy(model.predict(task.test, use_labels=False))


main({"setfit random": play})
