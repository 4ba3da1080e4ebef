"""Labels that the other labels speak against: doubted after each round, and, where the user wants it, each asked about
once more, with the reason."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from connectors.page_words import page_words
from loop.labelled import human_examples, rechecked
from loop.store import Store
from loop.trust import own_share
from loop.verify import task_uid
from models.calibration import fit_temperature
from models.cleansing import doubted
from models.encoder import Encoder
from models.folds import fold_indices, out_of_fold_logits
from models.head import Fit, Floats, fit_logistic, self_train
from models.measures import Doubt
from models.records import LabelTask, TrainingExample

FEWEST = 40
REPEATS = 3
LIKELY = 0.4  # a doubt worth asking again
SURE = 0.8  # a doubt worth reading: under it most are the classifier's own mistakes where few labels are wrong
LEAST_CHANGED = 0.2


def doubts(
    round_: int,
    humans: Sequence[TrainingExample],
    encoder: Encoder,
    seed: int,
    unlabelled: Sequence[str] = (),
) -> list[Doubt]:
    """The human labels that look wrong after `round_`, the least believable first, each with the likelier class; none
    while there are fewer than `FEWEST` to judge by.

    Doubted by the calibrated probabilities that a head on the frozen encoder gives out of fold: self-trained where
    there are `unlabelled` texts, which finds more of what is wrong and less of what is right, else averaged over
    `REPEATS` ways to fold. Those count where some class has a probability of `LIKELY`: with a label or two a class,
    nearly every text looks strange.
    """
    labels = np.array([e.label for e in humans])
    classes = np.unique(labels)
    if len(humans) < FEWEST or len(classes) < 2:
        return []
    vectors, others = encoder.encode([e.text for e in humans]), encoder.encode(unlabelled)
    share = own_share(len(humans), len(others))
    fit = partial(self_train, unlabelled=others, share=share) if share else fit_logistic
    repeats = range(1 if share else REPEATS)
    probabilities = np.mean([_out_of_fold(fit, vectors, labels, seed + n) for n in repeats], axis=0)
    likely, sure = classes[probabilities.argmax(axis=1)], probabilities.max(axis=1)
    return [
        Doubt(round_, humans[i].id, humans[i].label, str(likely[i]), float(sure[i]))
        for i in doubted(labels, probabilities)
        if sure[i] >= LIKELY
    ]


def standing_doubts(store: Store, sure: float = LIKELY) -> dict[Doubt, str]:
    """The doubts of the last round that looked for them whose likelier class is so `sure`, with the texts they are
    about, but for labels that changed or were withdrawn since and for texts that somebody was asked about again."""
    last = max((number for number, stage in store.stages() if stage == "learn"), default=0)
    texts, settled = {(e.id, e.label): e.text for e in human_examples(store)}, rechecked(store)
    return {
        doubt: texts[doubt.example, doubt.label]
        for doubt in store.all(Doubt, round=last)
        if doubt.probability >= sure and (doubt.example, doubt.label) in texts and doubt.example not in settled
    }


def doubts_sentence(doubted: int, labels: int) -> str:
    return (
        f"{doubted} of {labels} human labels look wrong to the classifier, which had not seen them: the report lists "
        "them, and annotation.rechecks sends such labels back to people"
    )


def recheck_tasks(
    project: str,
    round_: int,
    doubted_labels: Mapping[Doubt, str],
    settled: Mapping[str, bool],
    most: int,
    language: str = "en",
) -> list[LabelTask]:
    """At most `most` tasks for the first of the doubted labels, each with its text.

    Blind: the reason names both classes, and neither is chosen beforehand. `settled` tells of the texts that were asked
    again already whether their label changed: when hardly any did, the labels are good and no more is asked.
    """
    changed = (sum(settled.values()) + 1) / (len(settled) + 2)
    if changed < LEAST_CHANGED:
        return []
    reason = page_words(language).asked_again
    return [
        LabelTask(
            uid=task_uid(project, f"{doubt.example} again"),
            example=doubt.example,
            text=text,
            round=round_,
            kind="recheck",
            priority=1.0,
            reason=reason.format(label=doubt.label, likely=doubt.likely),
        )
        for doubt, text in list(doubted_labels.items())[:most]
    ]


def _out_of_fold(fit: Fit, vectors: Floats, labels: NDArray[np.str_], seed: int) -> Floats:
    """Calibrated probabilities (n, k) of each example by a head that has not seen it."""
    codes = np.unique(labels, return_inverse=True)[1]
    weights = np.ones(len(labels))
    logits = out_of_fold_logits(fit, vectors, labels, weights, fold_indices(labels, seed))
    probabilities: Floats = softmax(logits / fit_temperature(logits, codes, weights), axis=1)
    return probabilities
