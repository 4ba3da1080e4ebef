"""An LLM as a scikit-learn classifier of texts: told what the classes mean, shown examples or none."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from models.encoder import Encoder
from models.errors import DataError
from models.label_calibration import fit_label_calibration
from models.llm import LLM
from models.prompting import PACKAGED, Prompts
from models.records import TaskDescription, TrainingExample, text_id
from models.vectors import Vectors

Encode = Callable[[Sequence[str]], Vectors]


class LLMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts by asking an LLM; scikit-learn-shaped, so that it can sit in a committee.

    `fit` calibrates on the texts it is given, with or without labels; with `examples` above 0 each prompt shows as many
    of the labelled ones, the nearest by `encoder`. Probabilities come from token log-probabilities, or from votes.

    >>> from models.llm import ScriptedLLM
    >>> from models.records import ClassDefinition
    >>> task = TaskDescription("Opinion or fact?", (ClassDefinition("fact"), ClassDefinition("opinion")))
    >>> llm = ScriptedLLM(lambda request: (1, 3) if "dull" in request.messages[0].content else (2, 1))
    >>> classifier = LLMClassifier(llm, task).fit(["a dull film", "she leaves town"] * 10)
    >>> classifier.predict(["dull and long", "he comes home"]).tolist()
    ['opinion', 'fact']
    """

    def __init__(
        self,
        llm: LLM,
        task: TaskDescription,
        encoder: Encoder | None = None,
        examples: int = 0,
        prompts: Prompts = PACKAGED,
    ) -> None:
        self.llm = llm
        self.task = task
        self.encoder = encoder
        self.examples = examples
        self.prompts = prompts

    def fit(self, texts: Sequence[str], labels: Sequence[str] | None = None) -> "LLMClassifier":
        """Calibrates on texts (n,) with labels (n,), or on unlabelled ones of the kind that is to be classified.

        Raises DataError for a label that the task does not have, and where examples are wanted but no encoder is there
        to choose them.
        """
        if self.examples and self.encoder is None:
            raise DataError(f"examples={self.examples} needs an encoder that says which texts are near")
        self.classes_ = np.array(sorted(self.task.class_names))
        known = [] if labels is None else [str(label) for label in labels]
        if strange := sorted(set(known) - set(self.task.class_names)):
            raise DataError(f"the label '{strange[0]}' is not of the task; it has: {', '.join(self.task.class_names)}")
        pairs = zip(texts, known, strict=True) if known else ()
        self.known_ = [TrainingExample(text_id(text), text, label, "human") for text, label in pairs]
        shares = self._shares(texts)
        codes = np.searchsorted(self.classes_, known)
        counts = np.bincount(codes, minlength=len(self.classes_)).astype(float)
        self.calibration_ = fit_label_calibration(shares, shares[: len(known)], codes, counts)
        return self

    def __sklearn_clone__(self) -> "LLMClassifier":
        """An unfitted one that asks the same LLM: scikit-learn would copy a connection, or all of a model's weights."""
        return LLMClassifier(**self.get_params(deep=False))

    def __sklearn_tags__(self) -> Any:
        """Tells scikit-learn that rows are texts, not numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated probabilities, (n, k), in the order of `classes_`. Raises NotFittedError."""
        check_is_fitted(self)
        return self.calibration_.apply(self._shares(texts))

    def predict(self, texts: Sequence[str]) -> NDArray[np.str_]:
        probabilities = self.predict_proba(texts)
        best: NDArray[np.str_] = self.classes_[probabilities.argmax(axis=1)]
        return best

    def _shares(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """What the LLM says of each class, (n, k)."""
        texts = [str(text) for text in texts]
        shown: Sequence[Sequence[TrainingExample]] = [()] * len(texts)
        if self.encoder is not None and self.examples and self.known_:
            shown = nearest_examples(texts, self.known_, self.encoder.encode, self.examples)
        # In the task's order, as the loop asks: what it has asked already costs nothing again.
        shares = ask_directly(self.llm, self.task, texts, shown, self.prompts)
        return shares[:, np.argsort(self.task.class_names)]


def ask_directly(
    llm: LLM,
    task: TaskDescription,
    texts: Sequence[str],
    shown: Sequence[Sequence[TrainingExample]],
    prompts: Prompts = PACKAGED,
) -> NDArray[np.float64]:
    """What an LLM says of each class, in the task's order, of texts (n,): (n, k); `shown` stand beside each."""

    def worded(order: Sequence[str] = (), vote: int = 0) -> list[str]:
        return [prompts.labelling(task, text, near, order, vote % 2) for text, near in zip(texts, shown, strict=True)]

    return llm.label_probabilities(worded(), task.class_names, worded)


def nearest_examples(
    texts: Sequence[str], known: Sequence[TrainingExample], encode: Encode, count: int
) -> list[list[TrainingExample]]:
    """For each of `texts` (n,) the `count` labelled examples nearest to it, itself left out; the nearest last, where
    it stands next to the question.

    Liu et al., "What makes good in-context examples for GPT-3?", DeeLIO 2022.
    """
    if not texts or not known or not count:
        return [[] for _ in texts]
    closeness = encode(texts) @ encode([e.text for e in known]).T
    ranked = [[known[i] for i in row] for row in np.argsort(-closeness, axis=1, kind="stable")]
    return [[e for e in row if e.text != text][:count][::-1] for text, row in zip(texts, ranked, strict=True)]
