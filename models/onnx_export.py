"""A fitted classifier as one ONNX graph that answers as it does."""

import tempfile
import warnings
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from models.classifier import TextClassifier
from models.encoder import SentenceEncoder, encode_with
from models.errors import WeightsError
from models.finetune import LONGEST, SequenceClassifier
from models.head import Head
from models.onnx_encoder import GRAPH, PROBABILITIES, VECTORS, OnnxEncoder, need_onnx
from models.set_head import SetHead
from models.vectors import Vectors

OPSET = 17
TOLERANCE = 1e-4


def to_onnx(classifier: TextClassifier, texts: Sequence[str]) -> TextClassifier:
    """The same classifier on an `OnnxEncoder`, to save, load and ask like any other. Its graph also has the calibrated
    probabilities, (n, k), as an output.

    Both are asked about `texts`, in float32. Raises WeightsError where one label differs, or one probability by more
    than `TOLERANCE`, and for an encoder that is no transformer.
    """
    need_onnx()
    encoder = classifier.trained_
    if not isinstance(encoder, SentenceEncoder | SequenceClassifier):
        raise WeightsError(
            "only transformers can be exported to ONNX, which has no operator for hashed character n-grams or Korean "
            "morphemes: leave ONNX out, or name a sentence-transformer in learner.encoder"
        )
    copy = TextClassifier(encoder, classifier.training, classifier.seed, classifier.lora_rank, classifier.multi_label)
    copy.trained_ = copy.encoder = OnnxEncoder(_graph(encoder, classifier.head), _tokenizer(encoder))
    copy.head = classifier.head
    _check_alike(encoder, copy, texts)
    return copy


def _graph(encoder: SentenceEncoder | SequenceClassifier, head: Head | SetHead) -> bytes:
    import torch

    # Padding among it, lest the mask be traced as one that never matters.
    sample = torch.ones((2, 3), dtype=torch.long), torch.tensor([[1, 1, 1], [1, 1, 0]])
    inputs, outputs = ["input_ids", "attention_mask"], [VECTORS, PROBABILITIES]
    axes = {name: {0: "n", 1: "tokens"} for name in inputs} | {name: {0: "n"} for name in outputs}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings(), torch.inference_mode():
        written = Path(scratch) / GRAPH
        warnings.simplefilter("ignore")
        # By tracing: the newer way took eight times as long, and wants one more library.
        torch.onnx.export(
            _module(encoder, head).eval(),
            sample,
            str(written),
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        return written.read_bytes()


def _module(encoder: SentenceEncoder | SequenceClassifier, head: Head | SetHead) -> Any:
    """Encoder and head as a torch module."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = deepcopy(encoder.model).cpu()
            parts = head.coefficients.T, head.intercept
            self.coefficients, self.intercept = (torch.as_tensor(np.array(part, dtype=np.float32)) for part in parts)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            if isinstance(encoder, SequenceClassifier):
                vectors = self.model(**features).logits
            else:
                vectors = torch.nn.functional.normalize(self.model(features)["sentence_embedding"], dim=1)
            logits = vectors @ self.coefficients + self.intercept
            if isinstance(head, SetHead):
                return vectors, logits.sigmoid()
            return vectors, (logits / head.temperature).softmax(dim=1)

    return Whole()


def _tokenizer(encoder: SentenceEncoder | SequenceClassifier) -> str:
    """The tokenizer as JSON, which cuts and pads as the encoder does."""
    from tokenizers import Tokenizer

    whole: Any
    if isinstance(encoder, SentenceEncoder):
        whole, length = encoder.model.tokenizer, encoder.model.max_seq_length
    else:
        whole, length = encoder.tokenizer, LONGEST
    if not whole.is_fast:
        raise WeightsError("this encoder's tokenizer has no file that runs without it: leave ONNX out")
    alone = Tokenizer.from_str(whole.backend_tokenizer.to_str())
    alone.no_truncation()
    if length is not None:
        alone.enable_truncation(length)
    alone.enable_padding(direction=whole.padding_side, pad_id=whole.pad_token_id, pad_token=whole.pad_token)
    return str(alone.to_str())


def _check_alike(encoder: SentenceEncoder | SequenceClassifier, copy: TextClassifier, texts: Sequence[str]) -> None:
    vectors = _exact(encoder, texts)
    found = copy.predict_proba(texts)
    apart = float(np.abs(found - copy.head.predict_proba(vectors)).max(initial=0))
    others = int((copy.predict(texts) != copy.head.predict(vectors)).sum())
    if apart > TOLERANCE or others:
        raise WeightsError(
            f"the ONNX graph does not answer as the model does: {others} of {len(texts)} labels are others, and "
            f"probabilities differ by up to {apart:.2g}. This encoder cannot be exported: leave ONNX out"
        )


def _exact(encoder: SentenceEncoder | SequenceClassifier, texts: Sequence[str]) -> Vectors:
    """Vectors in float32, whatever precision this machine would take."""
    import torch

    if isinstance(encoder, SequenceClassifier):
        return encoder.encode(texts)
    return encode_with(encoder.model, texts, torch.float32)
