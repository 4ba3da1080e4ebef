"""The text classifier: an encoder and a calibrated head, trained in one of three ways."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from models.calibration import fit_head, fit_temperature
from models.contrastive import train_contrastive
from models.encoder import Encoder, SentenceEncoder
from models.errors import DataError
from models.finetune import SequenceClassifier, train_full
from models.folds import measured_folds
from models.head import Head, fit_logistic, self_train
from models.saved_model import FORMAT, read_saved, saved_encoder
from models.set_head import SetHead, fit_sets

CALIBRATION_MINIMUM = 8
CALIBRATION_EFFORT = 0.5
# So many unlabelled texts tell how sure a self-trained head is; each has to be embedded by that shorter training.
CALIBRATION_TEXTS = 500


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts; scikit-learn-shaped: `fit(texts, labels)`, `predict_proba(texts)`, `classes_`.

    `training` is "frozen" (a head on the encoder as it is), "contrastive" (the encoder first trained on the labels,
    then a head) or "full" (transformers sequence classification); both fall back to frozen for an encoder without
    trainable weights. `lora_rank` above 0 has contrastive training go through adapters of that rank. Probabilities are
    calibrated by temperature scaling on texts that the training has not seen. With `cleansing`, a self-trained head on
    the encoder as it is takes labels that look wrong less seriously.

    With `multi_label`, labels are sets as models/label_sets.py writes them, `predict_proba` gives each class a
    probability of its own, and training falls back to frozen.
    """

    def __init__(
        self,
        encoder: Encoder,
        training: str = "frozen",
        seed: int = 0,
        lora_rank: int = 0,
        multi_label: bool = False,
        cleansing: bool = True,
    ) -> None:
        self.encoder = encoder
        self.training = training
        self.seed = seed
        self.lora_rank = lora_rank
        self.multi_label = multi_label
        self.cleansing = cleansing

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        sample_weight: NDArray[np.floating[Any]] | None = None,
        unlabelled: Sequence[str] = (),
        share: float = 0.0,
        judged: NDArray[np.bool_] | None = None,
        settled: NDArray[np.bool_] | None = None,
    ) -> "TextClassifier":
        """Fits on texts (n,), labels (n,), weights (n,); the head is self-trained on `unlabelled` texts, whose answers
        weigh `share` times the labels ("full" has no such head). Examples that are not `judged` (n,) by a human teach,
        and do not say how sure the classifier may be; labels that are `settled` (n,) are not doubted. Raises DataError
        where there is nothing to learn from.
        """
        targets = np.asarray(labels, dtype=str)
        weights = np.ones(len(targets)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        measures = np.ones(len(targets), dtype=bool) if judged is None else np.asarray(judged)
        used = weights > 0
        texts = [t for t, u in zip(texts, used, strict=True) if u]
        targets, weights, measures = targets[used], weights[used], measures[used]
        if not len(texts):
            raise DataError(
                "no labelled text to learn from: answer the first batch, what was skipped of it, too, then run again"
            )
        data = TrainingSet(texts, targets, weights, measures, unlabelled if share > 0 else (), share)
        self.head: Head | SetHead
        frozen = self.training == "frozen" or self.multi_label or len(np.unique(targets)) == 1
        if isinstance(self.encoder, SentenceEncoder) and not frozen:
            temperature = self._temperature(self.encoder, data)
            self.trained_, head = self._train(self.encoder, data, 1.0)
            self.head = replace(head, temperature=temperature)
        else:
            self.trained_ = self.encoder
            vectors, others = self.encoder.encode(texts), self.encoder.encode(data.unlabelled)
            known = vectors, targets.tolist(), weights, self.seed, others, share
            doubtful = np.full(len(used), self.cleansing) if settled is None else self.cleansing & ~settled
            self.head = fit_sets(*known) if self.multi_label else fit_head(*known, measures, doubtful[used])
        return self

    def __sklearn_tags__(self) -> Any:
        """Tells scikit-learn that rows are texts, not numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags

    @property
    def classes_(self) -> NDArray[np.str_]:
        return self.head.classes_

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings (n, d) by the encoder as trained; `head` answers for them. Raises NotFittedError."""
        check_is_fitted(self)
        return self.trained_.encode(texts)

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Calibrated probabilities, (n, k)."""
        vectors = self.encode(texts)
        return self.head.predict_proba(vectors)

    def predict(self, texts: Sequence[str]) -> NDArray[np.str_]:
        vectors = self.encode(texts)
        return self.head.predict(vectors)

    def _train(self, encoder: SentenceEncoder, data: "TrainingSet", effort: float) -> tuple[Encoder, Head]:
        names = data.labels.tolist()
        if self.training == "full":
            tuned = train_full(encoder.model, data.texts, names, data.weights, self.seed, effort)
            classes = np.unique(data.labels)
            return tuned, Head(classes, np.eye(len(classes)), np.zeros(len(classes)))
        weights, seed = data.weights, self.seed
        model = train_contrastive(encoder.model, data.texts, names, weights, seed, effort, self.lora_rank)
        trained = SentenceEncoder(model)
        known = trained.encode(data.texts), data.labels, data.weights
        if not data.unlabelled:
            return trained, fit_logistic(*known)
        return trained, self_train(*known, trained.encode(data.unlabelled), data.share)

    def _temperature(self, encoder: SentenceEncoder, data: "TrainingSet") -> float:
        """From texts that a shorter training has not seen: those an encoder was trained on lie apart by training, so
        that even their out-of-fold predictions are too sure. 1 while labels are too few to hold some out."""
        train, test = measured_folds(data.labels, self.seed, data.judged)[0]
        part = replace(data.take(train), unlabelled=data.unlabelled[:CALIBRATION_TEXTS])
        known = data.take(test[np.isin(data.labels[test], part.labels)])
        if len(known.texts) < CALIBRATION_MINIMUM or len(np.unique(part.labels)) < 2:
            return 1.0
        trained, head = self._train(encoder, part, CALIBRATION_EFFORT)
        logits = head.logits(trained.encode(known.texts))
        return fit_temperature(logits, np.searchsorted(head.classes_, known.labels), known.weights)

    def save(self, path: Path | str) -> None:
        """Writes the fitted classifier to a directory, as safetensors and JSON; replaces what was there."""
        path = Path(path)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        self.trained_.save(path / "encoder")
        self.head.save(path / "head.safetensors")
        facts = {
            "format": FORMAT,
            "kind": "full" if isinstance(self.trained_, SequenceClassifier) else "embedding",
            "encoder": self.trained_.name,
            "training": self.training,
            "seed": self.seed,
            "lora_rank": self.lora_rank,
            "multi_label": self.multi_label,
            "classes": self.classes_.tolist(),
            "temperature": 1.0 if isinstance(self.head, SetHead) else self.head.temperature,
        }
        # Written last: a directory without it is half a model, and `load` refuses it.
        (path / "model.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str, opened: Encoder | None = None) -> "TextClassifier":
        """A classifier that `save` wrote; runs no code from the files. Raises WeightsError.

        The directory holds all that it needs. `opened` is used instead, with what it remembers, where it is the encoder
        that was saved.
        """
        path = Path(path)
        facts, head = read_saved(path)
        saved = opened is not None and opened.name == facts["encoder"]
        encoder = opened if opened is not None and saved else saved_encoder(path, facts)
        settings = (facts[name] for name in ("training", "seed", "lora_rank", "multi_label"))
        classifier = cls(opened or encoder, *settings)
        classifier.trained_, classifier.head = encoder, head
        return classifier


@dataclass(frozen=True)
class TrainingSet:
    """Texts (n), labels (n,), weights (n,) and whether each measures, (n,), row by row, and unlabelled texts to learn
    from beside them."""

    texts: Sequence[str]
    labels: NDArray[np.str_]
    weights: NDArray[np.floating[Any]]
    judged: NDArray[np.bool_]
    unlabelled: Sequence[str]
    share: float

    def take(self, rows: NDArray[np.intp]) -> "TrainingSet":
        texts = [self.texts[i] for i in rows]
        labels, weights, judged = self.labels[rows], self.weights[rows], self.judged[rows]
        return replace(self, texts=texts, labels=labels, weights=weights, judged=judged)
