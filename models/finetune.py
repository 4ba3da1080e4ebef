"""Full fine-tuning: a transformers sequence classifier whose logits serve as the embedding."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.encoder import fingerprint, transformer
from models.errors import WeightsError
from models.head import balanced
from models.optimise import optimise
from models.threads import device, use_real_cores

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 16
LEARNING_RATE = 1e-4
FEWEST_STEPS, MOST_STEPS = 100, 600
EPOCHS = 10
LONGEST = 256


class SequenceClassifier:
    """A transformers model with a classification head, seen as an encoder: `encode` gives its logits, (n, k)."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = f"fine-tuned-{fingerprint(model)}"

    def logits(self, texts: Sequence[str]) -> Any:
        batch = self.tokenizer(list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt").to(
            self.model.device
        )
        return self.model(**batch).logits

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        order = np.argsort([len(text) for text in texts], kind="stable")
        rows = np.zeros((len(texts), self.model.config.num_labels), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(texts), 64):
                part = order[start : start + 64]
                rows[part] = self.logits([texts[i] for i in part]).float().cpu().numpy()
        return rows

    def save(self, path: Path) -> None:
        self.model.save_pretrained(path)
        self.tokenizer.save_pretrained(path)

    @classmethod
    def load(cls, path: str, classes: int | None = None) -> "SequenceClassifier":
        """From a directory or hub id, in single precision, since half of it loses small steps; `classes` makes a fresh
        head of that size. Raises WeightsError."""
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        size = {} if classes is None else {"num_labels": classes}
        try:
            model = AutoModelForSequenceClassification.from_pretrained(path, trust_remote_code=False, **size)
            return cls(model.float().to(device()).eval(), AutoTokenizer.from_pretrained(path, trust_remote_code=False))
        except (OSError, ValueError) as error:
            raise WeightsError(
                f"'{path}' cannot be loaded as a sequence classifier: {str(error).splitlines()[0]}"
            ) from error


def train_full(
    source: "SentenceTransformer",
    texts: Sequence[str],
    labels: Sequence[str],
    weights: NDArray[np.floating[Any]],
    seed: int,
    effort: float = 1.0,
) -> SequenceClassifier:
    """Fine-tunes the transformer under `source` on texts (n,), labels (n,), weights (n,), classes alike however many
    labels each has; `effort` is a share of the usual steps.

    At least `FEWEST_STEPS` steps: with few labels, epochs are not enough (Mosbach et al., "On the stability of
    fine-tuning BERT", ICLR 2021).
    """
    import torch

    use_real_cores()
    torch.manual_seed(seed)
    names, targets = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    classifier = SequenceClassifier.load(str(transformer(source).name_or_path), len(names))
    rng = np.random.default_rng(seed)
    share = balanced(np.asarray(labels, dtype=str), weights)
    share /= share.sum()

    def loss() -> torch.Tensor:
        rows = rng.choice(len(texts), size=BATCH, p=share)
        wanted = torch.as_tensor(targets[rows], device=classifier.model.device)
        return torch.nn.functional.cross_entropy(classifier.logits([texts[i] for i in rows]).float(), wanted)

    steps = min(max(FEWEST_STEPS, EPOCHS * len(texts) // BATCH), MOST_STEPS)
    optimise(classifier.model, loss, round(effort * steps), LEARNING_RATE)
    # Anew, since it is named by its weights.
    return SequenceClassifier(classifier.model, classifier.tokenizer)
