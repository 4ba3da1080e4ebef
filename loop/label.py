"""Labels proposed by machines, each with the confidence of its token probabilities or votes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from loop.opinions import class_shares
from loop.sections import Labelling
from models.classifier import TextClassifier
from models.label_calibration import LabelCalibration, fit_label_calibration, says_something
from models.llm import LLM
from models.prompting import PACKAGED, Prompts
from models.records import Suggestion, TaskDescription, TrainingExample, Verdict

CLASSIFIER = "classifier"
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Said:
    """What an LLM said of each class, in the task's order, of a text; `parents` are the examples it was shown."""

    example: str
    shares: tuple[float, ...]
    parents: tuple[str, ...] = ()


def label(
    llm: LLM,
    task: TaskDescription,
    texts: Sequence[tuple[str, str]],
    round_: int,
    prompts: Prompts = PACKAGED,
    truth: Mapping[str, str] = NOTHING,
    earlier: Sequence[Suggestion] = (),
) -> list[Suggestion]:
    """The LLM's label for each (id, text): `ask`, then `suggest`."""
    return suggest(llm.name, task, ask([llm], task, texts, prompts), round_, truth, earlier)


def ask(
    llms: Sequence[LLM],
    task: TaskDescription,
    texts: Sequence[tuple[str, str]],
    prompts: Prompts = PACKAGED,
    shown: Sequence[Sequence[TrainingExample]] = (),
    method: Labelling = "direct",
) -> list[Said]:
    """What the LLMs say together of each (id, text), asked without any hint of what it may be; `shown` are the
    human-labelled examples that stand in each text's prompt, if any."""
    if not texts:
        return []
    shown = shown or [()] * len(texts)
    shares = class_shares(llms, task, [text for _, text in texts], shown, prompts, method)
    return [
        Said(example, tuple(row.tolist()), tuple(e.id for e in near))
        for (example, _), row, near in zip(texts, shares, shown, strict=True)
    ]


def suggest(
    model: str,
    task: TaskDescription,
    said: Sequence[Said],
    round_: int,
    truth: Mapping[str, str] = NOTHING,
    earlier: Sequence[Suggestion] = (),
    abstain_below: float = 0.0,
) -> list[Suggestion]:
    """The labels that follow from what `model` said; none for a text of which it said nothing that tells one class from
    another, or of whose class it is less sure than `abstain_below`.

    Probabilities are calibrated on all it has said, now and in `earlier` rounds, and on the labels that humans gave of
    some of it, `truth` by example, never the holdout's.
    """
    if not said:
        return []
    shares = np.array([s.shares for s in said])
    before = [Said(s.example, s.shares) for s in earlier if s.model == model and s.shares]
    calibrated = _calibration([*said, *before], truth, task.class_names).apply(shares)
    best = calibrated.argmax(axis=1)
    return [
        Suggestion(
            example=said[i].example,
            round=round_,
            model=model,
            label=task.class_names[best[i]],
            confidence=float(calibrated[i].max()),
            shares=said[i].shares,
            parents=said[i].parents,
        )
        for i in np.flatnonzero(says_something(calibrated) & (calibrated.max(axis=1) >= abstain_below))
    ]


def _calibration(said: Sequence[Said], truth: Mapping[str, str], names: Sequence[str]) -> LabelCalibration:
    position = {name: i for i, name in enumerate(names)}
    judged = [s for s in said if s.example in truth]
    counts = np.bincount([position[name] for name in truth.values()], minlength=len(names)).astype(float)
    return fit_label_calibration(
        np.array([s.shares for s in said]),
        np.array([s.shares for s in judged]).reshape(len(judged), len(names)),
        [position[truth[s.example]] for s in judged],
        counts,
    )


def label_by_classifier(classifier: TextClassifier, texts: Sequence[tuple[str, str]], round_: int) -> list[Suggestion]:
    """The classifier's own label for each (id, text)."""
    if not texts:
        return []
    vectors = classifier.encode([text for _, text in texts])
    labels, sure = classifier.head.predict(vectors), classifier.head.confidence(vectors)
    return [
        Suggestion(example, round_, CLASSIFIER, str(name), float(confidence))
        for (example, _), name, confidence in zip(texts, labels, sure, strict=True)
    ]


def best_suggester(suggestions: Sequence[Suggestion], verdicts: Mapping[str, Verdict]) -> str:
    """Whose suggestions annotators should see: the machine that agreed with the larger share of `verdicts`, by example
    (loop/people/anchoring.py says which tell); the classifier where nothing tells them apart."""
    hits: dict[str, list[bool]] = {CLASSIFIER: []}
    for suggestion in suggestions:
        verdict = verdicts.get(suggestion.example)
        if verdict is not None and verdict.label is not None:
            hits.setdefault(suggestion.model, []).append(verdict.label == suggestion.label)
    # One pseudo-miss each: a machine seen once does not beat one seen a hundred times.
    shares = {model: sum(h) / (len(h) + 1) for model, h in hits.items()}
    return max(shares, key=lambda model: (shares[model], model == CLASSIFIER))
