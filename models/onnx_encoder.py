"""An encoder as an ONNX graph: the same vectors without torch, by onnxruntime."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import WeightsError
from models.threads import real_cores

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 32
VECTORS, PROBABILITIES = "vectors", "probabilities"
GRAPH, TOKENIZER = "model.onnx", "tokenizer.json"
# The operators of the standard itself; any other is somebody's library.
STANDARD = {"", "ai.onnx"}


class OnnxEncoder:
    """A graph from `input_ids` and `attention_mask`, int64 (n, tokens), to `vectors` (n, d), and its tokenizer.

    Raises WeightsError for what is no such graph, and for one that reaches beyond itself.
    """

    def __init__(self, graph: bytes, tokenizer: str) -> None:
        self.graph = graph
        self.tokenizer = tokenizer
        self.name = f"onnx-{hashlib.sha256(graph + tokenizer.encode()).hexdigest()[:16]}"
        self._session, self._cut = _open(graph, tokenizer)

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Vectors (n, d), those that the classifier's head was trained on."""
        width = self._session.get_outputs()[0].shape[1]
        rows = np.zeros((len(texts), width), dtype=np.float32)
        # Of like length together: little padding.
        order = np.argsort([len(text) for text in texts], kind="stable")
        for start in range(0, len(texts), BATCH):
            part = order[start : start + BATCH]
            rows[part] = self.run(VECTORS, [texts[i] for i in part])
        return rows

    def run(self, output: str, texts: Sequence[str]) -> "NDArray[np.float32]":
        """One output of the graph for one batch of texts."""
        cut = self._cut.encode_batch(list(texts))
        ids, mask = np.array([c.ids for c in cut]), np.array([c.attention_mask for c in cut])
        answer: NDArray[np.float32] = self._session.run([output], {"input_ids": ids, "attention_mask": mask})[0]
        return answer

    def save(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        (path / GRAPH).write_bytes(self.graph)
        (path / TOKENIZER).write_text(self.tokenizer, encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "OnnxEncoder":
        try:
            return cls((path / GRAPH).read_bytes(), (path / TOKENIZER).read_text(encoding="utf-8"))
        except OSError as error:
            raise WeightsError(f"{path} is not an encoder in ONNX: {error}") from error


def need_onnx() -> None:
    """Raises WeightsError where the libraries are missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise WeightsError("a model in ONNX needs onnx and onnxruntime: pip install 'labelloop[onnx]'") from error


def check_self_contained(graph: bytes) -> None:
    """Raises WeightsError for a graph that is none, has weights in other files, or names operators beyond the standard:
    the first reads files of the machine, the second is somebody's compiled code."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        messages = list(_messages(onnx.load_model_from_string(graph)))
    except DecodeError as error:
        raise WeightsError("the graph is not ONNX: get the whole directory again") from error
    for message in messages:
        if isinstance(message, onnx.TensorProto) and (message.external_data or message.data_location):
            raise WeightsError("the graph has weights in files outside of itself: do not use it")
        if isinstance(message, onnx.NodeProto) and message.domain not in STANDARD:
            raise WeightsError(f"the graph has an operator of '{message.domain}', beyond ONNX itself: do not use it")


def _messages(message: Any) -> Iterator[Any]:
    """A protobuf message and all within it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if field.is_repeated else [value]:
                yield from _messages(inner)


def _open(graph: bytes, tokenizer: str) -> tuple[Any, Any]:
    need_onnx()
    check_self_contained(graph)
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = real_cores()
    # As for torch: threads that wait must not spin on a core that another process needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return session, Tokenizer.from_str(tokenizer)
    # Neither library has errors of its own that it would be true to.
    except Exception as error:
        raise WeightsError(f"the graph or its tokenizer cannot be opened: {str(error).splitlines()[0]}") from error
