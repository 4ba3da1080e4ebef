"""Verdicts that the other labels speak against: each goes back to a human once, with the reason."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from connectors.page_words import page_words
from loop.verify import task_uid
from models.calibration import fit_temperature, fold_indices, out_of_fold_logits
from models.encoder import Encoder
from models.head import Floats, fit_logistic
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
    doubted = [(humans[i], likely) for i, likely in label_issues(humans, encoder, seed) if humans[i].id not in settled]
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
        for example, likely in doubted[:most]
    ]


def label_issues(humans: Sequence[TrainingExample], encoder: Encoder, seed: int) -> list[tuple[int, str]]:
    """The positions of labels that look wrong, the worst first, each with the class that is likelier.

    Confident learning (Northcutt, Jiang and Chuang, JAIR 2021) on the calibrated probabilities that a head on the
    frozen encoder gives out of fold, averaged over `REPEATS` ways to fold. Of its findings those count where some
    class has a probability of `LIKELY`: with a label or two a class, nearly every text looks strange.
    """
    from cleanlab.filter import find_label_issues

    labels = np.array([e.label for e in humans])
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return []
    vectors = encoder.encode([e.text for e in humans])
    probabilities = np.mean([_out_of_fold(vectors, labels, seed + n) for n in range(REPEATS)], axis=0)
    order = find_label_issues(codes, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    # The only label of a class is out of sight in its own fold: nothing speaks for it, and that is no evidence.
    doubted = [int(i) for i in order if counts[codes[i]] > 1 and probabilities[i].max() >= LIKELY]
    return [(i, str(classes[probabilities[i].argmax()])) for i in doubted]


def _out_of_fold(vectors: Floats, labels: NDArray[np.str_], seed: int) -> Floats:
    """Calibrated probabilities (n, k) of each example by a head that has not seen it."""
    codes = np.unique(labels, return_inverse=True)[1]
    weights = np.ones(len(labels))
    logits = out_of_fold_logits(fit_logistic, vectors, labels, weights, fold_indices(labels, seed))
    probabilities: Floats = softmax(logits / fit_temperature(logits, codes, weights), axis=1)
    return probabilities
