"""Verdicts that the other labels speak against: each goes back to a human once, with the reason."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from connectors.page_words import page_words
from loop.trust import SELF_SHARE
from loop.verify import task_uid
from models.calibration import fit_temperature, fold_indices, out_of_fold_logits
from models.cleansing import doubted
from models.encoder import Encoder
from models.head import Fit, Floats, fit_logistic, self_train
from models.records import LabelTask, TrainingExample

FEWEST = 40
REPEATS = 3
LIKELY = 0.4
LEAST_CHANGED = 0.2


def recheck_tasks(
    project: str,
    round_: int,
    humans: Sequence[TrainingExample],
    encoder: Encoder,
    settled: Mapping[str, bool],
    most: int,
    seed: int,
    language: str = "en",
    unlabelled: Sequence[str] = (),
) -> list[LabelTask]:
    """At most `most` tasks for labelled texts whose label looks wrong, the least believable first.

    Blind: the reason names both classes, and neither is chosen beforehand. `settled` tells of the texts that were asked
    again already whether their label changed: when hardly any did, the labels are good and no more is asked. None while
    there are fewer than `FEWEST` labels to judge by.
    """
    changed = (sum(settled.values()) + 1) / (len(settled) + 2)
    if most < 1 or len(humans) < FEWEST or changed < LEAST_CHANGED:
        return []
    reason = page_words(language).asked_again
    issues = label_issues(humans, encoder, seed, unlabelled)
    asked = [(humans[i], likely) for i, likely in issues if humans[i].id not in settled]
    return [
        LabelTask(
            uid=task_uid(project, f"{example.id} again"),
            example=example.id,
            text=example.text,
            round=round_,
            kind="recheck",
            priority=1.0,
            reason=reason.format(label=example.label, likely=likely),
        )
        for example, likely in asked[:most]
    ]


def label_issues(
    humans: Sequence[TrainingExample], encoder: Encoder, seed: int, unlabelled: Sequence[str] = ()
) -> list[tuple[int, str]]:
    """The positions of labels that look wrong, the worst first, each with the class that is likelier.

    Doubted by the calibrated probabilities that a head on the frozen encoder gives out of fold: self-trained where
    there are `unlabelled` texts, which finds more of what is wrong and less of what is right, else averaged over
    `REPEATS` ways to fold. Those count where some class has a probability of `LIKELY`: with a label or two a class,
    nearly every text looks strange.
    """
    labels = np.array([e.label for e in humans])
    classes = np.unique(labels)
    if len(classes) < 2:
        return []
    vectors, others = encoder.encode([e.text for e in humans]), encoder.encode(unlabelled)
    fit = partial(self_train, unlabelled=others, share=SELF_SHARE) if len(others) else fit_logistic
    repeats = range(1 if len(others) else REPEATS)
    probabilities = np.mean([_out_of_fold(fit, vectors, labels, seed + n) for n in repeats], axis=0)
    order = [int(i) for i in doubted(labels, probabilities) if probabilities[i].max() >= LIKELY]
    return [(i, str(classes[probabilities[i].argmax()])) for i in order]


def _out_of_fold(fit: Fit, vectors: Floats, labels: NDArray[np.str_], seed: int) -> Floats:
    """Calibrated probabilities (n, k) of each example by a head that has not seen it."""
    codes = np.unique(labels, return_inverse=True)[1]
    weights = np.ones(len(labels))
    logits = out_of_fold_logits(fit, vectors, labels, weights, fold_indices(labels, seed))
    probabilities: Floats = softmax(logits / fit_temperature(logits, codes, weights), axis=1)
    return probabilities
