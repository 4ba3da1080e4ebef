"""What is asked of an LLM and what comes back, and on whose account."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

Arm = Literal["human", "llm-label", "llm-text"]


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """One question to an LLM.

    `schema` (a JSON schema as text) asks for JSON of that shape. `choices` asks for exactly one of these strings,
    and for the probability of each. A request is a value: its `key` under a model's name is what a completion is
    stored by, so `seed` is the only thing that tells two draws of one prompt apart.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 128
    temperature: float = 0.0
    seed: int = 0
    schema: str | None = None
    choices: tuple[str, ...] = ()

    def key(self, model: str) -> str:
        payload = json.dumps([model, asdict(self)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(payload.encode()).hexdigest()


@dataclass(frozen=True)
class Completion:
    """What came back. `probabilities` aligns with the request's choices, sums to 1, or is None where the model
    gives no log-probabilities. `finish` is "stop", "length" where `max_tokens` cut the text, "refused" where the model
    takes others but not this request, or "unasked" where the budget had no room for it."""

    text: str
    tokens_in: int
    tokens_out: int
    seconds: float
    finish: str = "stop"
    probabilities: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Account:
    """Who pays for an LLM call: a stage of a round, and the way to spend (arm) that it serves. What is shown to
    annotators serves "human"."""

    round: int
    stage: str
    arm: Arm


@dataclass(frozen=True)
class Rest:
    """The LLM was not asked what an account wanted to ask: `cap` ("token", "money" or "time") left no room."""

    round: int
    stage: str
    arm: Arm
    cap: str
