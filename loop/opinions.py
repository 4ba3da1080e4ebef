"""What LLMs think of texts: one or several, straight out, after giving a reason, or after a second look."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from loop.reading import unfenced
from loop.sections import Labelling
from models.chat import ChatRequest, Completion, Message
from models.label_calibration import says_something
from models.llm import LLM, VOTES, count_votes, shuffled
from models.llm_classifier import ask_directly
from models.prompting import PACKAGED, Prompts
from models.records import TaskDescription, TrainingExample

Shares = NDArray[np.float64]
Opinion = tuple[str, str]  # class and reason; both empty where nothing could be read
REASON_TOKENS, TEMPERATURE = 160, 0.7
DIVIDED = 0.7  # share of the votes under which the first answers are looked at again
LEAST = 1e-6
NOTHING: Opinion = ("", "")


def class_shares(
    llms: Sequence[LLM],
    task: TaskDescription,
    texts: Sequence[str],
    shown: Sequence[Sequence[TrainingExample]],
    prompts: Prompts = PACKAGED,
    method: Labelling = "direct",
) -> Shares:
    """The probability of each class, in the task's order, for each text, (n, k): several LLMs' by a logarithmic
    opinion pool, in which what they disagree about is sure of nothing. Of a text that one of them says nothing of, as
    its budget was spent, the pool says nothing either: it was not checked.

    Genest and Zidek, "Combining probability distributions: a critique and an annotated bibliography", 1986.
    """
    ask = {"direct": _direct, "reasoned": _reasoned, "reviewed": _reviewed}[method]
    said = [ask(_Asked(llm, task, texts, shown, prompts)) for llm in llms]
    if len(said) == 1:
        return said[0]
    pooled: Shares = softmax(np.mean(np.log(np.maximum(said, LEAST)), axis=0), axis=1)
    checked = np.all([says_something(shares) for shares in said], axis=0)
    return np.where(checked[:, None], pooled, 1 / len(task.class_names))


@dataclass(frozen=True)
class _Asked:
    """Who is asked about which texts, with the examples shown beside each."""

    llm: LLM
    task: TaskDescription
    texts: Sequence[str]
    shown: Sequence[Sequence[TrainingExample]]
    prompts: Prompts

    def pairs(self) -> list[tuple[str, Sequence[TrainingExample]]]:
        return list(zip(self.texts, self.shown, strict=True))


def _direct(asked: _Asked) -> Shares:
    return ask_directly(asked.llm, asked.task, asked.texts, asked.shown, asked.prompts)


def _reasoned(asked: _Asked) -> Shares:
    return count_votes([name for name, _ in _opinions(asked)], asked.task.class_names)


def _reviewed(asked: _Asked) -> Shares:
    """What was said with reasons; where that is divided, what is said after reading those reasons.

    Zhao et al., "Verify-and-Edit: a knowledge-enhanced chain-of-thought framework", ACL 2023, whose first half this
    is: only uncertain answers are looked at again.
    """
    opinions, classes = _opinions(asked), asked.task.class_names
    shares = count_votes([name for name, _ in opinions], classes)
    divided = np.flatnonzero(shares.max(axis=1) < DIVIDED)
    again = []
    for i in divided.tolist():
        heard = {name: reason for name, reason in opinions[i :: len(asked.texts)] if name}
        again.append(asked.prompts.reviewing(asked.task, asked.texts[i], list(heard.items())))
    if again:
        reviewed = asked.llm.label_probabilities(again, classes)
        # Of what a second look says nothing of, as the budget is spent, the votes still stand.
        told = says_something(reviewed)
        shares[divided[told]] = reviewed[told]
    return shares


def _opinions(asked: _Asked) -> list[Opinion]:
    """All texts' opinions of the first of `VOTES` votes, then all of the second.

    Wei et al., "Chain-of-thought prompting elicits reasoning in large language models", NeurIPS 2022; Wang et al.,
    "Self-consistency improves chain of thought reasoning", ICLR 2023.
    """
    classes = asked.task.class_names
    schema = json.dumps(
        {
            "type": "object",
            "properties": {"reason": {"type": "string"}, "class": {"enum": list(classes)}},
            "required": ["reason", "class"],
            "additionalProperties": False,
        }
    )
    requests = [
        ChatRequest(
            (Message("user", asked.prompts.reasoning(asked.task, text, near, shuffled(classes, vote))),),
            max_tokens=REASON_TOKENS,
            temperature=TEMPERATURE,
            seed=vote,
            schema=schema,
        )
        for vote in range(1, VOTES + 1)
        for text, near in asked.pairs()
    ]
    return [_read(completion, classes) for completion in asked.llm.chat(requests)]


def _read(completion: Completion, classes: Sequence[str]) -> Opinion:
    try:
        answer: Any = json.loads(unfenced(completion.text))
    except (ValueError, RecursionError):
        return NOTHING
    name, reason = (answer.get("class"), answer.get("reason")) if isinstance(answer, dict) else ("", "")
    if not isinstance(name, str) or name not in classes:
        return NOTHING
    return name, " ".join(reason.encode("utf-8", "replace").decode().split()) if isinstance(reason, str) else ""
