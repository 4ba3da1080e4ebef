"""scikit-activeml's strategies with logistic regression on embeddings."""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np
from exchange import Task, main
from heads import heads
from skactiveml.classifier import SklearnClassifier
from skactiveml.pool import Badge, TypiClust, UncertaintySampling
from skactiveml.utils import MISSING_LABEL


def play(task: Task, name: str, head: str) -> Iterator[tuple[int, float]]:
    pool, holdout = task.vectors
    strategy = {
        "margin": UncertaintySampling(method="margin_sampling", random_state=task.seed),
        "badge": Badge(random_state=task.seed),
        "typiclust": TypiClust(random_state=task.seed),
    }[name]
    classifier = SklearnClassifier(heads(task.seed)[head], classes=list(range(task.classes)), random_state=task.seed)
    rows = np.array(task.start)
    known = np.full(len(pool), MISSING_LABEL)
    while True:
        known[rows] = task.train_y[rows]
        classifier.fit(pool, known)
        yield len(rows), task.accuracy(classifier.predict(holdout))
        if len(rows) >= task.labels:
            return
        given = {} if name == "typiclust" else {"clf": classifier}
        rows = np.r_[rows, strategy.query(X=pool, y=known, batch_size=task.batch, **given)]


main(
    {
        f"scikit-activeml {name}{head}": partial(play, name=name, head=head)
        for name, head in product(("margin", "badge", "typiclust"), heads(0))
    }
)
