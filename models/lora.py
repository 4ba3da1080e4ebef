"""Low-rank adaptation: a larger encoder trained through a few small matrices instead of all its weights."""

from typing import TYPE_CHECKING, Any

from models.encoder import transformer
from models.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

ADAPTER_STEPS = 40
ADAPTER_LEARNING_RATE = 3e-3


def add_adapters(model: "SentenceTransformer", rank: int) -> Any:
    """Puts adapters of `rank` beside every linear layer of the model, in place, and freezes the rest; the answer's
    `merge_and_unload()` folds what they have learned into the layers and leaves the model as any other.

    Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022. Raises ConfigError without peft.
    """
    check_peft()
    from peft import LoraConfig, get_peft_model

    return get_peft_model(transformer(model), LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))


def check_peft() -> None:
    """Raises ConfigError where peft is not installed."""
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise ConfigError("learner.lora_rank needs peft: pip install 'labelloop[lora]', or set it to 0") from error
