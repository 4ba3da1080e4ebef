"""A classifier's directory read back: safetensors, JSON and text, from which no code is run whoever wrote it."""

import json
from pathlib import Path
from typing import Any

from models.encoder import Encoder, load_encoder
from models.errors import WeightsError
from models.finetune import SequenceClassifier
from models.head import Head
from models.set_head import SetHead

FORMAT = 2
# What a saved model consists of; none of it can hold code. ONNX can name other people's: the encoder looks for that.
INERT = {".safetensors", ".onnx", ".json", ".txt", ".md", ".model", ".jinja"}


def read_saved(path: Path) -> tuple[dict[str, Any], Head | SetHead]:
    """What model.json says, and the head. Raises WeightsError."""
    from safetensors import SafetensorError

    try:
        facts = json.loads((path / "model.json").read_text(encoding="utf-8"))
        if facts["format"] != FORMAT:
            raise WeightsError(f"{path} is of format {facts['format']}; this labelloop reads {FORMAT}")
        return facts, _load_head(path / "head.safetensors", facts)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a labelloop model: {error}") from error


def saved_encoder(path: Path, facts: dict[str, Any]) -> Encoder:
    """The encoder beside the head. Raises WeightsError for a directory with anything that could run code, and for an
    encoder other than the head was trained on."""
    strange = sorted(str(f.relative_to(path)) for f in path.rglob("*") if f.is_file() and f.suffix not in INERT)
    if strange:
        raise WeightsError(
            f"{path} holds {', '.join(strange[:3])}, which could run code; a labelloop model is safetensors, JSON and "
            "text: remove what does not belong there, or do not use it"
        )
    full = facts["kind"] == "full"
    encoder: Encoder = SequenceClassifier.load(str(path / "encoder")) if full else load_encoder(path / "encoder")
    if encoder.name != facts["encoder"]:
        raise WeightsError(
            f"{path / 'encoder'} holds other weights than those that were saved ({encoder.name}, not "
            f"{facts['encoder']}): get the whole directory again"
        )
    return encoder


def _load_head(path: Path, facts: dict[str, Any]) -> Head | SetHead:
    if facts["multi_label"]:
        return SetHead.load(path, facts["classes"])
    return Head.load(path, facts["classes"], float(facts["temperature"]))
