"""How far an LLM's label probabilities may be believed: its liking for some classes taken out, its sureness fitted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from models.calibration import fit_temperature

Floats = NDArray[np.float64]
Codes = Sequence[int] | NDArray[np.intp]
FEWEST = 20
PSEUDO_COUNT = 5.0
LEAST, LEAST_LIKED = 1e-10, 1e-5  # of one answer, and on average: a class that is never named stays unlikely


@dataclass(frozen=True)
class LabelCalibration:
    """`bias` (k,) is how much likelier the model makes each class than it is, as a log-probability; `temperature`
    softens what is left."""

    bias: Floats
    temperature: float = 1.0

    def apply(self, shares: Floats) -> Floats:
        """Calibrated probabilities (n, k) for what the model said (n, k); a row that says nothing stays as it is."""
        if not len(shares):
            return shares
        calibrated: Floats = softmax(_logits(shares, self.bias) / self.temperature, axis=1)
        return np.where(says_something(shares)[:, None], calibrated, shares)


def fit_label_calibration(shares: Floats, judged: Floats, targets: Codes, counts: Floats) -> LabelCalibration:
    """The calibration of a model that said `shares` (n, k) of texts, and `judged` (m, k) of texts that humans gave the
    classes `targets` (m,); `counts` (k,) are the human labels of each class.

    The bias is batch calibration (Zhou et al., "Batch calibration: rethinking calibration for in-context learning and
    prompt engineering", ICLR 2024): the mean of what was said. A small model that answers one class to nearly every
    text is then heard on what it gives a text more than others. The method takes classes to be equally common; here
    they are as common as human labels say, with `PSEUDO_COUNT` more of each. With fewer than `FEWEST` texts there is
    no bias, and with fewer than `FEWEST` judged ones the temperature (Guo et al., ICML 2017) is 1.
    """
    spoken, known = shares[says_something(shares)], says_something(judged)
    bias = np.zeros(shares.shape[1])
    if len(spoken) >= FEWEST:
        common = (counts + PSEUDO_COUNT) / (counts + PSEUDO_COUNT).sum()
        bias = np.log(np.maximum(spoken.mean(axis=0), LEAST_LIKED)) - np.log(common)
    if known.sum() < FEWEST:
        return LabelCalibration(bias)
    codes = np.asarray(targets, dtype=np.intp)[known]
    return LabelCalibration(bias, fit_temperature(_logits(judged[known], bias), codes, np.ones(len(codes))))


def says_something(shares: Floats) -> NDArray[np.bool_]:
    """Which rows (n,) of `shares` (n, k) tell one class from another."""
    told: NDArray[np.bool_] = np.ptp(shares, axis=1) > 1e-9
    return told


def _logits(shares: Floats, bias: Floats) -> Floats:
    logits: Floats = np.log(np.maximum(shares, LEAST)) - bias
    return logits
